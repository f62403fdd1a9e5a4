// One call from scenario to record: what the command line and Python share.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "harness/run/world.h"
#include "reports/record/run_record.h"

namespace orrery::run {

struct RunOptions {
  std::string command;           // shown in the report: what reproduces this run
  Time until = kNever;           // stop earlier than the scenario says
  bool memo = true;
  unsigned threads = 1;  // changes nothing but the time
  std::function<bool()> interrupt;
  sim::LogFunction log;
  env::LogLevel log_level = env::LogLevel::kWarn;
  std::optional<Branch> branch;  // taken on the way; it may begin at any time before `until`
  // Called once, before the world runs: for whoever wants to watch it.
  std::function<void(World&)> attach;
  // Called if the machine cannot carry the run to its end (no memory is left): its record is
  // partial, and tells what came before.
  std::function<void(const Error&)> cut_short;
  // Called about ten times a second of wall time.
  std::function<void(Time now, Time until, std::uint64_t events)> progress;
};

// kInvalidArgument if the scenario cannot start, kInternal if the framework broke. A run that was
// interrupted or cut short is no error: its record says partial.
Result<report::RunRecord> run_scenario(const scenario::Scenario& scenario,
                                       const RunOptions& options);

// The rest of that, for a world that may have run already: up to the end, with threads, then its
// record. The world is finished after that.
Result<report::RunRecord> run_world(World& world, const RunOptions& options);

// Names that the loader needs from above: metrics, behaviours, seeded bugs.
std::vector<std::string> metric_names();
std::vector<std::string> behaviour_names();
std::vector<std::string> seeded_bug_names();

}  // namespace orrery::run
