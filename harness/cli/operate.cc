// Verbs that act on a running network: status, stop, start, fault, load, down, exec.
#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <thread>

#include "harness/cli/exit_code.h"
#include "harness/cli/live_args.h"
#include "harness/cli/net.h"
#include "harness/cli/terminal.h"
#include "harness/testnet/control.h"

namespace orrery::cli {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testnet::Home;

// What status says of a home whose supervisor does not run.
json sleeping_nodes(const testnet::NetworkFile& network) {
  json nodes = json::array();
  for (const testnet::NodePlace& place : network.nodes) {
    nodes.push_back({{"name", place.name},
                     {"role", place.role},
                     {"state", "down"},
                     {"pid", nullptr},
                     {"rpc", place.rpc()},
                     {"p2p", place.p2p()},
                     {"height", 0},
                     {"finalized_height", 0},
                     {"peers", 0},
                     {"starts", 0},
                     {"last_exit", ""}});
  }
  return nodes;
}

void print_status(const Home& home, const json& answer) {
  say(fmt::format("{} at {}", paint(Colour::kBold, answer.value("scenario", "")), home.dir()));
  print_nodes(answer.at("nodes"));
  for (const json& fault : answer.at("faults")) {
    say(fmt::format("fault      {} ({})", fault.at("name").get<std::string>(),
                    fault.at("kind").get<std::string>()));
  }
  const json& load = answer.at("load");
  say(fmt::format("load       rate {}, {} requests, {} of them unheard",
                  load.at("rate").get<double>(), load.at("requests").get<std::uint64_t>(),
                  load.at("unheard").get<std::uint64_t>()));
}

// What the supervisor of the home answers to an order; the exit code, complained about, if it
// refuses or cannot be asked.
tl::expected<json, int> obeyed(const NetArgs& args, const json& order) {
  const auto home = testnet::find_home(args.home);
  if (!home) return tl::unexpected(give_up(home.error()));
  auto answer = ask_supervisor(*home, order);
  if (!answer) return tl::unexpected(give_up(answer.error()));
  if (!answer->value("ok", false)) return tl::unexpected(explain_refusal(*home, *answer));
  return std::move(*answer);
}

// Sends an order and says nothing but its failure.
int order_quietly(const NetArgs& args, const json& order) {
  const auto answer = obeyed(args, order);
  if (!answer) return answer.error();
  if (args.json) fmt::print("{}\n", answer->dump());
  return kHeld;
}

int order_nodes(const NetArgs& args, const std::string& what) {
  return order_quietly(args, {{"do", what}, {"nodes", args.nodes}});
}

}  // namespace

int status_command(const StatusArgs& args) {
  const auto home = testnet::find_home(args.net.home);
  if (!home) return give_up(home.error());
  const auto network = home->read_network();
  if (!network) return give_up(network.error());
  for (;;) {
    const auto answer = ask_supervisor(*home, {{"do", "status"}});
    if (!answer && answer.error().code != ErrorCode::kNotFound) return give_up(answer.error());
    const json nodes = answer ? answer->at("nodes") : sleeping_nodes(*network);
    if (args.net.json) {
      fmt::print("{}\n", nodes.dump());
    } else if (answer) {
      if (args.watch && isatty(STDERR_FILENO) == 1) fmt::print(stderr, "\x1b[H\x1b[2J");
      print_status(*home, *answer);
    } else {
      print_nodes(nodes);
      say(fmt::format("nothing runs; orrery start --home {} starts it again", home->dir()));
    }
    if (!args.watch) return kHeld;
    std::this_thread::sleep_for(std::chrono::seconds(1));
  }
}

int stop_command(const NetArgs& args) { return order_nodes(args, "stop"); }

int start_command(const NetArgs& args) {
  const auto home = testnet::find_home(args.home);
  if (!home) return give_up(home.error());
  if (const auto network = home->read_network(); !network) return give_up(network.error());
  const auto answer = ask_supervisor(*home, {{"do", "status"}});
  if (!answer && answer.error().code == ErrorCode::kNotFound) {
    return launch_supervisor(*home, {.only = args.nodes});
  }
  return order_nodes(args, "start");
}

int fault_command(const FaultArgs& args) {
  json order;
  if (args.what == "list") {
    order = {{"do", "status"}};
  } else if (args.what == "add") {
    order = {{"do", "fault"}, {"item", fmt::format("{}", fmt::join(args.words, " "))}};
  } else if (args.what == "clear") {
    order = {{"do", "clear"}, {"fault", args.words.empty() ? "all" : args.words.front()}};
  } else {
    if (args.words.empty()) {
      complain(fmt::format("fault {}: name the nodes, such as validators-0", args.what));
      return kUsage;
    }
    order = {{"do", args.what}, {"nodes", args.words}};
  }
  const auto answer = obeyed(args.net, order);
  if (!answer) return answer.error();
  const json shown = args.what == "list" ? answer->at("faults") : *answer;
  if (args.net.json) {
    fmt::print("{}\n", shown.dump());
  } else if (args.what == "list") {
    for (const json& fault : shown) {
      say(fmt::format("{} ({})", fault.at("name").get<std::string>(),
                      fault.at("kind").get<std::string>()));
    }
    if (shown.empty()) say("no fault runs");
  } else if (args.what == "add") {
    say(fmt::format("{} runs; orrery fault clear {} ends it", shown.value("fault", ""),
                    shown.value("fault", "")));
  }
  return kHeld;
}

int load_command(const LoadArgs& args) {
  const double rate = args.what == "stop" ? 0 : args.what == "start" ? 1 : args.rate;
  return order_quietly(args.net, {{"do", "load"}, {"rate", rate}});
}

int down_command(const DownArgs& args) {
  const auto home = testnet::find_home(args.net.home);
  if (!home) return give_up(home.error());
  // Only what is a home is ever removed.
  if (const auto network = home->read_network(); !network) return give_up(network.error());
  const auto answer = ask_supervisor(*home, {{"do", "down"}}, Duration::minutes(2));
  if (!answer && answer.error().code != ErrorCode::kNotFound) return give_up(answer.error());
  if (answer && !answer->value("ok", false)) return explain_refusal(*home, *answer);
  testnet::wait_until_unlocked(*home);
  if (!args.keep) {
    std::error_code error;
    fs::remove_all(home->dir(), error);
    if (error) return give_up({ErrorCode::kIo, home->dir() + ": " + error.message()});
  }
  if (args.net.json) {
    fmt::print("{}\n", json{{"home", home->dir()}, {"kept", args.keep}}.dump());
  } else {
    say(fmt::format("{}: ended{}", home->dir(), args.keep ? ", kept" : " and removed"));
  }
  return kHeld;
}

int exec_command(const ExecArgs& args) {
  const auto home = testnet::find_home(args.net.home);
  if (!home) return give_up(home.error());
  const auto network = home->read_network();
  if (!network) return give_up(network.error());
  const testnet::NodePlace* place = network->find(args.node);
  if (!place) {
    return give_up({ErrorCode::kInvalidArgument, "no node " + args.node + " in " + home->dir()});
  }
  ::setenv("ORRERY_HOME", home->dir().c_str(), 1);
  ::setenv("ORRERY_NODE", place->name.c_str(), 1);
  ::setenv("ORRERY_RPC", place->rpc().c_str(), 1);
  ::setenv("ORRERY_DATA", home->data(place->name).c_str(), 1);
  std::vector<std::string> words = args.command;
  if (!place->netns.empty()) words.insert(words.begin(), {"ip", "netns", "exec", place->netns});
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  ::execvp(argv.front(), argv.data());
  return give_up({ErrorCode::kIo, words.front() + ": cannot be run"});
}

}  // namespace orrery::cli
