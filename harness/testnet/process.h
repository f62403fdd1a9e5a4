// One live node as a process: the only place that joins engine/live with a node of the chain.
#pragma once

#include <string>

#include "engine/base/result.h"

namespace orrery::testnet {

struct ProcessOptions {
  std::string config;   // config/nodes/NAME.json of a home
  int control_fd = -1;  // a socket to the supervisor: JSON lines both ways (control.h); -1: none
};

// Runs until SIGTERM, SIGINT, the end of the supervisor, or a failure. kIo: the disk or a port;
// kInternal: a bug of ours.
Status run_node_process(const ProcessOptions& options);

// The content of config/nodes/NAME.json.
std::string node_config_json(const std::string& node);

}  // namespace orrery::testnet
