// Distributions that a live and a simulated run of one scenario can be compared by, taken from the
// trace alone, so both are measured with the same ruler.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "engine/base/hash.h"
#include "engine/env/trace.h"

namespace orrery::testnet {

using Samples = std::vector<double>;

// Largest distance between the two empirical distribution functions (Kolmogorov-Smirnov, two
// samples): 0 equal, 1 disjoint. 1 if one is empty and the other is not; 0 if both are.
double ks_distance(Samples a, Samples b);
// The q-quantile (0..1) by linear interpolation; 0 of nothing.
double quantile(Samples samples, double q);

class Timing final : public env::TraceSink {
 public:
  // `genesis`: the time of slot 0 on the clock that on_trace uses; slots last `slot`.
  explicit Timing(Time genesis, Duration slot) : genesis_(genesis), slot_(slot) {}

  void on_trace(Time now, std::uint32_t node, const env::TraceEvent& event) override;

  Samples block_interval_s() const;    // between first executions of following heights
  Samples finality_latency_s() const;  // from a block's slot to each node's finalising it
  Samples propagation_s() const;       // from a block's first execution to each other node's
  // Pairs of protocol trace kinds that followed one another on a node.
  const std::set<std::pair<env::TraceKind, env::TraceKind>>& transitions() const {
    return transitions_;
  }

 private:
  struct Block {
    std::uint64_t height = 0;
    std::uint64_t slot = 0;
    Time first{};
    std::map<std::uint32_t, Time> executed;
  };
  Time genesis_;
  Duration slot_;
  std::map<Hash256, Block> blocks_;
  Samples finality_;
  std::map<std::uint32_t, env::TraceKind> last_;
  std::set<std::pair<env::TraceKind, env::TraceKind>> transitions_;
};

}  // namespace orrery::testnet
