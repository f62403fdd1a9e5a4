#include "harness/sweep/trial.h"

#include <algorithm>
#include <cctype>

#include "harness/run/world.h"

namespace orrery::sweep {
namespace {

constexpr Duration kLook = Duration::seconds(5);  // how often a run is asked whether it failed

void keep_first(std::optional<Failure>& first, Failure other) {
  if (!first || other.at < first->at) first = std::move(other);
}

std::optional<Failure> failure_of(const run::World& world) {
  std::optional<Failure> first;
  for (std::size_t i = 0; i < world.checkers().size(); ++i) {
    const check::Checker& checker = world.checkers().at(i);
    if (!checker.first_violation()) continue;
    keep_first(first, {.kind = Failure::Kind::kInvariant,
                       .name = std::string(checker.name()),
                       .text = checker.first_violation()->text,
                       .at = checker.first_violation()->time});
  }
  const run::Asserts& asserts = world.asserts();
  for (std::size_t i = 0; i < asserts.specs().size() && !first; ++i) {
    const run::Asserts::Verdict& verdict = asserts.verdicts()[i];
    if (!verdict.decided || verdict.ok) continue;
    keep_first(first, {.kind = Failure::Kind::kAssert,
                       .name = asserts.specs()[i].name,
                       .text = asserts.specs()[i].text + ": " + verdict.seen,
                       .at = world.simulator().now()});
  }
  return first;
}

// The words of a message, so that the same complaint about another node or instant is the same.
std::string words_of(const std::string& message) {
  const std::size_t told = message.rfind(": ");
  std::string words = told == std::string::npos ? message : message.substr(told + 2);
  std::erase_if(words, [](unsigned char c) { return std::isdigit(c) != 0; });
  return words;
}

Result<Trial> run_once(const scenario::Scenario& scenario, const TrialOptions& options) {
  GoalCounter goals;
  ASSIGN_OR_RETURN(const auto world, run::World::make(scenario, {.interrupt = options.interrupt}));
  world->simulator().add_trace_sink(goals);
  Trial trial;
  Status ran;
  while (ran && !trial.failure && trial.ended < scenario.until) {
    trial.ended = std::min(Time{trial.ended.ns + kLook.ns}, Time{scenario.until.ns});
    ran = world->run_until(trial.ended);
    trial.failure = failure_of(*world);
  }
  if (ran && !trial.failure) {
    world->finish();
    trial.failure = failure_of(*world);
  }
  trial.interrupted = !ran && ran.error().code == ErrorCode::kInterrupted;
  if (!ran && !trial.interrupted && !trial.failure) {
    trial.failure = {.kind = Failure::Kind::kError,
                     .name = words_of(ran.error().message),
                     .text = ran.error().message,
                     .at = world->simulator().now()};
  }
  trial.events = world->simulator().events();
  trial.goals = goals.goals(world->checkers());
  if (ran) trial.digest = world->simulator().digest();
  return trial;
}

}  // namespace

std::string_view to_string(Failure::Kind kind) {
  switch (kind) {
    case Failure::Kind::kInvariant: return "invariant";
    case Failure::Kind::kAssert: return "assert";
    case Failure::Kind::kError: return "error";
    case Failure::Kind::kDivergence: return "divergence";
  }
  return "?";
}

Result<Trial> run_trial(const scenario::Scenario& scenario, const TrialOptions& options) {
  ASSIGN_OR_RETURN(Trial trial, run_once(scenario, options));
  if (!options.again || trial.failure || trial.interrupted) return trial;
  ASSIGN_OR_RETURN(const Trial second, run_once(scenario, options));
  trial.interrupted = second.interrupted;
  if (!second.interrupted && second.digest != trial.digest) {
    trial.failure = {.kind = Failure::Kind::kDivergence,
                     .name = "digests of two runs differ",
                     .text = to_hex(trial.digest) + " and " + to_hex(second.digest),
                     .at = trial.ended};
  }
  return trial;
}

}  // namespace orrery::sweep
