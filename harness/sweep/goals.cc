#include "harness/sweep/goals.h"

#include "harness/run/network.h"
#include "protocol/node/rare.h"
#include "protocol/types/trace_kinds.h"

namespace orrery::sweep {
namespace {

struct Goal {
  const char* name;
  env::TraceKind kind;
  bool (*met)(const env::TraceEvent& event);
};

bool always(const env::TraceEvent&) { return true; }

constexpr Goal kGoals[] = {
    {"a node boots again", env::kNodeBoot, [](const auto& e) { return e.n[0] > 0; }},
    {"a crash loses unsynced writes", env::kNodeCrash, [](const auto& e) { return e.n[0] > 0; }},
    {"a disk is wiped", env::kNodeCrash, [](const auto& e) { return e.n[1] == 1; }},
    {"a sync fails", env::kStoreSynced, [](const auto& e) { return e.n[1] == 0; }},
    {"a session ends", env::kSessionDown, always},
    {"a message is lost", env::kMessageLost, always},
    {"a chain is restored from disk", chain::kTraceRestored,
     [](const auto& e) { return e.n[1] > 0; }},
    {"a block is abandoned", chain::kTraceHead, [](const auto& e) { return e.n[1] > 0; }},
    {"three blocks are abandoned at once", chain::kTraceHead,
     [](const auto& e) { return e.n[1] >= 3; }},
    {"a checkpoint is justified", chain::kTraceJustified, always},
    {"a block becomes final", chain::kTraceFinalized, always},
    {"conflicting votes are seen", chain::kTraceEvidence, always},
    {"a final block becomes durable", chain::kTraceFinalDurable, always},
    {"a far-behind chain is restored", chain::kTraceRestored,
     [](const auto& e) { return e.n[1] > e.n[0] + 3; }},
    {"a disk stops its node", env::kStoreFailed, always},
    {"a user's request is refused", chain::kTraceUserRequest,
     [](const auto& e) { return e.n[1] == 0; }},
    {"a transaction is admitted", chain::kTraceTxAdmitted, always},
    {"an inference job ends", chain::kTraceJobDone, always},
    {"a peer is banned", chain::kTracePeerBanned, always},
    {"a message cannot be decoded", chain::kTraceBadMessage, always},
};

std::string buggify_goal(const chain::RarePoint& point) {
  return "buggify: " + std::string(point.name);
}

}  // namespace

void GoalCounter::on_trace(Time, std::uint32_t, const env::TraceEvent& event) {
  for (const Goal& goal : kGoals) {
    if (goal.kind == event.kind && goal.met(event)) ++met_[goal.name];
  }
  if (event.kind == env::kRareTaken) {
    for (const chain::RarePoint& point : chain::kRarePoints) {
      if (point.id() == event.n[0]) ++met_[buggify_goal(point)];
    }
  }
  if (event.kind == env::kFaultBegin) {
    const auto kind = static_cast<scenario::FaultKind>(event.n[1]);
    ++met_["fault: " + run::fault_name(kind)];
  }
}

Goals GoalCounter::goals(const check::CheckerSet& checkers) const {
  Goals all = met_;
  for (const Goal& goal : kGoals) all.try_emplace(goal.name, 0);
  for (const chain::RarePoint& point : chain::kRarePoints) all.try_emplace(buggify_goal(point), 0);
  for (std::size_t i = 0; i < checkers.size(); ++i) {
    all["checked: " + std::string(checkers.at(i).name())] = checkers.at(i).checks();
  }
  return all;
}

}  // namespace orrery::sweep
