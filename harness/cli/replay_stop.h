// replay --to, --node, --break: a run again up to a point, and what is known there.
#pragma once

#include "harness/cli/commands.h"
#include "harness/cli/run_files.h"

namespace orrery::cli {

int replay_stop(const ReplayArgs& args, const RunAgain& run);

}  // namespace orrery::cli
