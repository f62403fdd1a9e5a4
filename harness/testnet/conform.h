// Did the simulator tell the truth? Four answers about a live network that has run:
//   replay       every node's flight log, executed again in virtual time, gives the same digests
//   invariants   the checkers of the simulation judge the live trace
//   model error  live and simulated distributions of the same scenario, and how far they lie apart
//   transitions  what followed what live, and never in simulation
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "engine/base/result.h"
#include "harness/testnet/home.h"
#include "harness/testnet/replayed.h"
#include "harness/testnet/timing.h"

namespace orrery::testnet {

struct InvariantVerdict {
  std::string name;
  std::uint64_t checks = 0;
  std::uint64_t violations = 0;
  std::string first;  // the first violation, with its time
};

// One quantity measured in both worlds with the same ruler.
struct Comparison {
  std::string name;
  std::string unit;
  Samples live;
  Samples simulated;
  double ks = 0;  // Kolmogorov-Smirnov distance
};

// One-way delay of messages between nodes as measured, as a link of a scenario.
struct FittedLink {
  std::uint64_t messages = 0;
  double median_s = 0;
  double sigma = 0;  // of the logarithm, from the 16 % and 84 % quantiles
  double min_s = 0;
  double max_s = 0;

  std::string latency() const;  // "lognormal(median=120us, sigma=0.4, min=40us, max=2ms)"
};

struct Conformance {
  std::string scenario;
  double live_seconds = 0;
  std::vector<ReplayedNode> nodes;
  std::vector<InvariantVerdict> invariants;
  std::vector<Comparison> comparisons;
  FittedLink link;
  std::vector<std::string> only_live;  // "head -> vote sent": transitions never seen simulated
  std::string simulated_digest;

  bool replays_equal() const;      // every node whole, no difference, no problem
  bool invariants_hold() const;
  double model_error() const;      // the largest KS distance
};

struct ConformOptions {
  std::function<void(const std::string& stage, std::uint64_t done)> progress;
  // Latency of all links in the simulated run, instead of the scenario's; empty: the scenario's.
  bool use_fitted_link = false;
};

Result<Conformance> conform(const Home& home, const ConformOptions& options);

std::string conformance_json(const Conformance& result);

}  // namespace orrery::testnet
