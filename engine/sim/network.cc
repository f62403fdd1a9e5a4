// Sessions: dialling, accepting, closing. Streams are in network_streams.cc.
#include "engine/sim/network.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <string_view>

namespace orrery::sim {
namespace {

constexpr std::string_view kScheme = "sim/";

std::optional<std::uint32_t> parse(const env::Address& address) {
  const std::string_view text = address.text;
  if (!text.starts_with(kScheme)) return std::nullopt;
  std::uint32_t node = 0;
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data() + kScheme.size(), end, node);
  if (error != std::errc() || rest != end) return std::nullopt;
  return node;
}

}  // namespace

env::Address Network::address(std::uint32_t node) { return {fmt::format("{}{}", kScheme, node)}; }

void Network::add_node(const NodeOptions& options) {
  NodeNet node;
  node.uplink_rate = options.uplink_bytes_per_second;
  node.key = options.key;
  nodes_.push_back(std::move(node));
}

void Network::boot(std::uint32_t node, std::uint64_t boot) {
  nodes_[node].up = true;
  nodes_[node].boot = boot;
}

Network::Session* Network::find(SessionRef ref) {
  Session& session = sessions_[ref.slot];
  return session.generation == ref.generation ? &session : nullptr;
}

SessionRef Network::ref(const Session& session) const { return {session.slot, session.generation}; }

Network::Session* Network::session_with(std::uint32_t node, std::uint32_t peer) {
  auto& table = nodes_[node].table;
  const auto it = std::lower_bound(table.begin(), table.end(), peer,
                                   [](const Entry& e, std::uint32_t p) { return e.peer < p; });
  return it != table.end() && it->peer == peer ? it->session : nullptr;
}

void Network::insert_entry(std::uint32_t node, std::uint32_t peer, Session& session) {
  auto& table = nodes_[node].table;
  const auto it = std::lower_bound(table.begin(), table.end(), peer,
                                   [](const Entry& e, std::uint32_t p) { return e.peer < p; });
  table.insert(it, {peer, &session});
}

void Network::erase_entry(std::uint32_t node, std::uint32_t peer) {
  std::erase_if(nodes_[node].table, [&](const Entry& e) { return e.peer == peer; });
}

Network::Session& Network::take_slot(std::uint32_t from, std::uint32_t to) {
  if (free_.empty()) {
    free_.push_back(static_cast<std::uint32_t>(sessions_.size()));
    sessions_.emplace_back().slot = free_.back();
  }
  Session& session = sessions_[free_.back()];
  free_.pop_back();
  session.node[0] = from;
  session.node[1] = to;
  session.end[0] = session.end[1] = End::kNone;
  session.stream[0].link = links_.link(from, to);
  session.stream[1].link = links_.link(to, from);
  return session;
}

// Frees the session once neither end is in use; what was still under way is lost.
void Network::release(Session& session) {
  for (const End end : session.end) {
    if (end == End::kDialing || end == End::kOpen) return;
  }
  for (std::uint32_t i : {0u, 1u}) {
    Fifo<Message>& messages = session.stream[i].messages;
    while (!messages.empty()) {
      const Message message = messages.pop();
      if (message.kind == FrameKind::kData) {
        lost(session.node[i], session.node[1 - i], message.payload.size(), message.counter);
      }
    }
    session.stream[i] = Stream{};
  }
  free_.push_back(ref(session).slot);
  ++session.generation;
}

void Network::close_end(Session& session, std::uint32_t side) {
  session.end[side] = End::kClosed;
  erase_entry(session.node[side], session.node[1 - side]);
}

void Network::lost(std::uint32_t sender, std::uint32_t receiver, std::size_t bytes,
                   std::uint64_t number) {
  ++core_.stats[sender].messages_lost;
  core_.trace(sender, {.kind = env::kMessageLost, .n = {receiver, bytes, 0, 0}});
  if (core_.watcher != nullptr) core_.watcher->on_lost(core_.now, sender, number);
}

env::Event Network::peer_up(std::uint32_t node, std::uint32_t peer, bool outbound) {
  core_.trace(node, {.kind = env::kSessionUp, .n = {peer, 0, 0, 0}});
  return env::PeerUp{env::PeerId{peer}, address(peer), nodes_[peer].key, outbound};
}

env::Event Network::peer_down(std::uint32_t node, std::uint32_t peer, env::DownReason reason) {
  core_.trace(node,
              {.kind = env::kSessionDown, .n = {peer, static_cast<std::uint64_t>(reason), 0, 0}});
  return env::PeerDown{env::PeerId{peer}, reason};
}

void Network::post_down(std::uint32_t node, std::uint32_t peer, env::DownReason reason,
                        std::uint32_t source) {
  core_.schedule(core_.now, EventClass::kDeliver, node, source,
                 pending::Down{nodes_[node].boot, peer, reason});
}

std::vector<std::uint32_t> Network::peers(std::uint32_t node) const {
  std::vector<std::uint32_t> peers;
  for (const Entry& entry : nodes_[node].table) {
    const Session& session = *entry.session;
    if (session.end[side(session, node)] == End::kOpen) peers.push_back(entry.peer);
  }
  return peers;
}

void Network::dial(std::uint32_t node, const env::Address& address) {
  const auto target = parse(address);
  if (!target || *target == node || *target >= nodes_.size()) {
    core_.schedule(core_.now + kDialTimeout, EventClass::kDeliver, node, node,
                   pending::BadDial{nodes_[node].boot, address.text});
    return;
  }
  if (session_with(node, *target) != nullptr) return;
  Session& session = take_slot(node, *target);
  session.end[0] = End::kDialing;
  insert_entry(node, *target, session);
  const Links::Draw draw = links_.draw(session.stream[0].link);
  if (!links_.blocked(node, *target) && !draw.corrupt) {
    const Duration resends = kRetransmit * ((1 << draw.losses) - 1);
    core_.schedule(core_.now + draw.latency + resends, EventClass::kDeliver, *target, node,
                   pending::Syn{ref(session)});
  }
  core_.schedule(core_.now + kDialTimeout, EventClass::kDeliver, node, node,
                 pending::DialTimeout{ref(session)});
}

std::optional<env::Event> Network::arrive(std::uint32_t node, const pending::Syn& syn) {
  Session* session = find(syn.session);
  if (session == nullptr || !nodes_[node].up) return std::nullopt;
  const std::uint32_t from = session->node[0];
  if (links_.blocked(from, node)) return std::nullopt;
  if (Session* other = session_with(node, from)) {
    const std::uint32_t end = side(*other, node);
    if (other->end[end] == End::kDialing) {
      // Both dial at once: the dial of the lower index goes on, the other is forgotten.
      if (node < from) return std::nullopt;
      close_end(*other, end);
      release(*other);
    } else {
      // The remote has forgotten the old session (it restarted, or gave up): so do we, then the
      // dial is looked at again.
      close_end(*other, end);
      release(*other);
      post_down(node, from, env::DownReason::kReset, from);
      core_.schedule(core_.now + kMinLatency, EventClass::kDeliver, node, from, syn);
      return std::nullopt;
    }
  }
  session->end[1] = End::kOpen;
  insert_entry(node, from, *session);
  push(*session, 1, {.kind = FrameKind::kOpen});
  return peer_up(node, from, false);
}

std::optional<env::Event> Network::arrive(std::uint32_t node, const pending::DialTimeout& timeout) {
  Session* session = find(timeout.session);
  if (session == nullptr || session->end[0] != End::kDialing) return std::nullopt;
  const std::uint32_t target = session->node[1];
  close_end(*session, 0);
  release(*session);
  (void)node;
  return env::DialFailed{address(target)};
}

std::optional<env::Event> Network::arrive(std::uint32_t node, pending::BadDial dial) {
  if (!nodes_[node].up || nodes_[node].boot != dial.boot) return std::nullopt;
  return env::DialFailed{{std::move(dial.address)}};
}

std::optional<env::Event> Network::arrive(std::uint32_t node, const pending::Down& down) {
  if (!nodes_[node].up || nodes_[node].boot != down.boot) return std::nullopt;
  return peer_down(node, down.peer, down.reason);
}

// The last message of a direction; the sender's own end is closed already.
void Network::close_with(Session& session, std::uint32_t direction, env::DownReason reason) {
  push(session, direction, {.kind = FrameKind::kClose, .reason = reason});
}

void Network::drop(std::uint32_t node, std::uint32_t peer) {
  Session* session = session_with(node, peer);
  if (session == nullptr) return;
  const std::uint32_t end = side(*session, node);
  const bool was_open = session->end[end] == End::kOpen;
  close_end(*session, end);
  if (session->end[1 - end] == End::kOpen || session->end[1 - end] == End::kDialing) {
    close_with(*session, end, env::DownReason::kClosedByRemote);
  }
  release(*session);
  if (was_open) post_down(node, peer, env::DownReason::kClosedByUs, node);
}

void Network::crash(std::uint32_t node) {
  NodeNet& net = nodes_[node];
  net.up = false;
  net.uplink_free = core_.now;
  const std::vector<Entry> table = std::exchange(net.table, {});
  for (const Entry& entry : table) {
    Session& session = *entry.session;
    const std::uint32_t end = side(session, node);
    session.end[end] = End::kClosed;
    Stream& stream = session.stream[end];
    while (!stream.messages.empty() &&
           (stream.stalled || stream.messages.back().depart > core_.now)) {
      const Message message = stream.messages.pop_back();
      stream.bytes -= message.payload.size();
      if (message.kind == FrameKind::kData) {
        lost(node, session.node[1 - end], message.payload.size(), message.counter);
      }
    }
    stream.reliable = stream.datagrams = Waiting{};
    const End remote = session.end[1 - end];
    if (remote == End::kOpen || remote == End::kDialing) {
      close_with(session, end, env::DownReason::kReset);
    }
    release(session);
  }
}

void Network::reset(std::uint32_t a, std::uint32_t b) {
  Session* session = session_with(a, b);
  if (session == nullptr) return;
  for (const std::uint32_t end : {0u, 1u}) {
    if (session->end[end] != End::kOpen) continue;
    close_end(*session, end);
    post_down(session->node[end], session->node[1 - end], env::DownReason::kReset,
              session->node[1 - end]);
  }
  release(*session);
}

void Network::forget_sessions(std::uint32_t node) {
  for (const std::uint32_t peer : peers(node)) {
    Session* session = session_with(node, peer);
    close_end(*session, side(*session, node));
    release(*session);
    post_down(node, peer, env::DownReason::kReset, node);
  }
}

}  // namespace orrery::sim
