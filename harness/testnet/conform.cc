#include "harness/testnet/conform.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "harness/run/replay_file.h"
#include "harness/run/world.h"
#include "protocol/types/trace_kinds.h"
#include "scenarios/schema/quantity.h"

namespace orrery::testnet {
namespace {

using nlohmann::json;

std::string kind_name(env::TraceKind kind) {
  switch (kind) {
    case chain::kTraceRestored: return "restored";
    case chain::kTraceExecuted: return "executed";
    case chain::kTraceHead: return "head";
    case chain::kTraceProduced: return "produced";
    case chain::kTraceVoteRecorded: return "vote recorded";
    case chain::kTraceVoteSent: return "vote sent";
    case chain::kTraceJustified: return "justified";
    case chain::kTraceFinalized: return "finalized";
    case chain::kTraceFinalDurable: return "final durable";
    case chain::kTraceFinalConflict: return "final conflict";
    case chain::kTraceEvidence: return "evidence";
    case chain::kTraceTxAdmitted: return "transaction admitted";
    case chain::kTraceJobDone: return "job done";
    case chain::kTracePeerBanned: return "peer banned";
    case chain::kTraceBadMessage: return "bad message";
    case chain::kTraceUserRequest: return "user request";
    default: return fmt::format("kind {}", kind);
  }
}

std::vector<InvariantVerdict> verdicts(const check::CheckerSet& checkers) {
  std::vector<InvariantVerdict> all;
  for (std::size_t i = 0; i < checkers.size(); ++i) {
    const check::Checker& c = checkers.at(i);
    InvariantVerdict v{.name = std::string(c.name()), .checks = c.checks(),
                       .violations = c.violations()};
    if (const auto& first = c.first_violation()) {
      v.first = fmt::format("t+{:.3f}s {}", static_cast<double>(first->time.ns) / 1e9, first->text);
    }
    all.push_back(std::move(v));
  }
  return all;
}

FittedLink fit(const Samples& latency) {
  FittedLink link;
  link.messages = latency.size();
  if (latency.empty()) return link;
  link.median_s = quantile(latency, 0.5);
  link.min_s = quantile(latency, 0);
  link.max_s = quantile(latency, 1);
  // For a normal logarithm, two sigma lie between these quantiles.
  const double low = quantile(latency, 0.1587), high = quantile(latency, 0.8413);
  link.sigma = low > 0 ? std::log(high / low) / 2 : 0;
  return link;
}

// The same scenario in virtual time, for as long as the live network ran.
struct Simulated {
  Samples block_interval, finality, propagation, messages;
  std::set<std::pair<env::TraceKind, env::TraceKind>> transitions;
  std::string digest;
};

Result<Simulated> simulate(const scenario::Scenario& scenario, Time until,
                           const ConformOptions& options) {
  run::WorldOptions world_options;
  world_options.interrupt = [&, n = std::uint64_t{0}]() mutable {
    if (options.progress) options.progress("simulating", ++n);
    return false;
  };
  ASSIGN_OR_RETURN(const auto world, run::World::make(scenario, std::move(world_options)));
  Timing timing(Time{}, scenario.chain.consensus.slot);
  world->simulator().add_trace_sink(timing);
  TRY(world->run_until(until));
  Simulated result{.block_interval = timing.block_interval_s(),
                   .finality = timing.finality_latency_s(),
                   .propagation = timing.propagation_s(),
                   .transitions = timing.transitions(),
                   .digest = to_hex(world->simulator().digest())};
  const double seconds = static_cast<double>(until.ns) / 1e9;
  for (std::uint32_t i = 0; i < world->simulator().nodes(); ++i) {
    result.messages.push_back(
        static_cast<double>(world->simulator().counters(i).messages_received) / seconds);
  }
  return result;
}

Comparison compare(std::string name, std::string unit, Samples live, Samples simulated) {
  Comparison c{std::move(name), std::move(unit), std::move(live), std::move(simulated), 0};
  c.ks = ks_distance(c.live, c.simulated);
  return c;
}

std::string duration_text(double seconds) {
  return scenario::format_quantity(static_cast<i128>(std::llround(seconds * 1e9)),
                                   scenario::Dimension::kDuration);
}

}  // namespace

std::string FittedLink::latency() const {
  return fmt::format("lognormal(median={}, sigma={:.3f}, min={}, max={})", duration_text(median_s),
                     std::max(sigma, 0.001), duration_text(std::max(min_s, 1e-6)),
                     duration_text(std::max(max_s, 2e-6)));
}

bool Conformance::replays_equal() const {
  return std::all_of(nodes.begin(), nodes.end(), [](const ReplayedNode& n) {
    return !n.difference && n.problem.empty();
  });
}

bool Conformance::invariants_hold() const {
  return std::all_of(invariants.begin(), invariants.end(),
                     [](const InvariantVerdict& v) { return v.violations == 0; });
}

double Conformance::model_error() const {
  double worst = 0;
  for (const Comparison& c : comparisons) worst = std::max(worst, c.ks);
  return worst;
}

Result<Conformance> conform(const Home& home, const ConformOptions& options) {
  ASSIGN_OR_RETURN(const auto live, ReplayedNetwork::open(home));
  Conformance result{.scenario = live->scenario().name};
  check::CheckerSet checkers;
  chain::add_invariants(checkers, live->observer());
  Timing timing(Time{}, live->scenario().chain.consensus.slot);
  live->add_sink(checkers);
  live->add_sink(timing);
  Samples latency;
  live->on_message([&](const MessageSeen& m) {
    latency.push_back(static_cast<double>(m.latency.ns) / 1e9);
  });
  live->run([&](std::uint64_t steps) {
    if (options.progress) options.progress("replaying", steps);
  });
  checkers.on_end(live->last());
  result.nodes = live->nodes();
  result.invariants = verdicts(checkers);
  result.live_seconds = static_cast<double>(live->last().ns) / 1e9;
  result.link = fit(latency);

  scenario::Scenario scenario = live->scenario();
  if (options.use_fitted_link && result.link.messages > 0) {
    ASSIGN_OR_RETURN(run::ReplayFile file, run::read_replay_file(home.config("scenario.json")));
    file.options.overrides.push_back({"network.latency", result.link.latency()});
    ASSIGN_OR_RETURN(scenario, run::load_replay(file, "the fitted scenario"));
  }
  ASSIGN_OR_RETURN(const Simulated simulated, simulate(scenario, live->last(), options));
  result.simulated_digest = simulated.digest;
  Samples messages;
  for (const ReplayedNode& node : result.nodes) {
    messages.push_back(static_cast<double>(node.messages) / result.live_seconds);
  }
  result.comparisons = {
      compare("block interval", "s", timing.block_interval_s(), simulated.block_interval),
      compare("finality latency", "s", timing.finality_latency_s(), simulated.finality),
      compare("propagation", "s", timing.propagation_s(), simulated.propagation),
      compare("messages per node", "1/s", messages, simulated.messages)};
  for (const auto& pair : timing.transitions()) {
    if (simulated.transitions.count(pair) != 0) continue;
    result.only_live.push_back(kind_name(pair.first) + " -> " + kind_name(pair.second));
  }
  return result;
}

std::string conformance_json(const Conformance& r) {
  json nodes = json::array();
  for (const ReplayedNode& n : r.nodes) {
    json node{{"name", n.name},         {"lives", n.lives},   {"steps", n.steps},
              {"compared", n.compared}, {"torn", n.torn},     {"problem", n.problem}};
    if (n.difference) {
      node["difference"] = {{"step", n.difference->step},
                            {"time_s", static_cast<double>(n.difference->at.ns) / 1e9},
                            {"event", n.difference->event}};
    }
    nodes.push_back(std::move(node));
  }
  json invariants = json::array();
  for (const InvariantVerdict& v : r.invariants) {
    invariants.push_back({{"name", v.name}, {"checks", v.checks}, {"violations", v.violations},
                          {"first_violation", v.first}});
  }
  json comparisons = json::array();
  for (const Comparison& c : r.comparisons) {
    const auto side = [](const Samples& s) {
      return json{{"n", s.size()}, {"median", quantile(s, 0.5)}, {"p95", quantile(s, 0.95)},
                  {"samples", s}};
    };
    comparisons.push_back({{"name", c.name}, {"unit", c.unit}, {"ks", c.ks},
                           {"live", side(c.live)}, {"simulated", side(c.simulated)}});
  }
  return json{
      {"schema", "orrery.conform/1"},
      {"scenario", r.scenario},
      {"live_seconds", r.live_seconds},
      {"replays_equal", r.replays_equal()},
      {"invariants_hold", r.invariants_hold()},
      {"model_error", r.model_error()},
      {"nodes", nodes},
      {"invariants", invariants},
      {"comparisons", comparisons},
      {"link",
       {{"messages", r.link.messages}, {"latency", r.link.messages == 0 ? "" : r.link.latency()}}},
      {"only_live", r.only_live},
      {"simulated_digest", r.simulated_digest}}
      .dump();
}

}  // namespace orrery::testnet
