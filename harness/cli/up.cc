// up, node and supervise: from a scenario file to processes.
#include <fmt/format.h>

#include <chrono>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "harness/cli/exit_code.h"
#include "harness/cli/live_args.h"
#include "harness/cli/net.h"
#include "harness/cli/scenario_args.h"
#include "harness/cli/terminal.h"
#include "harness/run/network.h"
#include "harness/run/replay_file.h"
#include "harness/testnet/alarms.h"
#include "harness/testnet/guard.h"
#include "harness/testnet/honours.h"
#include "harness/testnet/launch.h"
#include "harness/testnet/process.h"
#include "scenarios/schema/quantity.h"
#include "scenarios/schema/schema.h"

namespace orrery::cli {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testnet::Home;

constexpr std::uint16_t kFirstPort = 26656;  // where Cosmos chains have people look
constexpr std::uint16_t kPortStep = 10;

std::string own_program() { return fs::read_symlink("/proc/self/exe").string(); }

testnet::NetworkFile plan(const scenario::Scenario& scenario, const UpArgs& args) {
  testnet::NetworkFile network;
  const bool netns = scenario.live.provider == scenario::LiveProvider::kNetns;
  network.provider = !args.provider.empty() ? args.provider : netns ? "netns" : "process";
  network.flight = scenario.live.flight_log && !args.no_flight;
  network.restart = scenario.live.restart && !args.no_restart;
  network.shaping = !args.no_shaping;
  for (std::size_t i = 0; i < scenario.nodes.size(); ++i) {
    testnet::NodePlace place{.name = scenario.nodes[i].name,
                             .role = run::role_name(scenario.nodes[i].role)};
    if (args.ports == "fixed") {
      place.p2p_port = static_cast<std::uint16_t>(kFirstPort + i * kPortStep);
      place.rpc_port = static_cast<std::uint16_t>(place.p2p_port + 1);
    }
    network.nodes.push_back(std::move(place));
  }
  return network;
}

testnet::SupervisorOptions supervisor_options(const SuperviseArgs& args) {
  return {.home = args.home,
          .program = own_program(),
          .only = args.only,
          .timeline = !args.no_timeline,
          .load = !args.no_load,
          .resume = args.resume,
          .control_fd = args.control_fd};
}

}  // namespace

int launch_supervisor(const Home& home, SuperviseArgs how) {
  how.home = home.dir();
  const Status launched = testnet::launch_supervisor(supervisor_options(how));
  return launched ? kHeld : give_up(launched.error());
}

int up_command(const UpArgs& args) {
  const auto begun = std::chrono::steady_clock::now();
  const auto scenario = load(args.scenario);
  if (!scenario) return kUsage;
  if (const Status can = testnet::can_honour(*scenario, !args.no_timeline); !can) {
    return give_up(can.error());
  }
  const auto timeout = parse_timeout(args.timeout);
  if (!timeout) return give_up(timeout.error());
  const std::string dir = args.home.empty() ? testnet::default_home(scenario->name) : args.home;
  std::error_code error;
  fs::create_directories(dir, error);
  if (error) return give_up({ErrorCode::kIo, fmt::format("--home {}: {}", dir, error.message())});
  const Home home(fs::absolute(dir).string());
  if (fs::exists(home.config("network.json"))) {
    complain(
        fmt::format("--home {}: a network lives there; orrery start --home {} starts it again, "
                    "orrery down --home {} removes it",
                    dir, dir, dir));
    return kEnvironment;
  }
  const auto options = load_options(args.scenario.set, args.scenario.seed);
  const run::ReplayFile file{.document = scenario::document_json(args.scenario.file),
                             .options = *options};
  if (const Status made = home.create(run::encode(file), plan(*scenario, args)); !made) {
    return give_up(made.error());
  }
  const int code = launch_supervisor(home, {.only = args.only,
                                            .no_timeline = args.no_timeline,
                                            .no_load = args.no_load});
  if (code != kHeld) {
    fs::remove_all(home.config("network.json"), error);  // so that the next try starts afresh
    return code;
  }
  if (args.home.empty()) testnet::point_latest_to(home.dir());
  if (!args.json) say(fmt::format("{} at {}", paint(Colour::kBold, scenario->name), home.dir()));
  if (args.wait == "none") {
    if (args.json) fmt::print("{}\n", json{{"home", home.dir()}}.dump());
    return kHeld;
  }
  const auto answer = ask_supervisor(
      home, {{"do", "wait"}, {"for", args.wait}, {"timeout_ms", timeout->ns / 1'000'000}},
      *timeout + Duration::seconds(5));
  if (!answer) return give_up(answer.error());
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
  if (!answer->value("ok", false)) return explain_refusal(home, *answer);
  if (args.json) {
    fmt::print("{}\n", json{{"schema", "orrery.up/1"},
                            {"home", home.dir()},
                            {"seconds", took.count()},
                            {"nodes", answer->at("nodes")}}
                           .dump());
    return kHeld;
  }
  print_nodes(answer->at("nodes"));
  say(fmt::format("{} {} after {:.1f} s; the page: {}", answer->at("nodes").size(),
                  args.wait == "final" ? "nodes with a final block" : "nodes ready", took.count(),
                  answer->at("nodes").back().value("rpc", "")));
  return kHeld;
}

int node_command(const NodeArgs& args) {
  const Status ran =
      testnet::run_node_process({.config = args.config, .control_fd = args.control_fd});
  return ran ? kHeld : give_up(ran.error());
}

int supervise_command(const SuperviseArgs& args) {
  const Status ran = testnet::run_supervisor(supervisor_options(args));
  return ran ? kHeld : give_up(ran.error());
}

int guard_command(const SuperviseArgs& args) {
  const Status ran = testnet::run_guard(supervisor_options(args));
  return ran ? kHeld : give_up(ran.error());
}

}  // namespace orrery::cli
