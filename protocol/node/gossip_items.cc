// The half of Gossip that moves items: announcements, wishes, deliveries, block and vote sync.
#include <algorithm>
#include <set>
#include <utility>

#include "protocol/node/gossip.h"

namespace orrery::chain {

void Gossip::want(env::Env& env, InventoryKind kind, const Offer& offer, env::PeerId from) {
  forget_wish(offer.id);
  wanted_[offer.id] = {env.clock.mono(), from, kind, offer.tries};
  ++peers_.at(from).requested;
}

void Gossip::forget_wish(const Hash256& id) {
  const auto wish = wanted_.find(id);
  if (wish == wanted_.end()) return;
  Peer* peer = peers_.find(wish->second.from);
  if (peer != nullptr && peer->requested > 0) --peer->requested;
  wanted_.erase(wish);
}

bool Gossip::is_awaited(const env::Env& env, const Hash256& id) const {
  const auto asked = wanted_.find(id);
  return asked != wanted_.end() && env.clock.mono() - asked->second.since < kRequestTimeout;
}

void Gossip::ask_for_offered(env::Env& env, env::PeerId from) {
  Peer& peer = peers_.at(from);
  Want wish{InventoryKind::kTransaction, {}};
  for (std::size_t i = peer.offered.size(); i > 0 && wish.ids.size() < kMaxInventory; --i) {
    if (peer.requested >= kMaxRequested) break;
    const Offer offer = peer.offered.front();
    peer.offered.pop_front();
    if (known_.find(offer.id).received || mempool_.contains(offer.id)) continue;
    if (is_awaited(env, offer.id)) {
      peer.offered.push_back(offer);
      continue;
    }
    want(env, wish.kind, offer, from);
    wish.ids.push_back(offer.id);
  }
  if (!wish.ids.empty()) send(env, from, wish);
}

void Gossip::expire_wishes(env::Env& env) {
  std::vector<Hash256> late;
  for (const auto& [id, wish] : wanted_) {
    if (env.clock.mono() - wish.since > kRequestTimeout) late.push_back(id);
  }
  for (const Hash256& id : late) {
    const Wanted wish = wanted_.at(id);
    forget_wish(id);
    Peer* peer = peers_.find(wish.from);
    const bool again = wish.kind == InventoryKind::kTransaction && peer != nullptr &&
                       wish.tries + 1 < kMaxTries && peer->offered.size() < kMaxOffered;
    if (again) peer->offered.push_back({id, wish.tries + 1});
  }
  for (const auto& peer : peers_.all()) {
    if (!peer->offered.empty()) ask_for_offered(env, peer->id);
  }
}

bool Gossip::wants_transaction(env::Env& env, Peer& peer, const Hash256& id) {
  const KnownIds::Known known = known_.find(id);
  // Of what nobody has asked for, a note costs a peer one of its wishes or offers: made-up ids
  // cannot crowd out what is known.
  if (known.noted) known_.note(id, peer.bit());
  if (known.received) return false;
  const bool awaited = is_awaited(env, id);
  if (!awaited && mempool_.contains(id)) return false;
  // The bound is each peer's own: made-up ids of one do not stop us from asking others.
  const bool ask = !awaited && peer.requested < kMaxRequested;
  if (!ask) {
    if (peer.offered.size() >= kMaxOffered) return false;
    // It is announced once. Whoever was asked may fail us, so this peer is not forgotten.
    peer.offered.push_back({id});
  }
  known_.note(id, peer.bit());
  return ask;
}

void Gossip::handle(env::Env& env, env::PeerId from, const Inventory& m) {
  Peer& peer = peers_.at(from);
  Want wish{m.kind, {}};
  const auto ask = [&](const Hash256& id) {
    want(env, m.kind, {id}, from);
    wish.ids.push_back(id);
  };
  for (const Hash256& id : m.ids) known_.prefetch(id);
  for (const Hash256& id : m.ids) {
    if (m.kind == InventoryKind::kTransaction) {
      if (wants_transaction(env, peer, id)) ask(id);
      continue;
    }
    known_.note(id, peer.bit());
    const bool have = chain_.tree().find(id) != nullptr || orphans_.count(id) != 0;
    if (!have && peer.requested < kMaxRequested && !is_awaited(env, id)) ask(id);
  }
  if (!wish.ids.empty()) send(env, from, wish);
}

void Gossip::handle(env::Env& env, env::PeerId from, const Want& m) {
  Transactions transactions;
  std::size_t bytes = 0;
  // Each id once, whatever the wish repeats.
  for (const Hash256& id : std::set<Hash256>(m.ids.begin(), m.ids.end())) {
    if (m.kind == InventoryKind::kBlock) {
      const BlockNode* node = chain_.tree().find(id);
      if (node && !serve(env, from, Blocks{{node->block}})) break;
    } else if (const TransactionPtr tx = mempool_.find(id)) {
      if (bytes + tx->encoded.size() > kMaxBatchBytes) break;
      bytes += tx->encoded.size();
      transactions.transactions.push_back(tx);
    }
  }
  if (!transactions.transactions.empty()) serve(env, from, transactions);
}

void Gossip::handle(env::Env& env, env::PeerId from, const Transactions& m) {
  Peer& peer = peers_.at(from);
  for (const TransactionPtr& tx : m.transactions) {
    known_.note(tx->id, peer.bit());
    known_.receive(tx->id);
    forget_wish(tx->id);
    const bool known = mempool_.contains(tx->id);
    const Status admitted = mempool_.add(tx, chain_.state(), chain_.head().height() + 1);
    // A refusal is no offence: the sender may be at another height.
    if (admitted && !known) announce_transaction(env, tx->id);
  }
  if (!peer.offered.empty()) ask_for_offered(env, from);
}

void Gossip::handle(env::Env& env, env::PeerId from, const Blocks& m) {
  bool fresh = false;    // something came that was not here
  bool missing = false;  // of some block nothing is known of the parent
  for (const BlockPtr& block : m.blocks) {
    if (const Peer* peer = peers_.find(from)) known_.note(block->hash, peer->bit());
    forget_wish(block->hash);
    const Chain::Added added = chain_.add_block(env, block);
    switch (added) {
      case Chain::Added::kNew:
        fresh = true;
        note_own(block->header());
        announce_block(env, block->hash);
        break;
      case Chain::Added::kKnown: break;
      case Chain::Added::kOrphan:
      case Chain::Added::kEarly: {
        const bool ban = has_bug(chain_.params().seeded_bug, SeededBug::kBanEarly) &&
                         added == Chain::Added::kEarly;
        if (ban || !check_signature(chain_.params().id, block->header())) {
          punish(env, from, kInvalidBlock);
          return;
        }
        note_own(block->header());
        if (keep_orphan(block)) fresh = true;
        if (added == Chain::Added::kOrphan && orphans_.count(block->header().parent) == 0) {
          missing = true;
        }
        break;
      }
      case Chain::Added::kInvalid: punish(env, from, kInvalidBlock); return;
    }
  }
  adopt_orphans(env);
  const Peer* peer = peers_.find(from);
  if (peer == nullptr) return;
  // More of a range is to come while the sender's head is still unknown here. Who sends nothing new
  // is not asked again before the next heartbeat: a clock that is behind would have us ask for the
  // same early blocks for ever.
  const bool range = m.blocks.size() > 1 && !chain_.tree().find(peer->status.head);
  if (fresh && (missing || range)) ask_for_blocks(env, from);
}

// The lowest blocks are of use first, so the highest makes room.
bool Gossip::keep_orphan(const BlockPtr& block) {
  if (!orphans_.emplace(block->hash, block).second) return false;
  if (orphans_.size() <= kMaxOrphans) return true;
  orphans_.erase(
      std::max_element(orphans_.begin(), orphans_.end(), [](const auto& a, const auto& b) {
        return a.second->header().height < b.second->header().height;
      }));
  return orphans_.count(block->hash) != 0;
}

void Gossip::note_own(const Header& header) {
  if (header.proposer == config_.key.public_key()) own_slot_ = std::max(own_slot_, header.slot);
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
  if (has_bug(chain_.params().seeded_bug, SeededBug::kNeverCatchUp)) return;
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
  if (!reply.blocks.empty()) serve(env, from, reply);
}

void Gossip::handle(env::Env& env, env::PeerId from, const Votes& m) {
  // What was asked for is looked at again: it may have come when nothing could be done with it.
  const bool asked = std::exchange(peers_.at(from).asked_votes, false);
  for (const Vote& vote : m.votes) {
    const Hash256 id = vote_id(chain_.params().id, vote);
    const bool received = known_.find(id).received;  // most come from every peer
    if (!received && !chain_.may_vote(vote)) continue;
    if (const Peer* peer = peers_.find(from)) known_.note(id, peer->bit());
    if (received && !asked) continue;
    known_.receive(id);
    if (!shared_signature_check(vote, chain_.params().id, env.memo)) {
      punish(env, from, kBadMessage);
      return;
    }
    if (chain_.add_vote(env, vote)) spread_vote(env, vote);
  }
}

void Gossip::handle(env::Env& env, env::PeerId from, const GetVotes& m) {
  Votes reply;
  reply.votes = chain_.justifying_votes(env, m.since, kMaxVotesPerMessage);
  if (!reply.votes.empty()) serve(env, from, reply);
}

}  // namespace orrery::chain
