// The supervisor of a live network: starts one process a node, restarts those that die, runs the
// scenario's timeline and load on the clock, and does what commands ask over the home's socket
// (control.h). It holds the home's lock and the network's ports. When it ends, its nodes end; when
// it is killed, its guard (guard.h) starts another.
#pragma once

#include <string>
#include <vector>

#include "engine/base/result.h"
#include "harness/testnet/home.h"

namespace orrery::testnet {

struct SupervisorOptions {
  std::string home;
  std::string program;            // the orrery binary
  std::vector<std::string> only;  // names of the nodes to run; empty: all
  bool timeline = true;
  bool load = true;
  bool resume = false;  // after a supervisor that was killed: what it had ended stays down
  int control_fd = -1;  // one JSON line goes there once the nodes are started, or why not; -1: none
};

// Runs until told to end. kRefused: another supervisor has the home. kIo: a port or a file.
Status run_supervisor(const SupervisorOptions& options);

}  // namespace orrery::testnet
