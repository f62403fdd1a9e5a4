#include <fmt/format.h>

#include <map>
#include <nlohmann/json.hpp>

#include "engine/check/divergence.h"
#include "harness/cli/commands.h"
#include "harness/cli/exit_code.h"
#include "harness/cli/terminal.h"
#include "harness/run/replay_file.h"
#include "harness/run/compare.h"
#include "reports/record/read.h"

namespace orrery::cli {
namespace {

// Last value of each metric.
std::map<std::string, double> last_metrics(const report::RunRecord& record) {
  std::map<std::string, double> last;
  for (const report::MetricRow& row : record.metrics) last[row.metric] = row.value;
  return last;
}

struct Side {
  report::RunRecord record;
  scenario::Scenario scenario;
  Time until{};
  std::optional<run::Branch> branch;
};

Result<Side> open_side(const std::string& dir) {
  Side side;
  ASSIGN_OR_RETURN(side.record, report::read_record(dir));
  ASSIGN_OR_RETURN(const run::ReplayFile replay,
                   run::read_replay_file(dir + "/replay.json"));
  ASSIGN_OR_RETURN(side.scenario, run::load_replay(replay, dir + "/replay.json"));
  ASSIGN_OR_RETURN(side.branch, run::load_replay_branch(replay, dir + "/replay.json"));
  side.until = Time{replay.until_ns};
  return side;
}

}  // namespace

int diff_command(const DiffArgs& args) {
  const auto a = open_side(args.a);
  const auto b = open_side(args.b);
  for (const auto* side : {&a, &b}) {
    if (*side) continue;
    complain(side->error().message);
    return exit_code(side->error());
  }
  const bool recorded_equal = a->record.digest == b->record.digest;
  const auto again = [](const Side& side) {
    return run::make_run(side.scenario, side.until, {.branch = side.branch});
  };
  const auto found = check::first_divergence(again(*a), again(*b));
  if (!found) {
    complain(found.error().message);
    return exit_code(found.error());
  }
  nlohmann::json deltas = nlohmann::json::object();
  const auto before = last_metrics(a->record);
  for (const auto& [name, value] : last_metrics(b->record)) {
    const auto it = before.find(name);
    if (it != before.end() && it->second != value) deltas[name] = {it->second, value};
  }
  // Equal inputs that gave different digests, or re-runs that do not match what was recorded.
  const bool same_input = a->record.scenario_hash == b->record.scenario_hash;
  const bool broken = same_input && (!recorded_equal || found->has_value());
  if (args.json) {
    nlohmann::json out{{"schema", "orrery.diff/1"},
                       {"equal", recorded_equal && !found->has_value()},
                       {"digests", {a->record.digest, b->record.digest}},
                       {"metrics", deltas}};
    if (*found) {
      out["event"] = (*found)->event;
      out["text"] = (*found)->text();
    }
    fmt::print("{}\n", out.dump());
  } else if (!*found && recorded_equal) {
    say(fmt::format("{}: digest {}", paint(Colour::kGreen, "equal"), a->record.digest));
  } else {
    say(fmt::format("{}: {} and {}", paint(Colour::kRed, "different"), a->record.digest,
                    b->record.digest));
    if (!same_input) say("the scenarios differ (orrery show --resolved prints what is hashed)");
    if (*found) {
      say((*found)->text());
    } else {
      say("but run again now, both give the same events: another program or machine made them");
    }
    for (const auto& [name, values] : deltas.items()) {
      say(fmt::format("  {:<24} {:g} -> {:g}", name, values[0].get<double>(),
                      values[1].get<double>()));
    }
  }
  if (broken) return kNondeterminism;
  return recorded_equal && !*found ? kHeld : kFinding;
}

}  // namespace orrery::cli
