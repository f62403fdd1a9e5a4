// Talking to peers (G-7): discovery through bootstrap nodes, inventory gossip of transactions and
// blocks, votes, block sync, heartbeats, and the limits that keep any one peer harmless.
#pragma once

#include <map>
#include <vector>

#include "engine/env/env.h"
#include "protocol/mempool/mempool.h"
#include "protocol/node/address_book.h"
#include "protocol/node/chain.h"
#include "protocol/node/known_ids.h"
#include "protocol/node/peer_table.h"
#include "protocol/sync/messages.h"

namespace orrery::chain {

class Gossip {
 public:
  static constexpr std::size_t kMaxOrphans = 64;      // blocks whose parent is unknown
  static constexpr std::size_t kMaxRequested = 1024;  // ids asked of one peer and not yet come
  static constexpr int kMaxTries = 3;                 // to get one transaction of one peer
  static constexpr std::size_t kMaxOffered = 4096;    // transactions that one peer could send us
  // Bytes a second that one peer's wishes may cost us; the rest of them go unanswered.
  static constexpr std::size_t kServedPerSecond = 16 << 20;
  static constexpr int kBanScore = -100;
  static constexpr int kBadMessage = -50;
  static constexpr int kInvalidBlock = -100;
  static constexpr int kTooFast = -10;
  static constexpr Duration kBanTime = Duration::minutes(10);
  static constexpr Duration kVoteDelay = Duration::millis(200);  // gathers votes
  // Announcements of transactions are gathered for a tenth of a block's time, as far as:
  static constexpr Duration kLeastFlushDelay = Duration::millis(200);
  static constexpr Duration kMostFlushDelay = Duration::seconds(1);
  static constexpr Duration kRequestTimeout = Duration::seconds(3);

  Gossip(const NodeConfig& config, Chain& chain, Mempool& mempool);

  void boot(env::Env& env);
  void on_peer_up(env::Env& env, const env::PeerUp& event);
  void on_peer_down(env::Env& env, const env::PeerDown& event);
  void on_dial_failed(const env::DialFailed& event);
  void on_message(env::Env& env, const env::MessageIn& event);
  void on_flush(env::Env& env);
  void on_vote_flush(env::Env& env);
  void on_heartbeat(env::Env& env);

  // Announce to everyone who may not have it.
  void announce_transaction(env::Env& env, const Hash256& id);
  void announce_block(env::Env& env, const Hash256& hash);
  void spread_vote(env::Env& env, const Vote& vote);

  std::size_t peers() const { return peers_.size(); }
  // The highest slot of a block of ours that came from a peer, on whatever branch: 0 if none did.
  // Who has lost its disk learns from it which slots it has used.
  std::uint64_t own_slot() const { return own_slot_; }
  // Items remembered on behalf of peers; for observers, who check that it stays bounded.
  std::size_t held() const;

 private:
  struct Wanted {
    Time since{};
    env::PeerId from;
    InventoryKind kind{};
    int tries = 0;
  };

  NodeStatus status() const;
  void send(env::Env& env, env::PeerId to, const Message& message);
  void send(env::Env& env, env::PeerId to, const Buffer& encoded);
  // Sends an answer; false if the peer's allowance of this second does not cover it.
  bool serve(env::Env& env, env::PeerId to, const Message& message);
  void want(env::Env& env, InventoryKind kind, const Offer& offer, env::PeerId from);
  // Wishes that were not answered in time: forgotten, to be asked for again.
  void expire_wishes(env::Env& env);
  void forget_wish(const Hash256& id);
  // Whether somebody was asked for it not long ago.
  bool is_awaited(const env::Env& env, const Hash256& id) const;
  // Asks for what the peer offered, as far as its allowance goes and nobody else was asked.
  void ask_for_offered(env::Env& env, env::PeerId from);
  void remove(env::PeerId id);
  // What the peer is to be told of at this flush.
  Inventory inventory_for(Peer& peer, std::size_t fresh) const;
  Votes votes_for(const Peer& peer) const;
  // True if the transaction is to be asked of the peer, whose offer it is.
  bool wants_transaction(env::Env& env, Peer& peer, const Hash256& id);
  // True if it was not kept before and is now.
  bool keep_orphan(const BlockPtr& block);
  void note_own(const Header& header);
  void punish(env::Env& env, env::PeerId id, int score);
  bool too_fast(env::Env& env, Peer& peer);
  void arm_flush(env::Env& env);
  Peers some_addresses(env::Env& env, const env::Address& asker);
  void connect_more(env::Env& env);
  void ask_for_blocks(env::Env& env, env::PeerId from);
  void compare_status(env::Env& env, env::PeerId from, const NodeStatus& theirs);
  void adopt_orphans(env::Env& env);

  void handle(env::Env& env, env::PeerId from, const Hello& m);
  void handle(env::Env& env, env::PeerId from, const StatusUpdate& m);
  void handle(env::Env& env, env::PeerId from, const GetPeers& m);
  void handle(env::Env& env, env::PeerId from, const Peers& m);
  void handle(env::Env& env, env::PeerId from, const Inventory& m);
  void handle(env::Env& env, env::PeerId from, const Want& m);
  void handle(env::Env& env, env::PeerId from, const Transactions& m);
  void handle(env::Env& env, env::PeerId from, const Blocks& m);
  void handle(env::Env& env, env::PeerId from, const Votes& m);
  void handle(env::Env& env, env::PeerId from, const GetBlocks& m);
  void handle(env::Env& env, env::PeerId from, const GetVotes& m);

  const NodeConfig& config_;
  Chain& chain_;
  Mempool& mempool_;
  PeerTable peers_;
  AddressBook book_;
  std::map<env::Address, Time> banned_;
  std::map<Hash256, Wanted> wanted_;
  std::map<Hash256, BlockPtr> orphans_;  // by hash
  std::uint64_t own_slot_ = 0;
  KnownIds known_;
  std::vector<Hash256> fresh_;  // transactions to announce at the next flush
  struct FreshVote {
    Hash256 id;
    Vote vote;
  };
  std::vector<FreshVote> fresh_votes_;  // to send at the next flush
  bool flush_armed_ = false;
  bool vote_flush_armed_ = false;
};

}  // namespace orrery::chain
