#include "protocol/node/node.h"

#include "protocol/node/rare.h"
#include "protocol/node/user.h"

namespace orrery::chain {

ChainNode::ChainNode(NodeConfig config)
    : config_(std::move(config)),
      chain_(config_),
      mempool_(config_.network->params, config_.network->modules),
      gossip_(config_, chain_, mempool_),
      wallet_(config_, chain_, mempool_, gossip_),
      worker_(chain_, wallet_),
      auditor_(chain_, wallet_),
      voter_(config_, chain_, gossip_),
      producer_(config_, chain_, mempool_, gossip_) {}

void ChainNode::boot(env::Env& env, const env::BootInfo&) {
  const Chain::Boot boot = chain_.boot(env);
  gossip_.boot(env);
  const bool finality = chain_.params().consensus.finality == FinalityKind::kCheckpoint;
  if (config_.roles.validator && finality) voter_.boot(env);
  if (config_.roles.miner) {
    producer_.boot(env);
    if (boot.restored) worker_.rescan(env);
  }
}

void ChainNode::on(env::Env& env, const env::Event& event) {
  std::visit([&](const auto& e) { handle(env, e); }, event);
  settle(env);
}

void ChainNode::handle(env::Env& env, const env::TimerFired& e) {
  switch (e.cookie.kind) {
    case kCookieFlush: return gossip_.on_flush(env);
    case kCookieVoteFlush: return gossip_.on_vote_flush(env);
    case kCookieHeartbeat: return gossip_.on_heartbeat(env);
    case kCookieEpoch: return voter_.on_epoch(env);
    case kCookieSlot: return producer_.on_slot(env, e);
    default: ENSURE(false, "a timer of no part");
  }
}

void ChainNode::handle(env::Env& env, const env::Synced& e) {
  switch (e.cookie.kind) {
    case kCookieFinality: return chain_.on_synced(env, e);
    case kCookieVote: return voter_.on_synced(env, e);
    case kCookieBlock: return producer_.on_synced(env, e);
    default: ENSURE(false, "a sync of no part");
  }
}

void ChainNode::handle(env::Env& env, const env::JobDone& e) {
  switch (e.cookie.kind) {
    case kCookieWork: return worker_.on_job(env, e);
    case kCookieAudit: return auditor_.on_job(env, e);
    case kCookieBackground: return producer_.on_job(env, e);
    default: ENSURE(false, "a job of no part");
  }
}

void ChainNode::handle(env::Env& env, const env::Request& e) {
  serve_user(env, e, wallet_, chain_.params());
}

// Blocks that follow one another touch only their senders; after a reorganisation, or where stale
// entries were kept, everything is looked at.
void ChainNode::prune_pool(env::Env& env, const Chain::Changes& changes) {
  const std::uint64_t next = chain_.head().height() + 1;
  if (rare(env, kKeepStale)) {
    stale_pool_ = true;
  } else if (stale_pool_ || !changes.abandoned.empty()) {
    mempool_.prune(chain_.state(), next);
    stale_pool_ = false;
  } else {
    for (const auto& adopted : changes.adopted) {
      mempool_.prune_after(adopted.block->block, chain_.state(), next);
    }
  }
}

void ChainNode::settle(env::Env& env) {
  Chain::Changes changes = chain_.take_changes();
  for (const Evidence& evidence : changes.evidence) producer_.keep_evidence(evidence);
  if (!changes.head) return;
  const std::uint64_t next = chain_.head().height() + 1;
  prune_pool(env, changes);
  for (const BlockPtr& block : changes.abandoned) {
    for (const TransactionPtr& tx : block->block.transactions) {
      (void)mempool_.add(tx, chain_.state(), next);  // may stand on the new branch already
    }
  }
  for (const auto& adopted : changes.adopted) {
    if (config_.roles.miner) worker_.on_adopted(env, adopted.result->events);
    if (config_.roles.validator) auditor_.on_adopted(env, adopted.result->events);
  }
  if (config_.roles.miner) {
    if (!changes.abandoned.empty()) worker_.rescan(env);
    worker_.on_head(env);
    producer_.on_head(env);
  }
  if (config_.roles.validator) auditor_.on_head(env);
}

Digest128 ChainNode::fold(Digest128 digest) const {
  Writer out;
  out.u64(chain_.head().height()).hash(chain_.head().hash()).hash(chain_.state().root());
  out.u64(chain_.finality().justified().epoch).hash(chain_.finality().justified().block);
  out.u64(chain_.finality().finalized().epoch).hash(chain_.finality().finalized().block);
  out.u64(mempool_.size()).u64(gossip_.peers());
  return extend(digest, out.view());
}

}  // namespace orrery::chain
