// Starting a supervisor in the background, from a command or from a guard.
#pragma once

#include <string>
#include <vector>

#include "engine/base/result.h"
#include "harness/testnet/supervisor.h"

namespace orrery::testnet {

// The command line that is `verb` ("supervise" or "guard") with these options; its line to us is
// kControlFd.
std::vector<std::string> command_line(const std::string& verb, const SupervisorOptions& options);

// Returns once the supervisor's nodes are started. kIo or kInvalidArgument: its refusal, in its
// words. kInternal: it ended without a word.
Status launch_supervisor(const SupervisorOptions& options);

}  // namespace orrery::testnet
