// Starting and ending one process. POSIX only; no state but the pid.
#pragma once

#include <string>
#include <vector>

#include "engine/base/result.h"

namespace orrery::testnet {

struct ChildOptions {
  std::vector<std::string> command;  // program and arguments; the program is found in PATH
  std::string log;                   // standard output and error are appended here
  std::vector<std::string> environment;  // NAME=value, added to ours
};

struct Child {
  int pid = 0;
  int control = -1;  // our end of a socket pair; the child has the other one as descriptor 3
};

inline constexpr int kControlFd = 3;

// kIo with the system's reason.
Result<Child> spawn(const ChildOptions& options);

// Runs a command to its end, its output appended to `log`. kIo: it cannot be started, or its exit
// code is not 0.
Status run_and_wait(const std::vector<std::string>& command, const std::string& log);

// Whether the process still runs; false also for a zombie that was waited for elsewhere.
bool is_alive(int pid);

}  // namespace orrery::testnet
