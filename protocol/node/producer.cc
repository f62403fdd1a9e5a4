#include "protocol/node/producer.h"

#include <algorithm>
#include <array>

#include "engine/base/codec.h"
#include "engine/base/hash_text.h"
#include "gpu/api/inference.h"
#include "protocol/consensus/evidence.h"
#include "protocol/consensus/lottery.h"
#include "protocol/node/rare.h"
#include "protocol/node/worker.h"
#include "protocol/types/trace_kinds.h"
#include "protocol/work/task.h"

namespace orrery::chain {
namespace {

constexpr std::array<std::uint8_t, 1> kSlotKey = {'p'};
constexpr std::size_t kMaxKeptEvidence = 256;

}  // namespace

void Producer::boot(env::Env& env) {
  if (const auto record = env.store.get(kSlotKey)) {
    Reader in(record->view());
    last_slot_ = in.u64();
    if (!in.finish()) last_slot_ = chain_.slot(env);  // as with a lost disk
  } else {
    // A lost disk: we may have used the present slot, and later ones if our clock is behind. Peers
    // have an epoch to tell us of those; in the first epoch nobody has lost anything.
    last_slot_ = chain_.slot(env);
    const std::uint64_t epoch = chain_.params().consensus.epoch_slots;
    if (last_slot_ >= epoch) last_slot_ += epoch;
  }
  plan(env);
}

void Producer::on_head(env::Env& env) {
  draft_.reset();
  plan(env);
}

void Producer::plan(env::Env& env) {
  ++round_;
  if (timer_ != 0) env.timers.cancel(timer_);
  timer_ = 0;
  const BlockNode& head = chain_.head();
  const ChainParams& params = chain_.params();
  const std::uint64_t weight =
      weight_of(head.state(), params, address_of(config_.key.public_key()));
  if (weight == 0) return;
  const LotteryState lottery = lottery_state(head.state());
  Bytes input = lottery_input(lottery.seed, head.height() + 1);
  if (!draw_ || draw_->input != input) {
    const VrfOutput output = vrf_evaluate(config_.key, input);
    draw_ = Draw{std::move(input), output};
  }
  const std::uint64_t now = chain_.slot(env);
  const std::uint64_t first = std::max(
      {now, head.header().slot + 1, last_slot_ + 1, gossip_.own_slot() + 1});
  std::uint64_t slot = first;
  while (slot < first + kLookAhead &&
         !lottery_wins(lottery_draw(draw_->output, slot), lottery.target, weight)) {
    ++slot;
  }
  const Time at{slot_time_ns(params, chain_.network().genesis.time_ns, slot)};
  const Time mono = env.clock.mono();
  timer_ = env.timers.arm(std::max(mono, mono + (at - env.clock.wall())),
                          {kCookieSlot, round_, slot});
}

void Producer::on_slot(env::Env& env, const env::TimerFired& event) {
  if (event.cookie.a != round_) return;
  timer_ = 0;
  const LotteryState lottery = lottery_state(chain_.state());
  const std::uint64_t weight =
      weight_of(chain_.state(), chain_.params(), address_of(config_.key.public_key()));
  const std::uint64_t slot = event.cookie.b;
  const bool stuck = has_bug(chain_.params().seeded_bug, SeededBug::kForgetReplan);
  if (slot > chain_.slot(env) && !stuck) return plan(env);  // the wall clock was set back
  if (!lottery_wins(lottery_draw(draw_->output, slot), lottery.target, weight)) {
    plan(env);  // the end of the look-ahead
    return;
  }
  if (rare(env, kSkipSlot)) {
    last_slot_ = slot;
    return plan(env);
  }
  start(env, slot);
}

void Producer::start(env::Env& env, std::uint64_t slot) {
  const BlockNode& head = chain_.head();
  const LotteryState lottery = lottery_state(head.state());
  Draft draft{.parent = head.hash()};
  Header& h = draft.block.header;
  h.parent = head.hash();
  h.height = head.height() + 1;
  h.slot = slot;
  h.timestamp_ns = slot_time_ns(chain_.params(), chain_.network().genesis.time_ns, slot);
  h.proposer = config_.key.public_key();
  h.randomness = vrf_prove(config_.key, draw_->input);
  h.difficulty = lottery.target;
  h.nonce = lottery_draw(draw_->output, slot);
  h.work = lottery.work;
  carry_revealed(draft);
  draft_ = std::move(draft);
  prove_more(env);
}

// P-2: users' tasks first. A result of ours that waits for its challenge window counts once.
void Producer::carry_revealed(Draft& draft) {
  const Address me = address_of(config_.key.public_key());
  chain_.state().for_each("/due/", [&](std::string_view path, ByteView) {
    const Hash256 id = hash_at_end(path);
    auto task = find_task(chain_.state(), id);
    const Assignment* mine = task ? task->assignment(me) : nullptr;
    if (!mine || !mine->reveal || mine->carried || is_ended(task->state)) return true;
    const bool listed = std::any_of(draft.block.proofs.begin(), draft.block.proofs.end(),
                                    [&](const InferenceProof& p) { return p.task == id; });
    if (listed) return true;
    draft.block.proofs.push_back({.kind = ProofKind::kTask,
                                  .task = id,
                                  .input_digest = task->input_digest,
                                  .output_digest = mine->reveal->result,
                                  .transcript_root = mine->reveal->transcript_root,
                                  .timestamp_ns = draft.block.header.timestamp_ns,
                                  .nonce = task->sampling_seed,
                                  .tokens = mine->reveal->tokens,
                                  .work = mine->reveal->work});
    draft.work += mine->reveal->work;
    return draft.block.proofs.size() + kMaxBackground < kMaxBlockProofs;
  });
}

Hash256 Producer::next_background() const {
  return background_id(chain_.params().id, draft_->parent, config_.key.public_key(),
                       draft_->background);
}

void Producer::prove_more(env::Env& env) {
  if (draft_->work >= draft_->block.header.work) {
    finish(env);
    return;
  }
  if (draft_->background >= kMaxBackground) {
    draft_.reset();
    return;
  }
  const auto task = background_task(chain_.params(), chain_.state(), next_background());
  if (!task) {
    draft_.reset();
    return;
  }
  env.compute.submit(job_of(*task), {kCookieBackground, round_});
}

void Producer::on_job(env::Env& env, const env::JobDone& event) {
  if (event.cookie.a != round_ || !draft_) return;
  const auto result = gpu::InferenceResult::decode(event.result.output.view());
  if (event.result.status != env::JobStatus::kDone || !result) {
    draft_.reset();  // no model, no block
    return;
  }
  const auto task = background_task(chain_.params(), chain_.state(), next_background());
  ENSURE(task.has_value(), "a background task that was computed can be derived again");
  draft_->block.proofs.push_back({.kind = ProofKind::kBackground,
                                  .task = task->id,
                                  .input_digest = task->input_digest,
                                  .output_digest = result->digest(),
                                  .transcript_root = result->transcript_root,
                                  .timestamp_ns = draft_->block.header.timestamp_ns,
                                  .nonce = task->sampling_seed,
                                  .tokens = result->generated_tokens,
                                  .work = result->work_units});
  draft_->work += result->work_units;
  ++draft_->background;
  prove_more(env);
}

void Producer::finish(env::Env& env) {
  Block block = std::move(draft_->block);
  draft_.reset();
  if (block.header.slot <= gossip_.own_slot()) return plan(env);  // heard of meanwhile
  std::erase_if(evidence_, [&](const Evidence& e) {
    return !evidence_is_new(chain_.state(), block.header.height, e);
  });
  for (const Evidence& evidence : evidence_) {
    // One offence a validator and block: the second would find the first punished.
    const bool same = std::any_of(block.evidence.begin(), block.evidence.end(), [&](const auto& e) {
      return e.first.validator == evidence.first.validator;
    });
    if (!same && block.evidence.size() < kMaxBlockEvidence) block.evidence.push_back(evidence);
  }
  const std::size_t most =
      rare(env, kEmptyBlock) ? 0 : chain_.params().consensus.max_block_transactions * 2;
  const auto candidates = mempool_.candidates(chain_.state(), most);
  const auto built = build_block(chain_.params(), chain_.network().modules, chain_.state(), block,
                                 candidates);
  if (!built) {
    env.log.write(env::LogLevel::kError, config_.name + ": no block: " + built.error().message);
    last_slot_ = block.header.slot;
    return plan(env);
  }
  sign(chain_.params().id, block.header, config_.key);
  last_slot_ = block.header.slot;
  recorded_ = share_block(std::move(block), chain_.params().id);
  const std::uint64_t sequence = env.store.apply(
      {{Bytes(kSlotKey.begin(), kSlotKey.end()), Buffer(Writer().u64(last_slot_).take())}});
  env.store.sync(sequence, {kCookieBlock, last_slot_});
}

void Producer::on_synced(env::Env& env, const env::Synced& event) {
  if (!recorded_ || recorded_->header().slot != event.cookie.a || !event.ok) return;
  const BlockPtr block = std::move(recorded_);
  recorded_ = nullptr;
  env.trace.emit({.kind = kTraceProduced,
                  .n = {block->header().height, block->header().slot},
                  .a = block->hash});
  if (chain_.add_block(env, block) == Chain::Added::kNew) {
    gossip_.announce_block(env, block->hash);
  } else if (!has_bug(chain_.params().seeded_bug, SeededBug::kForgetReplan)) {
    plan(env);  // our own chain does not take it now (a clock set back): the next slot may do
  }
}

void Producer::keep_evidence(const Evidence& evidence) {
  if (evidence_.size() < kMaxKeptEvidence) evidence_.push_back(evidence);
}

}  // namespace orrery::chain
