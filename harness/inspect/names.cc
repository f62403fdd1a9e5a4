#include "harness/inspect/names.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>
#include <variant>

#include "engine/env/event_digest.h"
#include "protocol/node/chain.h"
#include "protocol/sync/messages.h"
#include "protocol/types/trace_kinds.h"

namespace orrery::inspect {
namespace {

constexpr std::pair<env::TraceKind, std::string_view> kTraces[] = {
    {env::kNodeBoot, "boot"},
    {env::kNodeCrash, "crash"},
    {env::kStoreSynced, "store synced"},
    {env::kFaultBegin, "fault begins"},
    {env::kFaultEnd, "fault ends"},
    {env::kSessionUp, "session up"},
    {env::kSessionDown, "session down"},
    {env::kMessageLost, "message lost"},
    {env::kStoreFailed, "store failed"},
    {env::kRareTaken, "rare point"},
    {chain::kTraceRestored, "chain restored"},
    {chain::kTraceExecuted, "block executed"},
    {chain::kTraceHead, "head moves"},
    {chain::kTraceProduced, "block produced"},
    {chain::kTraceVoteRecorded, "vote recorded"},
    {chain::kTraceVoteSent, "vote sent"},
    {chain::kTraceJustified, "checkpoint justified"},
    {chain::kTraceFinalized, "block final"},
    {chain::kTraceFinalDurable, "final block durable"},
    {chain::kTraceFinalConflict, "final conflict"},
    {chain::kTraceEvidence, "evidence seen"},
    {chain::kTraceTxAdmitted, "transaction admitted"},
    {chain::kTraceJobDone, "inference done"},
    {chain::kTracePeerBanned, "peer banned"},
    {chain::kTraceBadMessage, "bad message"},
    {chain::kTraceUserRequest, "user request"},
};

constexpr std::string_view kMessages[] = {"hello",     "status",     "get peers",    "peers",
                                          "inventory", "want",       "transactions", "blocks",
                                          "votes",     "get blocks", "get votes"};
static_assert(std::size(kMessages) == std::variant_size_v<chain::Message>);

// By the cookie kinds of protocol/node/chain.h, from 1; the three columns are timer, sync and job.
struct Purpose {
  std::string_view plain, timer, synced, job;
};
constexpr Purpose kPurposes[] = {
    {"finality", "timer: finality", "synced: finality", "job done: finality"},
    {"vote", "timer: vote", "synced: vote", "job done: vote"},
    {"block", "timer: block", "synced: block", "job done: block"},
    {"epoch", "timer: epoch", "synced: epoch", "job done: epoch"},
    {"slot", "timer: slot", "synced: slot", "job done: slot"},
    {"flush", "timer: flush", "synced: flush", "job done: flush"},
    {"heartbeat", "timer: heartbeat", "synced: heartbeat", "job done: heartbeat"},
    {"work", "timer: work", "synced: work", "job done: work"},
    {"audit", "timer: audit", "synced: audit", "job done: audit"},
    {"background", "timer: background", "synced: background", "job done: background"},
    {"vote flush", "timer: vote flush", "synced: vote flush", "job done: vote flush"},
};
static_assert(std::size(kPurposes) == chain::kCookieVoteFlush);
constexpr Purpose kNoPurpose = {"other", "timer: other", "synced: other", "job done: other"};

const Purpose& find_purpose(std::uint32_t kind) {
  return kind == 0 || kind > std::size(kPurposes) ? kNoPurpose : kPurposes[kind - 1];
}

constexpr std::string_view kUnreadable = "unreadable message";

}  // namespace

std::string_view trace_name(env::TraceKind kind) {
  for (const auto& [known, name] : kTraces) {
    if (known == kind) return name;
  }
  return "unknown";
}

std::string_view message_name(ByteView encoded) {
  if (encoded.empty() || encoded[0] >= std::size(kMessages)) return kUnreadable;
  return kMessages[encoded[0]];
}

std::string_view purpose(std::uint32_t cookie_kind) { return find_purpose(cookie_kind).plain; }

std::string_view heard_name(const env::Event& event) {
  if (const auto* m = std::get_if<env::MessageIn>(&event)) return message_name(m->payload.view());
  if (const auto* t = std::get_if<env::TimerFired>(&event)) {
    return find_purpose(t->cookie.kind).timer;
  }
  if (const auto* s = std::get_if<env::Synced>(&event)) return find_purpose(s->cookie.kind).synced;
  if (const auto* j = std::get_if<env::JobDone>(&event)) return find_purpose(j->cookie.kind).job;
  return env::event_name(event);
}

std::vector<std::string> all_names() {
  std::vector<std::string> names(std::begin(kMessages), std::end(kMessages));
  names.emplace_back(kUnreadable);
  for (const auto& [kind, name] : kTraces) names.emplace_back(name);
  for (const Purpose& p : kPurposes) {
    names.emplace_back(p.timer);
    names.emplace_back(p.synced);
    names.emplace_back(p.job);
  }
  for (const env::Event& event :
       {env::Event{env::PeerUp{}}, env::Event{env::PeerDown{}}, env::Event{env::DialFailed{}},
        env::Event{env::Request{}}, env::Event{env::Admin{}}}) {
    names.emplace_back(env::event_name(event));
  }
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace orrery::inspect
