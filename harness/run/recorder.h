// Follows a run through its trace: every block once, exact pools and task counts after each,
// faults, finality; and samples the metrics. Read by asserts and by the builder of the run record.
#pragma once

#include <array>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "engine/env/trace.h"
#include "engine/sim/simulator.h"
#include "protocol/invariants/observer.h"
#include "scenarios/schema/scenario.h"

namespace orrery::run {

// Values of the metrics of reports/record/metrics.h at one instant.
using Metrics = std::map<std::string, double>;

// A block and what the chain's totals are after it.
struct SeenBlock {
  chain::BlockPtr block;
  chain::ChainEvents events;
  chain::SupplyBook::Pools pools;
  std::array<std::uint64_t, 8> tasks{};  // users' tasks by chain::TaskState
  std::uint64_t requested = 0;
  std::uint64_t tokens = 0;
  std::uint64_t work = 0;
  std::set<chain::Address> slashed;
  Time finalized = kNever;  // when the first honest node held it as final
};

struct Sample {
  Time time{};
  std::uint64_t height = 0;
  Metrics metrics;
  chain::SupplyBook::Pools pools;
};

struct SeenFault {
  Time begin{};
  Time end = kNever;
};

class Recorder final : public env::TraceSink {
 public:
  Recorder(const scenario::Scenario& scenario, const chain::Observer& observer,
           const sim::Simulator& simulator);

  void on_trace(Time now, std::uint32_t node, const env::TraceEvent& event) override;
  void sample(Time now);

  const Metrics& latest() const { return samples_.back().metrics; }
  const std::vector<Sample>& samples() const { return samples_; }
  const std::map<std::uint32_t, SeenFault>& faults() const { return faults_; }
  const SeenBlock* find(const Hash256& block) const;
  // From height 1 to the head of the reference node: running, honest, most advanced.
  std::vector<const SeenBlock*> canonical() const;
  Hash256 reference_head() const;

 private:
  void on_block(std::uint32_t node, const Hash256& hash);
  void on_finalized(Time now, const Hash256& hash);
  void chain_metrics(Sample& sample) const;
  void world_metrics(Sample& sample) const;
  void interval_metrics(Sample& sample) const;
  // Blocks and tasks kept by height; the reference is recomputed at each sample.
  const chain::ChainNode* reference() const;

  const scenario::Scenario& scenario_;
  const chain::Observer& observer_;
  const sim::Simulator& simulator_;
  chain::SupplyBook book_;
  std::map<Hash256, SeenBlock> blocks_;
  std::map<std::uint32_t, SeenFault> faults_;
  std::vector<Sample> samples_;
  Hash256 last_head_;  // of the reference; stands when all nodes are down
  std::uint64_t finalized_height_ = 0;
  std::uint64_t finality_advanced_ = 0;
  std::uint64_t reorg_depth_ = 0;
  std::uint64_t conflicts_ = 0;
};

}  // namespace orrery::run
