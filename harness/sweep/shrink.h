// From a scenario that fails to a small one that fails in the same way: fewer faults, nodes and
// requests, a shorter run, plainer values.
#pragma once

#include <cstdint>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "harness/sweep/trial.h"
#include "scenarios/schema/load.h"

namespace orrery::sweep {

struct ShrinkOptions {
  scenario::LoadOptions load;
  std::uint64_t max_trials = 400;
  double max_minutes = 10;  // of wall time
  std::function<bool()> interrupt;
  std::function<void(std::uint64_t tried, std::uint64_t kept)> progress;
};

struct Shrunk {
  std::string document;  // JSON
  Failure failure;  // of the shrunk scenario
  std::uint64_t tried = 0;
  std::uint64_t kept = 0;
  bool complete = true;  // false: the trials or the time were used up, or it was interrupted
};

// kInvalidArgument if the document does not load. kNotFound if it does not fail.
Result<Shrunk> shrink_scenario(const nlohmann::ordered_json& document,
                               const ShrinkOptions& options);

}  // namespace orrery::sweep
