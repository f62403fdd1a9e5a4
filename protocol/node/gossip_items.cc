// The half of Gossip that moves items: announcements, wishes, deliveries, block and vote sync.
#include <algorithm>

#include "protocol/node/gossip.h"

namespace orrery::chain {

void Gossip::handle(env::Env& env, env::PeerId from, const Inventory& m) {
  Peer& peer = peers_.at(from);
  Want wish{m.kind, {}};
  for (const Hash256& id : m.ids) {
    peer.seen.insert(id);
    const bool have = m.kind == InventoryKind::kTransaction
                          ? mempool_.contains(id)
                          : chain_.tree().find(id) != nullptr || orphans_.count(id) != 0;
    if (have || wanted_.size() >= kMaxRequested) continue;
    const auto asked = wanted_.find(id);
    const Time now = env.clock.mono();
    if (asked != wanted_.end() && now - asked->second.since < kRequestTimeout) continue;
    wanted_[id] = {now, from};
    wish.ids.push_back(id);
  }
  if (!wish.ids.empty()) send(env, from, wish);
}

void Gossip::handle(env::Env& env, env::PeerId from, const Want& m) {
  Transactions transactions;
  std::size_t bytes = 0;
  for (const Hash256& id : m.ids) {
    if (m.kind == InventoryKind::kBlock) {
      if (const BlockNode* node = chain_.tree().find(id)) send(env, from, Blocks{{node->block}});
    } else if (const TransactionPtr tx = mempool_.find(id)) {
      if (bytes + tx->encoded.size() > kMaxBatchBytes) break;
      bytes += tx->encoded.size();
      transactions.transactions.push_back(tx);
    }
  }
  if (!transactions.transactions.empty()) send(env, from, transactions);
}

void Gossip::handle(env::Env& env, env::PeerId from, const Transactions& m) {
  Peer& peer = peers_.at(from);
  for (const TransactionPtr& tx : m.transactions) {
    peer.seen.insert(tx->id);
    wanted_.erase(tx->id);
    const bool known = mempool_.contains(tx->id);
    const Status admitted = mempool_.add(tx, chain_.state(), chain_.head().height() + 1);
    // A refusal is no offence: the sender may be at another height.
    if (admitted && !known) announce_transaction(env, tx->id);
  }
}

void Gossip::handle(env::Env& env, env::PeerId from, const Blocks& m) {
  bool orphan = false;
  for (const BlockPtr& block : m.blocks) {
    if (const auto it = peers_.find(from); it != peers_.end()) it->second.seen.insert(block->hash);
    wanted_.erase(block->hash);
    switch (chain_.add_block(env, block)) {
      case Chain::Added::kNew:
        announce_block(env, block->hash);
        break;
      case Chain::Added::kKnown:
        break;
      case Chain::Added::kOrphan:
        orphan = true;
        [[fallthrough]];
      case Chain::Added::kEarly:
        if (orphans_.size() < kMaxOrphans) orphans_.emplace(block->hash, block);
        break;
      case Chain::Added::kInvalid:
        punish(env, from, kInvalidBlock);
        return;
    }
  }
  adopt_orphans(env);
  const auto it = peers_.find(from);
  if (it == peers_.end()) return;
  // More of a range is to come while the sender's head is still unknown here.
  const bool range = m.blocks.size() > 1 && !chain_.tree().find(it->second.status.head);
  if (orphan || range) ask_for_blocks(env, from);
}

void Gossip::adopt_orphans(env::Env& env) {
  for (bool again = true; again;) {
    again = false;
    for (auto it = orphans_.begin(); it != orphans_.end(); ++it) {
      if (!chain_.tree().find(it->second->header().parent)) continue;
      const BlockPtr block = it->second;
      const Chain::Added added = chain_.add_block(env, block);
      if (added == Chain::Added::kEarly) continue;
      orphans_.erase(it);
      if (added == Chain::Added::kNew) announce_block(env, block->hash);
      again = true;
      break;
    }
  }
  std::erase_if(orphans_, [&](const auto& item) {
    return item.second->header().height <= chain_.finalized_height();
  });
}

void Gossip::ask_for_blocks(env::Env& env, env::PeerId from) {
  send(env, from, GetBlocks{chain_.locator()});
}

void Gossip::handle(env::Env& env, env::PeerId from, const GetBlocks& m) {
  Blocks reply;
  std::size_t bytes = 0;
  for (std::uint64_t h = chain_.common_height(env, m.locator) + 1;
       h <= chain_.head().height() && reply.blocks.size() < kMaxBlocksInMessage; ++h) {
    const BlockPtr block = chain_.block_at(env, h);
    if (!block) break;
    if (!reply.blocks.empty() && bytes + block->encoded.size() > kMaxBatchBytes) break;
    bytes += block->encoded.size();
    reply.blocks.push_back(block);
  }
  if (!reply.blocks.empty()) send(env, from, reply);
}

void Gossip::handle(env::Env& env, env::PeerId from, const Votes& m) {
  for (std::size_t i = 0; i < m.votes.size(); ++i) {
    if (!m.valid[i]) {
      punish(env, from, kBadMessage);
      return;
    }
    const Hash256 id = vote_id(chain_.params().id, m.votes[i]);
    if (const auto it = peers_.find(from); it != peers_.end()) it->second.seen.insert(id);
    if (!votes_seen_.insert(id)) continue;
    if (chain_.add_vote(env, m.votes[i])) spread_vote(env, m.votes[i]);
  }
}

void Gossip::handle(env::Env& env, env::PeerId from, const GetVotes& m) {
  Votes reply;
  reply.votes = chain_.justifying_votes(env, m.since, kMaxVotesPerMessage);
  if (!reply.votes.empty()) send(env, from, reply);
}

}  // namespace orrery::chain
