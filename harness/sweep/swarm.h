// A swarm: many seeds, each with its own world or its own faults, judged by all invariants.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "harness/sweep/trial.h"
#include "scenarios/schema/load.h"

namespace orrery::sweep {

struct SwarmOptions {
  std::string document;  // JSON of the scenario that every seed starts from; empty: drawn worlds
  scenario::LoadOptions load;
  std::uint64_t first_seed = 1;
  std::uint64_t seeds = 100;
  double minutes = 0;                      // of wall time; 0: as long as the seeds take
  unsigned jobs = 1;                       // threads
  std::uint64_t again_every = 10;          // every n-th seed runs twice; 0: none
  Duration until = Duration::minutes(10);  // of drawn worlds
  std::function<bool()> interrupt;
  // After each seed, in no order of seeds, one call at a time.
  std::function<void(std::uint64_t done, std::uint64_t failed)> progress;
};

struct FailedSeed {
  std::uint64_t seed = 0;
  Failure failure;
};

struct SwarmResult {
  std::uint64_t runs = 0;      // seeds that ran to their end or failure
  std::uint64_t compared = 0;  // of them, run twice
  std::uint64_t events = 0;
  Duration simulated{};
  std::vector<FailedSeed> failed;  // ascending seed
  // Goal -> seeds that met it.
  std::map<std::string, std::uint64_t> coverage;
  bool interrupted = false;
};

// The scenario document of one seed, with its faults. kInvalidArgument if `document` does not load.
Result<nlohmann::ordered_json> swarm_document(const SwarmOptions& options, std::uint64_t seed);

// kInvalidArgument: a document that does not load, with the loader's words.
Result<SwarmResult> run_swarm(const SwarmOptions& options);

}  // namespace orrery::sweep
