// What happened, in at most ten lines: the world, its faults, what came before the failure, and the
// failure.
#pragma once

#include <string>
#include <vector>

#include "harness/sweep/trial.h"
#include "scenarios/schema/scenario.h"

namespace orrery::sweep {

inline constexpr std::size_t kStoryLines = 10;

// Runs the scenario once more, up to the failure. kInvalidArgument if it cannot start.
Result<std::vector<std::string>> tell(const scenario::Scenario& scenario, const Failure& failure);

}  // namespace orrery::sweep
