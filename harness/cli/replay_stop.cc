#include "harness/cli/replay_stop.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "harness/cli/exit_code.h"
#include "harness/cli/interrupt.h"
#include "harness/cli/net.h"
#include "harness/cli/terminal.h"
#include "harness/inspect/names.h"
#include "harness/inspect/stop.h"
#include "scenarios/schema/diagnostics.h"

namespace orrery::cli {
namespace {

using inspect::Happening;
using inspect::NodeState;
using inspect::Stop;
using nlohmann::json;

std::string instant(Time t) {
  return fmt::format("t+{}.{:06}s", t.ns / 1'000'000'000, t.ns / 1000 % 1'000'000);
}

// A time, or the number of an event.
Status read_to(const std::string& text, Time until, inspect::StopPoint& point) {
  if (text.empty()) return {};
  const auto refuse = [&](const std::string& why) {
    return fail(ErrorCode::kInvalidArgument, fmt::format("--to {}: {}", text, why));
  };
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, point.event);
  if (error == std::errc() && rest == end) {
    return point.event > 0 ? Status{} : refuse("events count from 1");
  }
  point.event = UINT64_MAX;
  const auto duration = parse_duration(text.starts_with("t+") ? text.substr(2) : text);
  if (!duration || duration->ns < 0) {
    return refuse("expected a virtual time, such as 12m30s, or the number of an event");
  }
  point.time = Time{duration->ns};
  return point.time <= until ? Status{} : refuse("the run ended at " + instant(until));
}

Result<std::optional<std::uint32_t>> read_node(const std::string& name,
                                               const scenario::Scenario& scenario) {
  if (name.empty()) return std::optional<std::uint32_t>{};
  std::vector<std::string> names;
  for (std::uint32_t n = 0; n < scenario.nodes.size(); ++n) {
    if (scenario.nodes[n].name == name) return std::optional(n);
    names.push_back(scenario.nodes[n].name);
  }
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("--node {}: no such node ({})", name, scenario::suggest(name, names)));
}

Status read_conditions(const std::vector<std::string>& texts, const run::World& world,
                       inspect::StopPoint& point) {
  std::vector<std::string> invariants;
  for (std::size_t i = 0; i < world.checkers().size(); ++i) {
    invariants.emplace_back(world.checkers().at(i).name());
  }
  for (const std::string& text : texts) {
    auto condition = inspect::Condition::parse(text, world.scenario(), invariants);
    if (!condition) {
      return fail(ErrorCode::kInvalidArgument, "--break " + condition.error().message);
    }
    point.conditions.push_back(std::move(*condition));
  }
  return {};
}

// One stop, ready to be shown.
struct View {
  const run::World& world;
  const Stop& stop;
  std::vector<NodeState> nodes;
  std::vector<Happening> faults;  // the driver's last doings
  bool whole = false;             // all about the nodes, not a line each

  const std::string& name(std::uint32_t node) const { return world.scenario().nodes[node].name; }
  const char* why() const {
    switch (stop.why) {
      case Stop::Why::kTime: return "time";
      case Stop::Why::kEvent: return "event";
      case Stop::Why::kCondition: return "break";
      case Stop::Why::kEnd: return "end";
    }
    return "";
  }
};

json rows(const std::vector<Happening>& happenings) {
  json list = json::array();
  for (const Happening& h : happenings) {
    list.push_back({{"event", h.event}, {"at_ns", h.time.ns}, {"text", h.text}});
  }
  return list;
}

json to_json(const View& view, const NodeState& s) {
  json node{{"node", view.name(s.node)}, {"up", s.up},
            {"lives", s.lives},          {"height", s.numbers.height},
            {"final", s.numbers.final},  {"mempool", s.numbers.mempool},
            {"digest", s.digest}};
  json peers = json::array(), timers = json::array();
  for (const std::uint32_t peer : s.peers) peers.push_back(view.name(peer));
  for (const sim::PendingTimer& t : s.timers) {
    timers.push_back({{"for", std::string(inspect::purpose(t.cookie.kind))}, {"due_ns", t.due.ns}});
  }
  node["peers"] = std::move(peers);
  if (!view.whole) return node;
  node["head"] = s.head;
  node["justified_epoch"] = s.justified_epoch;
  node["timers"] = std::move(timers);
  node["last"] = rows(s.last);
  return node;
}

void print_json(const View& view) {
  const inspect::Step& step = view.stop.step;
  json out{{"schema", "orrery.replay-stop/1"},
           {"scenario", view.world.scenario().name},
           {"seed", view.world.scenario().seed},
           {"stopped_by", view.why()},
           {"event", view.world.simulator().events()},
           {"at_ns", view.world.simulator().now().ns},
           {"digest", to_hex(view.world.simulator().digest())},
           {"faults", rows(view.faults)},
           {"nodes", json::array()}};
  if (view.stop.why == Stop::Why::kCondition) {
    json kinds = json::array(), objections = json::array();
    for (const auto kind : step.kinds) kinds.push_back(std::string(kind));
    for (const auto name : step.objections) objections.push_back(std::string(name));
    out["break"] = {{"condition", view.stop.condition},
                    {"kinds", kinds},
                    {"invariants", objections},
                    {"node", step.node ? json(view.name(*step.node)) : json()}};
  }
  for (const NodeState& s : view.nodes) out["nodes"].push_back(to_json(view, s));
  fmt::print("{}\n", out.dump());
}

void print_node(const View& view, const NodeState& s) {
  if (!s.up) return say(fmt::format("  {:<16} down, {} lives so far", view.name(s.node), s.lives));
  say(fmt::format("  {:<16} height {}, final {}, {} transactions wait, {} peers", view.name(s.node),
                  s.numbers.height, s.numbers.final, s.numbers.mempool, s.numbers.peers));
  if (!view.whole) return;
  say(fmt::format("    head     {} (checkpoint of epoch {} justified)", s.head.substr(0, 16),
                  s.justified_epoch));
  std::string peers;
  for (const std::uint32_t peer : s.peers) peers += (peers.empty() ? "" : ", ") + view.name(peer);
  say("    peers    " + (peers.empty() ? "none" : peers));
  for (const sim::PendingTimer& t : s.timers) {
    say(fmt::format("    timer    {} in {:.3f} s", inspect::purpose(t.cookie.kind),
                    static_cast<double>((t.due - view.world.simulator().now()).ns) / 1e9));
  }
}

void print_last(const char* title, const std::vector<Happening>& last) {
  if (last.empty()) return;
  say(title);
  for (const Happening& h : last) {
    say(fmt::format("    {}  event {:<9} {}", instant(h.time), h.event, h.text));
  }
}

void print_text(const View& view) {
  const sim::Simulator& simulator = view.world.simulator();
  const std::string by =
      view.stop.why == Stop::Why::kCondition ? ": " + view.stop.condition : std::string();
  say(fmt::format("{} · seed {} · at {} after event {} ({}{})",
                  paint(Colour::kBold, view.world.scenario().name), view.world.scenario().seed,
                  instant(simulator.now()), simulator.events(), view.why(), by));
  if (view.stop.why == Stop::Why::kCondition) {
    std::string kinds;
    for (const auto kind : view.stop.step.kinds) {
      kinds += (kinds.empty() ? "" : ", ") + std::string(kind);
    }
    say(fmt::format("  there      {}: {}",
                    view.stop.step.node ? view.name(*view.stop.step.node) : "the driver", kinds));
    for (const auto name : view.stop.step.objections) {
      say(fmt::format("  {} {}", paint(Colour::kRed, "violated"), name));
    }
  }
  say(fmt::format("  digest     {}", to_hex(simulator.digest())));
  for (const NodeState& s : view.nodes) print_node(view, s);
  print_last("  faults so far", view.faults);
  if (view.whole) print_last("  what it did last", view.nodes.front().last);
}

}  // namespace

int replay_stop(const ReplayArgs& args, const RunAgain& run) {
  inspect::StopPoint point{.interrupt = catch_interrupts()};
  if (const Status to = read_to(args.to, run.until, point); !to) return give_up(to.error());
  point.time = std::min(point.time, run.until);
  const auto node = read_node(args.node, run.scenario);
  if (!node) return give_up(node.error());
  const auto world = run::World::make(run.scenario, {.branch = run.branch});
  if (!world) return give_up(world.error());
  if (const Status read = read_conditions(args.conditions, **world, point); !read) {
    return give_up(read.error());
  }
  inspect::Chronicle chronicle(**world);
  const auto stop = inspect::run_to(chronicle, **world, point);
  if (!stop) return give_up(stop.error());
  View view{.world = **world, .stop = *stop, .whole = node->has_value()};
  // Where a condition has stopped the run at a node, that node is what is asked about.
  std::optional<std::uint32_t> about = *node;
  if (!about && stop->why == Stop::Why::kCondition) about = stop->step.node;
  view.whole = about.has_value();
  for (std::uint32_t n = 0; n < run.scenario.nodes.size(); ++n) {
    if (about && *about != n) continue;
    view.nodes.push_back(inspect::state_of(**world, chronicle, n));
  }
  view.faults.assign(chronicle.last_of_world().begin(), chronicle.last_of_world().end());
  args.json ? print_json(view) : print_text(view);
  const bool missed = !args.conditions.empty() && stop->why != Stop::Why::kCondition;
  if (missed) complain("no --break held up to there");
  return missed ? kLiveness : kHeld;
}

}  // namespace orrery::cli
