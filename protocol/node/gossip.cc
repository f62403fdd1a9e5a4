#include "protocol/node/gossip.h"

#include <algorithm>
#include <utility>

#include "protocol/types/trace_kinds.h"

namespace orrery::chain {
namespace {

constexpr std::size_t kAnnouncePool = 512;   // transactions told to a new peer
constexpr std::uint32_t kFeelers = 2;        // peers above the target before one is let go

}  // namespace

bool SeenSet::insert(const Hash256& id) {
  if (contains(id)) return false;
  if (young_.size() >= kCapacity) {
    old_ = std::move(young_);
    young_ = {};
  }
  young_.insert(id, {});
  return true;
}

Gossip::Gossip(const NodeConfig& config, Chain& chain, Mempool& mempool)
    : config_(config), chain_(chain), mempool_(mempool) {}

void Gossip::boot(env::Env& env) {
  for (const env::Address& address : config_.bootstrap) {
    learn_address(address);
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
  const bool banned = ban != banned_.end() && env.clock.mono() < ban->second;
  if (banned || peers_.size() >= chain_.params().network.max_peers) {
    env.transport.drop(event.peer);
    return;
  }
  Peer& peer = peers_[event.peer];
  peer = Peer{};
  peer.address = event.address;
  peer.outbound = event.outbound;
  learn_address(event.address);
  send(env, event.peer,
       Hello{chain_.params().id, chain_.network().genesis_block->hash, status()});
}

void Gossip::on_peer_down(env::Env& env, const env::PeerDown& event) {
  peers_.erase(event.peer);
  // What was asked of it may be asked of others at once.
  std::erase_if(wanted_, [&](const auto& item) { return item.second.from == event.peer; });
  if (peers_.empty()) connect_more(env);
}

void Gossip::on_dial_failed(const env::DialFailed& event) {
  const bool keep = std::find(config_.bootstrap.begin(), config_.bootstrap.end(), event.address) !=
                    config_.bootstrap.end();
  // Other addresses come back through Peers if somebody still knows them.
  if (!keep && addresses_.size() > chain_.params().network.target_peers * 4u) {
    addresses_.erase(event.address);
  }
}

void Gossip::punish(env::Env& env, env::PeerId id, int score) {
  const auto it = peers_.find(id);
  if (it == peers_.end()) return;
  it->second.score += score;
  if (it->second.score > kBanScore) return;
  banned_[it->second.address] = env.clock.mono() + kBanTime;
  env.trace.emit({.kind = kTracePeerBanned, .n = {id.value}});
  env.transport.drop(id);
  peers_.erase(it);
}

bool Gossip::too_fast(env::Env& env, env::PeerId id, Peer& peer) {
  const Time now = env.clock.mono();
  if (now - peer.window_start >= Duration::seconds(1)) {
    peer.window_start = now;
    peer.window_messages = 0;
    peer.window_served = 0;
  }
  if (++peer.window_messages <= chain_.params().network.peer_messages_per_second) return false;
  punish(env, id, kTooFast);
  return true;
}

void Gossip::on_message(env::Env& env, const env::MessageIn& event) {
  const auto it = peers_.find(event.from);
  if (it == peers_.end() || too_fast(env, event.from, it->second)) return;
  const auto message = env.memo.get<Result<Message>>(
      stream_id("message"), event.payload.hash(),
      [&] { return decode_message(event.payload.view(), chain_.params().id, env.memo); },
      event.payload.size());
  if (!*message) {
    env.trace.emit({.kind = kTraceBadMessage, .n = {event.from.value, event.payload.size()}});
    punish(env, event.from, kBadMessage);
    return;
  }
  const bool hello = std::holds_alternative<Hello>(**message);
  if (hello == it->second.greeted) {  // first a Hello, then never again
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

void Gossip::handle(env::Env& env, env::PeerId from, const GetPeers&) {
  std::vector<env::Address> known(addresses_.begin(), addresses_.end());
  Peers reply;
  const env::Address& asker = peers_.at(from).address;
  while (!known.empty() && reply.addresses.size() < kMaxPeersInMessage) {
    const std::size_t pick = env.random.u64(stream_id("peer-sample")) % known.size();
    if (known[pick] != asker) reply.addresses.push_back(known[pick]);
    known.erase(known.begin() + static_cast<std::ptrdiff_t>(pick));
  }
  serve(env, from, reply);
}

void Gossip::handle(env::Env& env, env::PeerId from, const Peers& m) {
  // Only an answer counts: else a peer could fill our table and have us dial whom it likes.
  if (!std::exchange(peers_.at(from).asked_peers, false)) return;
  for (const env::Address& address : m.addresses) learn_address(address);
  connect_more(env);
}

void Gossip::learn_address(const env::Address& address) {
  if (addresses_.size() < kMaxAddresses) addresses_.insert(address);
}

void Gossip::connect_more(env::Env& env) {
  std::vector<env::Address> free;
  for (const env::Address& address : addresses_) {
    const bool connected = std::any_of(peers_.begin(), peers_.end(), [&](const auto& item) {
      return item.second.address == address;
    });
    if (!connected && address != env.transport.self()) free.push_back(address);
  }
  const std::size_t target = chain_.params().network.target_peers;
  // Below the target: fill up. At it: one feeler, so that halves of a healed partition, each with
  // peers enough of its own, find each other again.
  std::size_t dials = peers_.size() < target ? target - peers_.size() : 1;
  for (; dials > 0 && !free.empty(); --dials) {
    const std::size_t pick = env.random.u64(stream_id("peer-choice")) % free.size();
    env.transport.dial(free[pick]);
    free.erase(free.begin() + static_cast<std::ptrdiff_t>(pick));
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
    for (const auto& [id, peer] : peers_) {
      if (peer.outbound) ours.push_back(id);
    }
    if (!ours.empty()) {
      const env::PeerId id = ours[env.random.u64(stream_id("peer-drop")) % ours.size()];
      env.transport.drop(id);
      peers_.erase(id);
    }
  }
  const Buffer beat = encode_message(StatusUpdate{status()});
  for (const auto& [id, peer] : peers_) {
    if (peer.greeted) send(env, id, beat);
  }
  connect_more(env);
}

std::size_t Gossip::held() const {
  std::size_t items = addresses_.size() + banned_.size() + wanted_.size() + orphans_.size();
  for (const auto& [id, peer] : peers_)
    items += peer.announce.size() + peer.votes.size() + peer.offered.size();
  return items;
}

void Gossip::arm_flush(env::Env& env) {
  if (flush_armed_) return;
  flush_armed_ = true;
  env.timers.arm(env.clock.mono() + kFlushDelay, {kCookieFlush});
}

void Gossip::announce_transaction(env::Env& env, const Hash256& id) {
  for (auto& [peer_id, peer] : peers_) {
    if (peer.greeted && !peer.seen.contains(id)) peer.announce.push_back(id);
  }
  arm_flush(env);
}

void Gossip::announce_block(env::Env& env, const Hash256& hash) {
  const Buffer message = encode_message(Inventory{InventoryKind::kBlock, {hash}});
  for (auto& [id, peer] : peers_) {
    if (peer.greeted && peer.seen.insert(hash)) send(env, id, message);
  }
}

void Gossip::spread_vote(env::Env& env, const Vote& vote) {
  const Hash256 id = vote_id(chain_.params().id, vote);
  votes_seen_.insert(id);
  for (auto& [peer_id, peer] : peers_) {
    if (peer.greeted && !peer.seen.contains(id)) peer.votes.push_back(vote);
  }
  arm_flush(env);
}

void Gossip::on_flush(env::Env& env) {
  flush_armed_ = false;
  for (auto& [id, peer] : peers_) {
    Inventory inventory{InventoryKind::kTransaction, {}};
    std::size_t done = 0;
    for (; done < peer.announce.size() && inventory.ids.size() < kMaxInventory; ++done) {
      const Hash256& tx = peer.announce[done];
      if (mempool_.contains(tx) && peer.seen.insert(tx)) inventory.ids.push_back(tx);
    }
    peer.announce.erase(peer.announce.begin(),
                        peer.announce.begin() + static_cast<std::ptrdiff_t>(done));
    if (!peer.announce.empty()) arm_flush(env);
    if (!inventory.ids.empty()) send(env, id, inventory);
    Votes votes;
    for (const Vote& vote : peer.votes) {
      if (peer.seen.insert(vote_id(chain_.params().id, vote))) votes.votes.push_back(vote);
    }
    peer.votes.clear();
    if (!votes.votes.empty()) send(env, id, votes);
  }
}

}  // namespace orrery::chain
