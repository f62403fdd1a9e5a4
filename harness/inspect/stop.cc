#include "harness/inspect/stop.h"

#include <fmt/format.h>

#include <algorithm>

#include "harness/inspect/names.h"

namespace orrery::inspect {
namespace {

constexpr std::uint64_t kAskEvery = 4096;  // events between two looks at the interrupt

}  // namespace

Chronicle::Chronicle(run::World& world)
    : world_(world),
      last_(world.scenario().nodes.size() + 1),
      objections_(world.checkers().size(), 0) {
  world.simulator().watch(this);
  world.simulator().add_trace_sink(*this);
}

Chronicle::~Chronicle() { world_.simulator().watch(nullptr); }

void Chronicle::keep(Time now, std::uint32_t node, std::string text) {
  std::deque<Happening>& last = node == env::TraceSink::kWorld ? last_.back() : last_[node];
  last.push_back({step_.event, now, node, std::move(text)});
  if (last.size() > kKept) last.pop_front();
}

void Chronicle::on_sent(const sim::Sent& sent) {
  keep(sent.at, sent.from,
       fmt::format("  sends {} to {}, {} B", message_name(sent.payload.view()),
                   world_.scenario().nodes[sent.to].name, sent.payload.size()));
}

void Chronicle::on_handled(Time now, const sim::EventKey& key, const env::Event& event, Duration) {
  step_.node = key.destination;
  step_.kinds.push_back(heard_name(event));
  std::string text(step_.kinds.back());
  if (const auto* message = std::get_if<env::MessageIn>(&event)) {
    step_.from = key.source;
    text += fmt::format(" from {}, {} B", world_.scenario().nodes[key.source].name,
                        message->payload.size());
  }
  keep(now, key.destination, std::move(text));
}

void Chronicle::on_trace(Time now, std::uint32_t node, const env::TraceEvent& event) {
  const std::string_view name = trace_name(event.kind);
  step_.kinds.push_back(name);
  if (event.kind == env::kFaultBegin || event.kind == env::kFaultEnd) {
    for (const scenario::FaultSpec& fault : world_.scenario().timeline) {
      if (fault.id != event.n[0]) continue;
      step_.faults.push_back(fault.name);
      return keep(now, node, fmt::format("{}: {}", name, fault.name));
    }
  }
  if (node != env::TraceSink::kWorld && !step_.node) step_.node = node;
  if (event.kind == env::kStoreSynced) return;  // its answer follows
  keep(now, node, fmt::format("  {} ({}, {})", name, event.n[0], event.n[1]));
}

void Chronicle::find_objections(Step& step) {
  const check::CheckerSet& checkers = world_.checkers();
  for (std::size_t i = 0; i < checkers.size(); ++i) {
    const std::uint64_t now = checkers.at(i).violations();
    if (objections_[i] == 0 && now > 0) step.objections.push_back(checkers.at(i).name());
    objections_[i] = now;
  }
}

Result<std::optional<Step>> Chronicle::step(Time until) {
  sim::Simulator& simulator = world_.simulator();
  step_ = {.event = simulator.events() + 1};
  ASSIGN_OR_RETURN(const bool more, world_.step(until));
  if (!more) return std::optional<Step>{};
  step_.time = simulator.now();
  find_objections(step_);
  return std::optional<Step>(step_);
}

NodeNumbers numbers_of(const run::World& world, std::uint32_t node) {
  const chain::ChainNode* chain = world.node(node);
  if (chain == nullptr) return {};
  return {.height = chain->chain().head().height(),
          .final = chain->chain().finalized_height(),
          .mempool = chain->mempool().size(),
          .peers = world.simulator().peers(node).size()};
}

NodeState state_of(const run::World& world, const Chronicle& chronicle, std::uint32_t node) {
  const sim::Simulator& simulator = world.simulator();
  NodeState state{.node = node,
                  .up = simulator.is_up(node),
                  .lives = simulator.counters(node).boots,
                  .numbers = numbers_of(world, node),
                  .digest = to_hex(simulator.node_digest(node))};
  if (const chain::ChainNode* chain = world.node(node)) {
    state.head = to_hex(chain->chain().head().hash());
    state.justified_epoch = chain->chain().finality().justified().epoch;
    state.peers = simulator.peers(node);
    state.timers = simulator.timers(node);
    std::stable_sort(state.timers.begin(), state.timers.end(),
                     [](const auto& a, const auto& b) { return a.due < b.due; });
  }
  const auto& last = chronicle.last_of(node);
  state.last.assign(last.begin(), last.end());
  return state;
}

Result<Stop> run_to(Chronicle& chronicle, run::World& world, const StopPoint& point) {
  Stop stop;
  const Time until = std::min(point.time, world.scenario().until);
  const auto numbers = [&](std::uint32_t node) { return numbers_of(world, node); };
  while (stop.step.event < point.event) {
    if (stop.step.event % kAskEvery == 0 && point.interrupt && point.interrupt()) {
      return fail(ErrorCode::kInterrupted, "the replay was interrupted");
    }
    ASSIGN_OR_RETURN(std::optional<Step> step, chronicle.step(until));
    if (!step) {
      stop.why = until < world.scenario().until ? Stop::Why::kTime : Stop::Why::kEnd;
      TRY(world.run_until(until));  // the clock, too
      return stop;
    }
    stop.step = std::move(*step);
    for (const Condition& condition : point.conditions) {
      if (!condition.holds(stop.step, numbers)) continue;
      stop.why = Stop::Why::kCondition;
      stop.condition = condition.text();
      return stop;
    }
  }
  stop.why = Stop::Why::kEvent;
  return stop;
}

}  // namespace orrery::inspect
