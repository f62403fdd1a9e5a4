#include "protocol/node/chain.h"

#include <algorithm>

#include "engine/base/codec.h"
#include "protocol/consensus/lottery.h"
#include "protocol/ledger/accounts.h"
#include "protocol/node/rare.h"
#include "protocol/sync/messages.h"
#include "protocol/types/trace_kinds.h"

namespace orrery::chain {
namespace {

constexpr std::size_t kScanPage = 256;

Bytes key(std::string_view text) { return Bytes(text.begin(), text.end()); }
std::string final_key(std::uint64_t height) { return "h/" + height_key(height); }
std::string fresh_key(const SharedBlock& block) {
  return "n/" + height_key(block.header().height) + "/" + to_hex(block.hash);
}
std::string vote_key(std::uint64_t epoch) { return "c/" + height_key(epoch); }

// Every pair of a key range, page by page.
void scan_all(const env::Store& store, std::string_view begin, std::string_view end,
              const std::function<void(const env::KeyValue&)>& visit) {
  Bytes from = key(begin);
  const Bytes to = key(end);
  for (;;) {
    const auto page = store.scan(from, to, kScanPage);
    for (const env::KeyValue& pair : page) visit(pair);
    if (page.size() < kScanPage) return;
    from = page.back().key;
    from.push_back(0);
  }
}

}  // namespace

Chain::Chain(const NodeConfig& config) : config_(config) {}

std::uint64_t Chain::slot(const env::Env& env) const {
  return slot_at(params(), network().genesis.time_ns, env.clock.wall());
}
std::uint64_t Chain::epoch(const env::Env& env) const {
  return slot(env) / params().consensus.epoch_slots;
}

Chain::Boot Chain::boot(env::Env& env) {
  const Network& net = network();
  auto genesis = std::make_shared<BlockResult>();
  genesis->state = net.genesis_state;
  tree_.emplace(params().consensus.tie_rule, net.genesis_block, std::move(genesis));
  Checkpoint checkpoint{0, net.genesis_block->hash};
  const auto saved = env.store.get(key("f"));
  if (saved) {
    Reader in(saved->view());
    checkpoint.epoch = in.u64();
    checkpoint.block = in.hash();
    if (!in.finish()) {
      note_damage(env, "the finalised checkpoint");
      checkpoint = {0, net.genesis_block->hash};
    }
  }
  restoring_ = true;
  finality_.emplace(params(), Checkpoint{0, net.genesis_block->hash});
  bool any = false;
  const auto restore = [&](const env::KeyValue& pair) {
    auto block = shared_block(pair.value.view(), params().id, env.memo);
    if (!block) return note_damage(env, "a block");
    any = add_block(env, *block) == Added::kNew || any;
  };
  scan_all(env.store, "h/", "h0", restore);
  if (has_bug(params().seeded_bug, SeededBug::kLoseFinalized) && tree_->head().parent) {
    checkpoint.block = tree_->head().parent->hash();
  }
  if (checkpoint.epoch > 0 && tree_->find(checkpoint.block)) {
    tree_->set_justified(checkpoint.block);
    tree_->finalize(checkpoint.block);
    finality_.emplace(params(), checkpoint);
  }
  scan_all(env.store, "n/", "n0", restore);
  scan_all(env.store, "c/", "c0", [&](const env::KeyValue& pair) {
    Reader in(pair.value.view());
    const std::uint32_t n = in.count(kMaxVotesPerMessage, kVoteBytes);
    for (std::uint32_t i = 0; i < n; ++i) add_vote(env, read_vote(in));
  });
  restoring_ = false;
  changes_ = {};
  env.trace.emit({.kind = kTraceRestored,
                  .n = {finalized_height(), head().height()},
                  .a = tree_->root().hash()});
  return {any};
}

// A record that passed the store's checksum and yet makes no sense. It counts as missing, and what
// is missing comes from peers.
void Chain::note_damage(env::Env& env, std::string_view what) const {
  env.log.write(env::LogLevel::kError, config_.name + ": " + std::string(what) +
                                           " on disk is damaged; it is fetched from peers");
}

ResultPtr Chain::execute(env::Env& env, const BlockNode& parent, const BlockPtr& block) {
  Writer id;
  id.hash(block->hash).hash(parent.block->block.header.state_root);
  id.array(block->header().signature.bytes);
  using Outcome = Result<BlockResult>;
  const auto outcome = env.memo.get<Outcome>(
      stream_id("execute"), hash128(id.view()), [&]() -> Outcome {
        TRY(check_header(params(), network().genesis.time_ns, *parent.block, parent.state(),
                         block->header()));
        return execute_block(params(), network().modules, parent.state(), block->block);
      });
  if (!*outcome) {
    env.log.write(env::LogLevel::kWarn,
                  config_.name + ": block " + to_hex(block->hash) + ": " +
                      outcome->error().message);
    return nullptr;
  }
  if (has_bug(params().seeded_bug, SeededBug::kLocalOrder) && config_.roles.validator &&
      block->block.transactions.size() > 1) {
    Block backwards = block->block;
    std::reverse(backwards.transactions.begin(), backwards.transactions.end());
    auto other = execute_block(params(), network().modules, parent.state(), backwards);
    return other ? std::make_shared<BlockResult>(std::move(*other)) : nullptr;
  }
  if (has_bug(params().seeded_bug, SeededBug::kStateDrift) && config_.roles.validator &&
      block->header().height % 40 == 0) {
    BlockResult drifted = **outcome;
    set_amount(drifted.state, pool_path("drift"), 1);
    return std::make_shared<BlockResult>(std::move(drifted));
  }
  return ResultPtr(outcome, &**outcome);
}

#ifdef ORRERY_SEEDED_BUGS
void Chain::flip_state_bit_for_test() {
  BlockResult bad = *head().result;  // shared with other nodes, so copied
  set_amount(bad.state, pool_path(kRewardsPool),
             amount_at(bad.state, pool_path(kRewardsPool)) ^ 1);
  tree_->replace_head_for_test(std::make_shared<BlockResult>(std::move(bad)));
}
#endif

Chain::Added Chain::add_block(env::Env& env, const BlockPtr& block) {
  if (tree_->find(block->hash)) return Added::kKnown;
  const BlockNode* parent = tree_->find(block->header().parent);
  if (!parent) {
    return block->header().height <= finalized_height() ? Added::kKnown : Added::kOrphan;
  }
  if (!restoring_ && block->header().slot > slot(env) + 1) return Added::kEarly;
  ResultPtr result = execute(env, *parent, block);
  if (!result) return Added::kInvalid;
  const std::vector<BlockPtr> old_branch = branch();
  const Hash256 root = result->state.root();
  tree_->add(block, std::move(result));
  if (!restoring_) {
    env.store.apply({{key(fresh_key(*block)), block->encoded}});
    env.trace.emit({.kind = kTraceExecuted,
                    .n = {block->header().height, block->header().slot},
                    .a = block->hash,
                    .b = root});
  }
  absorb(env, finality_->retry(*tree_, env.memo));
  if (has_bug(params().seeded_bug, SeededBug::kFinalizeFork) && head().height() % 8 == 0) {
    finalize(env, {epoch(env), head().hash()});
  }
  note_head_change(env, old_branch);
  return Added::kNew;
}

bool Chain::add_vote(env::Env& env, const Vote& vote) {
  const std::uint64_t now = restoring_ ? vote.target.epoch : epoch(env);
  constexpr std::uint64_t kSixBits = 64;
  if (has_bug(params().seeded_bug, SeededBug::kEpochWraps) && vote.target.epoch >= kSixBits) {
    return false;
  }
  Finality::Outcome outcome = finality_->add(vote, *tree_, now, env.memo);
  const bool accepted = outcome.accepted;
  if (outcome.justified.empty()) {  // the usual case: nothing that could move the head
    absorb(env, std::move(outcome));
    return accepted;
  }
  const std::vector<BlockPtr> old_branch = branch();
  absorb(env, std::move(outcome));
  note_head_change(env, old_branch);
  return accepted;
}

void Chain::absorb(env::Env& env, Finality::Outcome outcome) {
  for (const Checkpoint& checkpoint : outcome.justified) {
    changes_.justified.push_back(checkpoint);
    if (!restoring_) {
      env.trace.emit({.kind = kTraceJustified, .n = {checkpoint.epoch}, .a = checkpoint.block});
      store_certificate(env, checkpoint);
    }
  }
  for (const Evidence& evidence : outcome.evidence) {
    env.trace.emit({.kind = kTraceEvidence,
                    .n = {evidence.second.target.epoch},
                    .a = vote_id(params().id, evidence.second)});
    changes_.evidence.push_back(evidence);
  }
  if (!outcome.justified.empty() && tree_->find(finality_->justified().block)) {
    tree_->set_justified(finality_->justified().block);
  }
  if (outcome.finalized) finalize(env, *outcome.finalized);
}

void Chain::finalize(env::Env& env, const Checkpoint& checkpoint) {
  const BlockNode* node = tree_->find(checkpoint.block);
  if (!node || !BlockTree::descends(*node, tree_->root())) {
    // Two conflicting quorums: more than a third of the stake is at fault. We keep what we have.
    env.trace.emit(
        {.kind = kTraceFinalConflict, .n = {checkpoint.epoch}, .a = checkpoint.block});
    return;
  }
  const std::uint64_t height = node->height();
  env::WriteBatch batch;
  for (const BlockPtr& block : tree_->finalize(checkpoint.block)) {
    batch.push_back({key(final_key(block->header().height)), block->encoded});
    batch.push_back({key("i/" + to_hex(block->hash)),
                     Buffer(Writer().u64(block->header().height).take())});
  }
  // Blocks beside and below the finalised one are dead.
  const std::string above = "n/" + height_key(height + 1);
  scan_all(env.store, "n/", above, [&](const env::KeyValue& pair) {
    batch.push_back({pair.key, std::nullopt});
  });
  // Written while restoring, too: votes on disk may finalise more than the last checkpoint there.
  batch.push_back(
      {key("f"), Buffer(Writer().u64(checkpoint.epoch).hash(checkpoint.block).take())});
  env.trace.emit(
      {.kind = kTraceFinalized, .n = {checkpoint.epoch, height}, .a = checkpoint.block});
  const std::uint64_t sequence = env.store.apply(std::move(batch));
  if (has_bug(params().seeded_bug, SeededBug::kAckBeforeSync)) {
    env.trace.emit({.kind = kTraceFinalDurable,
                    .n = {checkpoint.epoch, height},
                    .a = checkpoint.block});
    return;
  }
  env.store.sync(sequence, {kCookieFinality, checkpoint.epoch, height});
}

void Chain::on_synced(env::Env& env, const env::Synced& event) {
  if (!event.ok) return;
  // A disk may be done with a later sync first, which has saved this one's writes too.
  const bool any_order = has_bug(params().seeded_bug, SeededBug::kAckAnyOrder);
  if (event.cookie.b < durable_height_ && !any_order) return;
  const BlockPtr block = block_at(env, event.cookie.b);
  if (!block) return;
  durable_height_ = event.cookie.b;
  env.trace.emit({.kind = kTraceFinalDurable,
                  .n = {event.cookie.a, event.cookie.b},
                  .a = block->hash});
}

void Chain::store_certificate(env::Env& env, const Checkpoint& target) {
  const Finality::Certificate* certificate = finality_->certificate(target);
  ENSURE(certificate, "a justified checkpoint has its certificate");
  Writer out;
  out.u32(static_cast<std::uint32_t>(certificate->votes.size()));
  for (const Vote& vote : certificate->votes) encode(out, vote);
  env.store.apply({{key(vote_key(target.epoch)), Buffer(out.take())}});
}

std::vector<BlockPtr> Chain::branch() const {
  std::vector<BlockPtr> blocks;
  for (const BlockNode* n = &head(); n; n = n->parent) blocks.push_back(n->block);
  return blocks;  // newest first
}

void Chain::note_head_change(env::Env& env, const std::vector<BlockPtr>& old_branch) {
  if (head().hash() == old_branch.front()->hash) return;
  changes_.head = true;
  std::vector<Changes::Adopted> adopted;
  std::size_t abandoned = old_branch.size();
  for (const BlockNode* n = &head(); n; n = n->parent) {
    const auto at = std::find_if(old_branch.begin(), old_branch.end(),
                                 [&](const BlockPtr& b) { return b->hash == n->hash(); });
    if (at != old_branch.end()) {
      abandoned = static_cast<std::size_t>(at - old_branch.begin());
      break;
    }
    adopted.push_back({n->block, n->result});
  }
  std::reverse(adopted.begin(), adopted.end());
  changes_.adopted.insert(changes_.adopted.end(), adopted.begin(), adopted.end());
  changes_.abandoned.insert(changes_.abandoned.end(), old_branch.begin(),
                            old_branch.begin() + static_cast<std::ptrdiff_t>(abandoned));
  if (restoring_) return;
  env.trace.emit({.kind = kTraceHead, .n = {head().height(), abandoned}, .a = head().hash()});
}

Chain::Changes Chain::take_changes() {
  Changes changes = std::move(changes_);
  changes_ = {};
  return changes;
}

BlockPtr Chain::block_at(env::Env& env, std::uint64_t height) const {
  if (height > head().height()) return nullptr;
  for (const BlockNode* n = &head(); n; n = n->parent) {
    if (n->height() == height) return n->block;
  }
  if (height == 0) return network().genesis_block;
  const auto stored = env.store.get(key(final_key(height)));
  if (!stored) return nullptr;
  auto block = shared_block(stored->view(), params().id, env.memo);
  if (!block) {
    note_damage(env, "a block");
    return nullptr;
  }
  return *block;
}

std::vector<Hash256> Chain::locator() const {
  std::vector<Hash256> hashes;
  std::uint64_t skip = 0;
  std::uint64_t step = 1;
  for (const BlockNode* n = &head(); n && hashes.size() + 1 < kMaxLocator; n = n->parent) {
    if (skip > 0 && n->parent) {
      --skip;
      continue;
    }
    hashes.push_back(n->hash());
    if (hashes.size() > 8) {
      step *= 2;
      skip = step;
    }
  }
  return hashes;
}

std::uint64_t Chain::common_height(env::Env& env, const std::vector<Hash256>& locator) const {
  for (const Hash256& hash : locator) {
    const BlockNode* node = tree_->find(hash);
    if (!node || !is_canonical(*node)) continue;
    return rare(env, kOlderBlocks) ? node->height() / 2 : node->height();
  }
  // The asker is behind our root: its newest hash may be one of our final blocks, found by height
  // through the index of hashes that only disk has.
  for (const Hash256& hash : locator) {
    const auto at = env.store.get(key("i/" + to_hex(hash)));
    if (at) return Reader(at->view()).u64();
  }
  return 0;
}

std::vector<Vote> Chain::justifying_votes(env::Env& env, std::uint64_t since,
                                          std::size_t limit) const {
  if (rare(env, kFewVotes)) limit /= 8;
  std::vector<Vote> votes;
  for (const env::KeyValue& pair :
       env.store.scan(key(vote_key(since + 1)), key("c0"), limit)) {
    Reader in(pair.value.view());
    const std::uint32_t n = in.count(kMaxVotesPerMessage, kVoteBytes);
    if (votes.size() + n > limit) break;
    for (std::uint32_t i = 0; i < n; ++i) votes.push_back(read_vote(in));
  }
  return votes;
}

}  // namespace orrery::chain
