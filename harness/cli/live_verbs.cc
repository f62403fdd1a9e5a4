// Words of the verbs of live networks.
#include <CLI/CLI.hpp>

#include "harness/cli/live_args.h"

namespace orrery::cli {
namespace {

CLI::App* add_net(CLI::App& app, const char* name, const char* about, NetArgs& net) {
  CLI::App* verb = app.add_subcommand(name, about);
  verb->add_option("--home", net.home, "Home of the network (default: the newest)");
  verb->add_flag("--json", net.json, "One JSON object on standard output");
  return verb;
}

void add_up(CLI::App& app, UpArgs& up) {
  CLI::App* verb = app.add_subcommand("up", "Start a scenario as real processes");
  verb->add_option("file", up.scenario.file, "Scenario file (YAML or JSON)")->required();
  verb->add_option("--set", up.scenario.set, "Change a value: key=value")
      ->allow_extra_args(false);
  verb->add_option("--seed", up.scenario.seed, "Seed of keys and load, instead of the file's");
  verb->add_option("--home", up.home, "Home of the network (default: out/testnets/NAME/TIME)");
  verb->add_option("--ports", up.ports, "dynamic, or fixed: 26656 + 10 i and RPC one above")
      ->check(CLI::IsMember({"dynamic", "fixed"}));
  verb->add_option("--provider", up.provider,
                   "process, or netns: a network namespace each (default: the scenario's)")
      ->check(CLI::IsMember({"process", "netns"}));
  verb->add_option("--only", up.only, "Run these nodes alone")->delimiter(',');
  verb->add_option("--wait", up.wait, "Return once all nodes are ready, or have a final block")
      ->check(CLI::IsMember({"ready", "final", "none"}));
  verb->add_option("--timeout", up.timeout, "How long to wait, such as 60s");
  verb->add_flag("--no-timeline", up.no_timeline, "Leave the scenario's faults out");
  verb->add_flag("--no-load", up.no_load, "Leave the scenario's users silent");
  verb->add_flag("--no-restart", up.no_restart, "Leave nodes down that end unasked");
  verb->add_flag("--no-shaping", up.no_shaping,
                 "With netns: leave the scenario's latencies, losses and rates out");
  verb->add_flag("--no-flight", up.no_flight, "Keep no flight logs: conform has nothing to read");
  verb->add_flag("--json", up.json, "One JSON object on standard output");
  verb->footer("Example: orrery up scenarios/library/baseline/live.yaml && orrery status");
}

void add_operate(CLI::App& app, LiveArgs& a) {
  CLI::App* status = add_net(app, "status", "Show every node of a live network", a.status.net);
  status->add_flag("--watch", a.status.watch, "Show it again each second, until Ctrl-C");
  status->footer("Example: orrery status --json | jq '.[].height'");

  CLI::App* logs = add_net(app, "logs", "Show what nodes wrote", a.logs.net);
  logs->add_option("nodes", a.logs.net.nodes, "Names; supervisor counts too (default: all)");
  logs->add_flag("-f,--follow", a.logs.follow, "Go on as more is written, until Ctrl-C");
  logs->add_option("-n,--lines", a.logs.lines, "Last lines of each");
  logs->add_option("--grep", a.logs.grep, "Only lines that hold this regular expression");
  logs->add_option("--since", a.logs.since, "Only what is younger than this, such as 5m");
  logs->footer("Example: orrery logs validators-0 -f --grep slashed");

  CLI::App* stop = add_net(app, "stop", "Stop nodes; their disks stay", a.stop);
  stop->add_option("nodes", a.stop.nodes, "Names (default: all)");
  stop->footer("Example: orrery stop workers-3");
  CLI::App* start = add_net(app, "start", "Start nodes that are down, or the whole home again",
                            a.start);
  start->add_option("nodes", a.start.nodes, "Names (default: all)");
  start->footer("Example: orrery start workers-3");

  CLI::App* fault = add_net(app, "fault", "Hurt a live network, in the words of a timeline",
                            a.fault.net);
  fault->add_option("what", a.fault.what, "add, kill, pause, resume, list or clear")
      ->required()
      ->check(CLI::IsMember({"add", "kill", "pause", "resume", "list", "clear"}));
  fault->add_option("words", a.fault.words,
                    "add: an item of a timeline; clear: a fault's name or all; else: nodes");
  fault->footer(
      "Examples: orrery fault kill validators-1\n"
      "          orrery fault add 'do: partition, for: 30s, sides: [validators-0, validators-1]'\n"
      "          orrery fault add 'do: clock, targets: validators-2, offset: 2s'");

  CLI::App* load = add_net(app, "load", "Change how often the scenario's users ask", a.load.net);
  load->add_option("what", a.load.what, "start, stop or rate")
      ->required()
      ->check(CLI::IsMember({"start", "stop", "rate"}));
  load->add_option("rate", a.load.rate, "2 is twice as often as the scenario says")
      ->check(CLI::Range(0.0, 1e6));
  load->footer("Example: orrery load rate 10");

  CLI::App* down = add_net(app, "down", "End a live network and remove its home", a.down.net);
  down->add_flag("--keep", a.down.keep, "Leave the home: disks, logs and flight logs");
  down->footer("Example: orrery down --keep && orrery conform");

  CLI::App* exec = add_net(app, "exec", "Run a command in a node's environment", a.exec.net);
  exec->add_option("node", a.exec.node, "Name")->required();
  exec->add_option("command", a.exec.command, "The command, after --")->required();
  exec->footer("Example: orrery exec validators-0 -- sh -c 'curl -s $ORRERY_RPC/chain'");

  CLI::App* exported = add_net(app, "export", "Print what hands a network to other tools",
                               a.export_.net);
  exported->add_option("what", a.export_.what, "systemd or container")
      ->check(CLI::IsMember({"systemd", "container"}));
  exported->footer("Example: orrery export systemd > orrery.units");
}

// Not for people, and not in --help.
void add_supervising(CLI::App& app, const char* name, const char* about, SuperviseArgs& args) {
  CLI::App* verb = app.add_subcommand(name, about);
  verb->add_option("--home", args.home, "Home of the network")->required();
  verb->add_option("--only", args.only, "Run these nodes alone")->delimiter(',');
  verb->add_flag("--no-timeline", args.no_timeline);
  verb->add_flag("--no-load", args.no_load);
  verb->add_flag("--resume", args.resume);
  verb->add_option("--control-fd", args.control_fd);
  verb->group("");
}

void add_processes(CLI::App& app, LiveArgs& a) {
  CLI::App* node = app.add_subcommand("node", "Be one node of a live network, until SIGTERM");
  node->add_option("--config", a.node.config, "config/nodes/NAME.json of a home")->required();
  node->add_option("--control-fd", a.node.control_fd, "Descriptor of the line to a supervisor");
  node->footer("Example: orrery node --config HOME/config/nodes/validators-0.json");
  add_supervising(app, "supervise", "What orrery up leaves running", a.supervise);
  add_supervising(app, "guard", "What starts it again when it is killed", a.guard);

  CLI::App* conform = app.add_subcommand(
      "conform", "Run a live network's flight logs again, and say how wrong the simulator was");
  conform->add_option("target", a.conform.target,
                      "Home of a network that ran, or a scenario file to run first (default: the "
                      "newest home)");
  conform->add_option("--for", a.conform.for_, "How long to run a file live, such as 2m");
  conform->add_option("--out", a.conform.out, "Folder of the report (default: HOME/conform)");
  conform->add_flag("--fitted", a.conform.fitted, "Simulate with the link latency as measured");
  conform->add_flag("--json", a.conform.json, "One JSON object on standard output");
  conform->footer("Example: orrery down --keep && orrery conform");
}

}  // namespace

void add_live_verbs(CLI::App& app, LiveArgs& args) {
  add_up(app, args.up);
  add_operate(app, args);
  add_processes(app, args);
}

std::optional<int> dispatch_live(const std::string& verb, const LiveArgs& a) {
  if (verb == "up") return up_command(a.up);
  if (verb == "status") return status_command(a.status);
  if (verb == "logs") return logs_command(a.logs);
  if (verb == "stop") return stop_command(a.stop);
  if (verb == "start") return start_command(a.start);
  if (verb == "fault") return fault_command(a.fault);
  if (verb == "load") return load_command(a.load);
  if (verb == "down") return down_command(a.down);
  if (verb == "exec") return exec_command(a.exec);
  if (verb == "export") return export_command(a.export_);
  if (verb == "node") return node_command(a.node);
  if (verb == "supervise") return supervise_command(a.supervise);
  if (verb == "guard") return guard_command(a.guard);
  if (verb == "conform") return conform_command(a.conform);
  return std::nullopt;
}

}  // namespace orrery::cli
