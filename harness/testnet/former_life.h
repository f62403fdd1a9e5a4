// What a supervisor that was killed has left in process.json: processes that may still run, and
// what was meant to be.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "harness/testnet/home.h"

namespace orrery::testnet {

struct FormerLife {
  struct Process {
    std::string node;
    int pid = 0;
    bool wanted = true;  // false: an operator or the timeline had ended it for good
  };
  std::vector<Process> processes;
  double load_rate = 1;
};

struct Watchers {
  int supervisor = 0, guard = 0;  // pids
};
std::string encode(const Watchers& watchers, const NetworkFile& network, const FormerLife& life);
// Empty if nobody was killed there.
FormerLife read_former_life(const Home& home);
// Ends the processes that still run: asked to, then killed. Returns once they are gone, so that
// their ports and disks are free. A pid that the system has given to somebody else is left alone.
void end_processes(const Home& home, const FormerLife& life);

}  // namespace orrery::testnet
