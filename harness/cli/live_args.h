// Verbs of live networks: their options, and one function each.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "harness/cli/commands.h"

namespace CLI {
class App;
}

namespace orrery::cli {

struct UpArgs {
  ScenarioArgs scenario;
  std::string home;
  std::string ports = "dynamic";     // or fixed: 26656 + 10 i, RPC one above
  std::string provider;              // process, netns; empty: as the scenario says
  std::vector<std::string> only;
  std::string wait = "final";  // ready, final, none
  std::string timeout = "60s";
  bool no_timeline = false;
  bool no_load = false;
  bool no_restart = false;
  bool no_flight = false;
  bool no_shaping = false;
  bool json = false;
};
// Words shared by the verbs that act on a running network.
struct NetArgs {
  std::string home;
  std::vector<std::string> nodes;
  bool json = false;
};
struct StatusArgs {
  NetArgs net;
  bool watch = false;
};
struct LogsArgs {
  NetArgs net;
  bool follow = false;
  std::size_t lines = 20;
  std::string grep;
  std::string since;
};
struct FaultArgs {
  NetArgs net;
  std::string what;  // add kill pause resume list clear
  std::vector<std::string> words;
};
struct LoadArgs {
  NetArgs net;
  std::string what;  // start stop rate
  double rate = 1;
};
struct DownArgs {
  NetArgs net;
  bool keep = false;
};
struct ExecArgs {
  NetArgs net;
  std::string node;
  std::vector<std::string> command;
};
struct ExportArgs {
  NetArgs net;
  std::string what = "systemd";  // or container
};
struct NodeArgs {
  std::string config;
  int control_fd = -1;
};
struct SuperviseArgs {
  std::string home;
  std::vector<std::string> only;
  bool no_timeline = false;
  bool no_load = false;
  bool resume = false;
  int control_fd = -1;
};
struct ConformArgs {
  std::string target;  // a home, or a scenario file; empty: the newest home
  std::string for_ = "30s";  // how long a file runs live
  std::string out;
  bool fitted = false;
  bool json = false;
};

int up_command(const UpArgs& args);
int status_command(const StatusArgs& args);
int logs_command(const LogsArgs& args);
int stop_command(const NetArgs& args);
int start_command(const NetArgs& args);
int fault_command(const FaultArgs& args);
int load_command(const LoadArgs& args);
int down_command(const DownArgs& args);
int exec_command(const ExecArgs& args);
int export_command(const ExportArgs& args);
int node_command(const NodeArgs& args);
int supervise_command(const SuperviseArgs& args);
int guard_command(const SuperviseArgs& args);
int conform_command(const ConformArgs& args);

struct LiveArgs {
  UpArgs up;
  StatusArgs status;
  LogsArgs logs;
  NetArgs stop, start;
  FaultArgs fault;
  LoadArgs load;
  DownArgs down;
  ExecArgs exec;
  ExportArgs export_;
  NodeArgs node;
  SuperviseArgs supervise;
  SuperviseArgs guard;
  ConformArgs conform;
};
void add_live_verbs(CLI::App& app, LiveArgs& args);
// Nothing: not a verb of live networks.
std::optional<int> dispatch_live(const std::string& verb, const LiveArgs& args);

}  // namespace orrery::cli
