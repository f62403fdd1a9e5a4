#include "protocol/node/gossip.h"

#include <algorithm>
#include <utility>

#include "protocol/types/trace_kinds.h"

namespace orrery::chain {
namespace {

constexpr std::size_t kAnnouncePool = 512;  // transactions told to a new peer
constexpr std::uint32_t kFeelers = 2;       // peers above the target before one is let go

}  // namespace

Gossip::Gossip(const NodeConfig& config, Chain& chain, Mempool& mempool)
    : config_(config), chain_(chain), mempool_(mempool) {}

void Gossip::boot(env::Env& env) {
  for (const env::Address& address : config_.bootstrap) {
    book_.learn(address);
    if (address != env.transport.self()) env.transport.dial(address);
  }
  // The first heartbeat comes at a random point of the period, so that nodes do not beat in step.
  const auto period = static_cast<std::uint64_t>(chain_.params().network.heartbeat.ns);
  const std::uint64_t offset = env.random.u64(stream_id("heartbeat")) % period;
  env.timers.arm(env.clock.mono() + Duration{static_cast<std::int64_t>(offset)},
                 {kCookieHeartbeat});
}

NodeStatus Gossip::status() const {
  return {chain_.head().height(), chain_.head().hash(), chain_.finality().justified(),
          chain_.finality().finalized()};
}

void Gossip::send(env::Env& env, env::PeerId to, const Message& message) {
  send(env, to, encode_message(message));
}

void Gossip::send(env::Env& env, env::PeerId to, const Buffer& encoded) {
  // A refused send is back-pressure: the peer asks again or learns from others.
  (void)env.transport.send(to, env::Channel::kReliable, encoded);
}

bool Gossip::serve(env::Env& env, env::PeerId to, const Message& message) {
  const Buffer encoded = encode_message(message);
  Peer& peer = peers_.at(to);
  if (peer.window_served + encoded.size() > kServedPerSecond) return false;
  peer.window_served += encoded.size();
  send(env, to, encoded);
  return true;
}

void Gossip::on_peer_up(env::Env& env, const env::PeerUp& event) {
  const auto ban = banned_.find(event.address);
  if (ban != banned_.end() && env.clock.mono() < ban->second) {
    env.transport.drop(event.peer);
    return;
  }
  const Hello hello{chain_.params().id, chain_.network().genesis_block->hash, status()};
  book_.learn(event.address);
  if (peers_.size() >= chain_.params().network.max_peers) {
    // No room; but who came learns whom else to ask.
    send(env, event.peer, hello);
    send(env, event.peer, some_addresses(env, event.address));
    env.transport.drop(event.peer);
    return;
  }
  remove(event.peer);
  Peer& peer = peers_.add(event.peer);
  peer.seat = known_.seat();
  peer.address = event.address;
  peer.outbound = event.outbound;
  send(env, event.peer, hello);
}

void Gossip::on_peer_down(env::Env& env, const env::PeerDown& event) {
  remove(event.peer);
  // What was asked of it may be asked of others at once.
  std::erase_if(wanted_, [&](const auto& item) { return item.second.from == event.peer; });
  if (peers_.empty()) connect_more(env);
}

void Gossip::remove(env::PeerId id) {
  const Peer* peer = peers_.find(id);
  if (peer == nullptr) return;
  known_.leave(peer->seat);
  peers_.remove(id);
}

void Gossip::on_dial_failed(const env::DialFailed& event) {
  const bool keep = std::find(config_.bootstrap.begin(), config_.bootstrap.end(), event.address) !=
                    config_.bootstrap.end();
  // Other addresses come back through Peers if somebody still knows them.
  if (!keep && book_.size() > chain_.params().network.target_peers * 4u) {
    book_.forget(event.address);
  }
}

void Gossip::punish(env::Env& env, env::PeerId id, int score) {
  Peer* peer = peers_.find(id);
  if (peer == nullptr) return;
  peer->score += score;
  if (peer->score > kBanScore) return;
  banned_[peer->address] = env.clock.mono() + kBanTime;
  env.trace.emit({.kind = kTracePeerBanned, .n = {id.value}});
  env.transport.drop(id);
  remove(id);
}

bool Gossip::too_fast(env::Env& env, Peer& peer) {
  const Time now = env.clock.mono();
  if (now - peer.window_start >= Duration::seconds(1)) {
    peer.window_start = now;
    peer.window_messages = 0;
    peer.window_served = 0;
  }
  if (++peer.window_messages <= chain_.params().network.peer_messages_per_second) return false;
  punish(env, peer.id, kTooFast);
  return true;
}

void Gossip::on_message(env::Env& env, const env::MessageIn& event) {
  Peer* peer = peers_.find(event.from);
  if (peer == nullptr || too_fast(env, *peer)) return;
  const auto decode = [&] {
    return decode_message(event.payload.view(), chain_.params().id, env.memo);
  };
  // Many nodes get the same bytes, but for wishes: each is for one peer.
  const auto message =
      is_wish(event.payload.view())
          ? std::make_shared<const Result<Message>>(decode())
          : env.memo.get<Result<Message>>(stream_id("message"), event.payload.hash(), decode,
                                          event.payload.size());
  if (!*message) {
    env.trace.emit({.kind = kTraceBadMessage, .n = {event.from.value, event.payload.size()}});
    punish(env, event.from, kBadMessage);
    return;
  }
  const bool hello = std::holds_alternative<Hello>(**message);
  if (hello == peer->greeted) {  // first a Hello, then never again
    punish(env, event.from, kBadMessage);
    return;
  }
  std::visit([&](const auto& m) { handle(env, event.from, m); }, **message);
}

void Gossip::handle(env::Env& env, env::PeerId from, const Hello& m) {
  if (m.chain_id != chain_.params().id || m.genesis != chain_.network().genesis_block->hash) {
    punish(env, from, kBanScore);
    return;
  }
  Peer& peer = peers_.at(from);
  peer.greeted = true;
  peer.announce = mempool_.ids(kAnnouncePool);
  if (!peer.announce.empty()) arm_flush(env);
  if (peers_.size() < chain_.params().network.target_peers) {
    peer.asked_peers = true;
    send(env, from, GetPeers{});
  }
  compare_status(env, from, m.status);
}

void Gossip::handle(env::Env& env, env::PeerId from, const StatusUpdate& m) {
  compare_status(env, from, m.status);
}

void Gossip::compare_status(env::Env& env, env::PeerId from, const NodeStatus& theirs) {
  Peer& peer = peers_.at(from);
  peer.status = theirs;
  if (!chain_.tree().find(theirs.head) && theirs.height >= chain_.finalized_height()) {
    ask_for_blocks(env, from);
  }
  const std::uint64_t ours = chain_.finality().justified().epoch;
  if (theirs.justified.epoch > ours) {
    peer.asked_votes = true;
    send(env, from, GetVotes{ours});
  }
}

Peers Gossip::some_addresses(env::Env& env, const env::Address& asker) {
  return {book_.sample(kMaxPeersInMessage, asker,
                       [&] { return env.random.u64(stream_id("peer-sample")); })};
}

void Gossip::handle(env::Env& env, env::PeerId from, const GetPeers&) {
  serve(env, from, some_addresses(env, peers_.at(from).address));
}

void Gossip::handle(env::Env& env, env::PeerId from, const Peers& m) {
  // Only an answer counts: else a peer could fill our table and have us dial whom it likes.
  if (!std::exchange(peers_.at(from).asked_peers, false)) return;
  for (const env::Address& address : m.addresses) book_.learn(address);
  connect_more(env);
}

void Gossip::connect_more(env::Env& env) {
  const bool connected_once = chain_.head().height() > 2;
  if (has_bug(chain_.params().seeded_bug, SeededBug::kNeverRedial) && connected_once) return;
  const auto fits = [&](const env::Address& address) {
    const bool connected = std::any_of(peers_.all().begin(), peers_.all().end(),
                                       [&](const auto& peer) { return peer->address == address; });
    return !connected && address != env.transport.self() && banned_.count(address) == 0;
  };
  const std::size_t target = chain_.params().network.target_peers;
  // Below the target: fill up. At it: one feeler, so that halves of a healed partition, each with
  // peers enough of its own, find each other again.
  for (std::size_t dials = peers_.size() < target ? target - peers_.size() : 1; dials > 0;
       --dials) {
    const std::uint64_t draw = env.random.u64(stream_id("peer-choice"));
    const auto address = book_.take(draw, env.clock.mono(), fits);
    if (!address) return;
    env.transport.dial(*address);
  }
}

void Gossip::on_heartbeat(env::Env& env) {
  env.timers.arm(env.clock.mono() + chain_.params().network.heartbeat, {kCookieHeartbeat});
  std::erase_if(banned_, [&](const auto& item) { return env.clock.mono() >= item.second; });
  expire_wishes(env);
  adopt_orphans(env);
  const std::size_t target = chain_.params().network.target_peers;
  if (!config_.roles.bootstrap && peers_.size() > target + kFeelers) {
    std::vector<env::PeerId> ours;
    for (const auto& peer : peers_.all()) {
      if (peer->outbound) ours.push_back(peer->id);
    }
    if (!ours.empty()) {
      const env::PeerId id = ours[env.random.u64(stream_id("peer-drop")) % ours.size()];
      env.transport.drop(id);
      remove(id);
    }
  }
  const Buffer beat = encode_message(StatusUpdate{status()});
  for (const auto& peer : peers_.all()) {
    if (peer->greeted) send(env, peer->id, beat);
  }
  connect_more(env);
}

std::size_t Gossip::held() const {
  std::size_t items = book_.size() + banned_.size() + wanted_.size() + orphans_.size() +
                      fresh_.size() + fresh_votes_.size();
  for (const auto& peer : peers_.all()) items += peer->announce.size() + peer->offered.size();
  return items;
}

void Gossip::arm_flush(env::Env& env) {
  if (flush_armed_) return;
  flush_armed_ = true;
  const Duration tenth{chain_.params().consensus.block_interval.ns / 10};
  const Duration delay = std::clamp(tenth, kLeastFlushDelay, kMostFlushDelay);
  env.timers.arm(env.clock.mono() + delay, {kCookieFlush});
}

void Gossip::announce_transaction(env::Env& env, const Hash256& id) {
  known_.receive(id);
  fresh_.push_back(id);
  arm_flush(env);
}

void Gossip::announce_block(env::Env& env, const Hash256& hash) {
  const Buffer message = encode_message(Inventory{InventoryKind::kBlock, {hash}});
  const Seats have = known_.find(hash).seats;
  Seats told = 0;
  for (const auto& peer : peers_.all()) {
    if (!peer->greeted || (have & peer->bit()) != 0) continue;
    send(env, peer->id, message);
    told |= peer->bit();
  }
  known_.note(hash, told);
}

void Gossip::spread_vote(env::Env& env, const Vote& vote) {
  const Hash256 id = vote_id(chain_.params().id, vote);
  known_.receive(id);
  fresh_votes_.push_back({id, vote});
  if (std::exchange(vote_flush_armed_, true)) return;
  env.timers.arm(env.clock.mono() + kVoteDelay, {kCookieVoteFlush});
}

void Gossip::on_vote_flush(env::Env& env) {
  vote_flush_armed_ = false;
  Seats told = 0;
  for (const auto& peer : peers_.all()) {
    if (!peer->greeted) continue;
    told |= peer->bit();
    const Votes votes = votes_for(*peer);
    if (!votes.votes.empty()) send(env, peer->id, votes);
  }
  for (const FreshVote& vote : fresh_votes_) known_.note(vote.id, told);
  fresh_votes_.clear();
}

Inventory Gossip::inventory_for(Peer& peer, std::size_t fresh) const {
  Inventory inventory{InventoryKind::kTransaction, {}};
  const auto tell = [&](const Hash256& id) {
    if ((known_.find(id).seats & peer.bit()) == 0) inventory.ids.push_back(id);
  };
  std::for_each_n(fresh_.begin(), fresh, tell);
  std::size_t done = 0;
  for (; done < peer.announce.size() && inventory.ids.size() < kMaxInventory; ++done) {
    if (mempool_.contains(peer.announce[done])) tell(peer.announce[done]);
  }
  peer.announce.erase(peer.announce.begin(),
                      peer.announce.begin() + static_cast<std::ptrdiff_t>(done));
  return inventory;
}

Votes Gossip::votes_for(const Peer& peer) const {
  Votes votes;
  for (const FreshVote& fresh : fresh_votes_) {
    if (votes.votes.size() >= kMaxVotesPerMessage) break;
    if ((known_.find(fresh.id).seats & peer.bit()) == 0) votes.votes.push_back(fresh.vote);
  }
  return votes;
}

void Gossip::on_flush(env::Env& env) {
  flush_armed_ = false;
  // A block may have taken some meanwhile.
  for (const Hash256& id : fresh_) known_.prefetch(id);
  std::erase_if(fresh_, [&](const Hash256& id) { return !mempool_.contains(id); });
  const std::size_t fresh = std::min<std::size_t>(fresh_.size(), kMaxInventory);
  for (const auto& peer : peers_.all()) {
    if (!peer->greeted) continue;
    const Inventory inventory = inventory_for(*peer, fresh);
    if (!inventory.ids.empty()) send(env, peer->id, inventory);
    for (const Hash256& id : inventory.ids) known_.note(id, peer->bit());
    if (!peer->announce.empty()) arm_flush(env);
  }
  fresh_.erase(fresh_.begin(), fresh_.begin() + static_cast<std::ptrdiff_t>(fresh));
  if (!fresh_.empty()) arm_flush(env);
}

}  // namespace orrery::chain
