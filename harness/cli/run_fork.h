// run --fork-at: one past, several futures, and how they differ.
#pragma once

#include <string>
#include <vector>

#include "harness/cli/commands.h"
#include "harness/inspect/futures.h"
#include "harness/run/run_scenario.h"

namespace orrery::cli {

// The futures that --fork-at, --variant and --variants ask for; none without --fork-at.
// kInvalidArgument says which and why.
Result<std::vector<inspect::Future>> read_futures(const RunArgs& args, Time until);

// Runs them into folders below `dir`, compares, prints; the exit code, which is that of the worst.
int run_forked(const RunArgs& args, const scenario::Scenario& scenario,
               const std::vector<inspect::Future>& futures, const run::RunOptions& options,
               const std::string& dir);

}  // namespace orrery::cli
