#include "protocol/node/voter.h"

#include <array>

#include "engine/base/codec.h"
#include "protocol/consensus/lottery.h"
#include "protocol/ledger/accounts.h"
#include "protocol/ledger/staking.h"
#include "protocol/node/rare.h"
#include "protocol/types/trace_kinds.h"

namespace orrery::chain {
namespace {

constexpr std::array<std::uint8_t, 1> kVoteKey = {'v'};
constexpr std::uint64_t kFreshEpochs = 2;  // a chain younger than this cannot have been voted on

}  // namespace

void Voter::boot(env::Env& env) {
  if (const auto record = env.store.get(kVoteKey)) {
    Reader in(record->view());
    last_source_ = in.u64();
    last_target_ = in.u64();
    if (!in.finish()) {
      last_source_ = 0;
      last_target_ = chain_.epoch(env);
      abstain_until_ = chain_.epoch(env) + 1;  // as with a lost disk
    }
  } else if (chain_.epoch(env) >= kFreshEpochs) {
    abstain_until_ = chain_.epoch(env) + 1;
  }
  arm(env);
}

void Voter::arm(env::Env& env) {
  const ConsensusParams& consensus = chain_.params().consensus;
  const std::uint64_t next = chain_.epoch(env) + 1;
  const std::int64_t at = slot_time_ns(chain_.params(), chain_.network().genesis.time_ns,
                                       next * consensus.epoch_slots) +
                          consensus.vote_delay.ns +
                          (rare(env, kVoteLate) ? consensus.slot.ns : 0);
  env.timers.arm(env.clock.mono() + (Time{at} - env.clock.wall()), {kCookieEpoch, next});
}

void Voter::on_epoch(env::Env& env) {
  arm(env);
  if (rare(env, kAbstain)) return;
  const Checkpoint& source = chain_.finality().justified();
  const std::uint64_t epoch = chain_.epoch(env);
  const bool again = has_bug(chain_.params().seeded_bug, SeededBug::kVoteAgain);
  if (epoch <= last_target_ && !again) return;
  if (epoch <= source.epoch || source.epoch < last_source_) return;
  if (source.epoch < abstain_until_ && abstain_until_ > 0) return;
  const Address me = address_of(config_.key.public_key());
  const auto record = stake_record(chain_.state(), me);
  if (!record || !record->validator) return;
  const BlockNode& target =
      BlockTree::at_slot(chain_.head(), epoch * chain_.params().consensus.epoch_slots);
  const BlockNode* from = chain_.tree().find(source.block);
  if (!from || !BlockTree::descends(target, *from)) return;
  prepare(env, {.source = source, .target = {epoch, target.hash()}, .validator = {}});
  if (has_bug(chain_.params().seeded_bug, SeededBug::kSignTwice) && target.parent &&
      BlockTree::descends(*target.parent, *from)) {
    send(env, {.source = source, .target = {epoch, target.parent->hash()}, .validator = {}});
  }
}

void Voter::prepare(env::Env& env, const Vote& vote) {
  last_source_ = vote.source.epoch;
  last_target_ = vote.target.epoch;
  const std::uint64_t sequence =
      env.store.apply({{Bytes(kVoteKey.begin(), kVoteKey.end()),
                        Buffer(Writer().u64(last_source_).u64(last_target_).take())}});
  env.trace.emit({.kind = kTraceVoteRecorded,
                  .n = {vote.target.epoch, sequence},
                  .a = vote.target.block});
  waiting_ = vote;
  env.store.sync(sequence, {kCookieVote, vote.target.epoch});
  if (has_bug(chain_.params().seeded_bug, SeededBug::kVoteBeforeSync)) {
    send(env, vote);
    waiting_.reset();
  }
}

void Voter::on_synced(env::Env& env, const env::Synced& event) {
  if (!event.ok || !waiting_ || waiting_->target.epoch != event.cookie.a) return;
  const Vote vote = *waiting_;
  waiting_.reset();
  send(env, vote);
}

void Voter::send(env::Env& env, Vote vote) {
  sign(chain_.params().id, vote, config_.key);
  env.trace.emit({.kind = kTraceVoteSent,
                  .n = {vote.target.epoch, vote.source.epoch},
                  .a = vote.target.block,
                  .b = vote.source.block});
  chain_.add_vote(env, vote);
  gossip_.spread_vote(env, vote);
}

}  // namespace orrery::chain
