// Streams: sending, arriving in order, stalling at a cut, moving on after it.
#include <algorithm>
#include <utility>

#include "engine/sim/network.h"

namespace orrery::sim {
namespace {

Buffer flip_bit(const Buffer& payload, std::uint32_t draw) {
  Bytes bytes(payload.view().begin(), payload.view().end());
  if (!bytes.empty()) bytes[draw / 8 % bytes.size()] ^= static_cast<std::uint8_t>(1u << draw % 8);
  return Buffer(std::move(bytes));
}

}  // namespace

void Network::Waiting::push(Time depart, std::size_t size) {
  parts.push({depart, size});
  bytes += size;
}

std::size_t Network::Waiting::at(Time now) {
  while (!parts.empty() && parts.front().first <= now) bytes -= parts.pop().second;
  return bytes;
}

// When `bytes` of `node` have passed its uplink and the link's own rate.
Time Network::leave(std::uint32_t node, std::uint32_t link, std::size_t bytes) {
  NodeNet& net = nodes_[node];
  Time depart = core_.now;
  if (net.uplink_rate != 0) {
    net.uplink_free = std::max(net.uplink_free, depart) + serialisation(bytes, net.uplink_rate);
    depart = net.uplink_free;
  }
  return links_.transmit(link, depart, bytes);
}

std::size_t Network::queued(std::uint32_t node, std::uint32_t peer, env::Channel channel) {
  Session* session = session_with(node, peer);
  if (session == nullptr) return 0;
  Stream& stream = session->stream[side(*session, node)];
  if (channel == env::Channel::kDatagram) return stream.datagrams.at(core_.now);
  return stream.stalled ? stream.bytes : stream.reliable.at(core_.now);
}

env::SendStatus Network::send(std::uint32_t node, std::uint32_t peer, env::Channel channel,
                              const Buffer& payload) {
  if (payload.size() > env::Transport::kMaxMessage) return env::SendStatus::kTooLarge;
  Session* session = session_with(node, peer);
  if (session == nullptr) return env::SendStatus::kNotConnected;
  const std::uint32_t direction = side(*session, node);
  if (session->end[direction] != End::kOpen) return env::SendStatus::kNotConnected;
  if (queued(node, peer, channel) + payload.size() > kMaxQueuedBytes) {
    return env::SendStatus::kQueueFull;
  }
  NodeCounters& stats = core_.stats[node];
  ++stats.messages_sent;
  stats.bytes_sent += payload.size();
  if (channel == env::Channel::kDatagram) {
    send_datagram(*session, direction, payload);
  } else {
    push(*session, direction, {.payload = payload});
  }
  return env::SendStatus::kQueued;
}

void Network::send_datagram(Session& session, std::uint32_t direction, const Buffer& payload) {
  const std::uint32_t from = session.node[direction];
  const std::uint32_t to = session.node[1 - direction];
  Stream& stream = session.stream[direction];
  const Links::Draw draw = links_.draw(stream.link);
  const auto watched = [&](std::uint64_t number) {
    if (core_.watcher == nullptr) return;
    core_.watcher->on_sent({core_.now, from, to, number, env::Channel::kDatagram, payload});
  };
  const auto drop = [&] {
    watched(Sent::kLostAtOnce);
    lost(from, to, payload.size(), Sent::kLostAtOnce);
  };
  if (links_.queue_full(stream.link, core_.now, payload.size())) return drop();
  const Time depart = leave(from, stream.link, payload.size());
  if (depart > core_.now) stream.datagrams.push(depart, payload.size());
  if (draw.losses > 0 || links_.cut(from, to)) return drop();
  const Buffer arrives = draw.corrupt ? flip_bit(payload, draw.corrupt_bit) : payload;
  const auto schedule = [&](Duration latency) {
    watched(core_.counters[from]);
    core_.schedule(depart + latency, EventClass::kDeliver, to, from,
                   pending::Datagram{ref(session), direction, arrives});
  };
  schedule(draw.latency + draw.held_back);
  if (draw.duplicate) schedule(draw.duplicate_latency);
}

// Appends a message to a direction; the one place where reliable messages get their times.
void Network::push(Session& session, std::uint32_t direction, Message message) {
  Stream& stream = session.stream[direction];
  const std::uint32_t from = session.node[direction];
  const std::size_t size = message.payload.size();
  const Links::Draw draw = links_.draw(stream.link);
  message.latency = draw.latency;
  message.depart = leave(from, stream.link, size);
  message.arrival = message.depart + draw.latency + kRetransmit * ((1 << draw.losses) - 1);
  message.counter = core_.counters[from]++;
  message.corrupt = draw.corrupt;
  if (core_.watcher != nullptr && message.kind == FrameKind::kData) {
    core_.watcher->on_sent({core_.now, from, session.node[1 - direction], message.counter,
                            env::Channel::kReliable, message.payload});
  }
  stream.bytes += size;
  if (message.depart > core_.now) stream.reliable.push(message.depart, size);
  const bool was_empty = stream.messages.empty();
  stream.messages.push(std::move(message));
  if (stream.stalled || !was_empty) return;
  if (links_.blocked(from, session.node[1 - direction])) {
    stall(session, direction);
  } else {
    schedule_head(session, direction);
  }
}

// Only the oldest message of a direction is in the queue of events, under the key it was given when
// it was sent: order within a direction needs no sequence numbers, and idle sessions no events.
void Network::schedule_head(Session& session, std::uint32_t direction) {
  Stream& stream = session.stream[direction];
  const Message& head = stream.messages.front();
  core_.queue.push({std::max(head.arrival, core_.now), EventClass::kDeliver,
                    session.node[1 - direction], session.node[direction], head.counter},
                   pending::Frame{ref(session), direction, head.counter});
}

void Network::stall(Session& session, std::uint32_t direction) {
  Stream& stream = session.stream[direction];
  stream.stalled = true;
  ++stream.stall;
  const std::uint32_t from = session.node[direction];
  core_.schedule(core_.now + kSessionTimeout, EventClass::kDeliver, from, from,
                 pending::StallTimeout{ref(session), direction, stream.stall});
}

void Network::resume() {
  for (Session& session : sessions_) {
    for (std::uint32_t i : {0u, 1u}) {
      Stream& stream = session.stream[i];
      if (!stream.stalled || links_.blocked(session.node[i], session.node[1 - i])) continue;
      stream.stalled = false;
      if (stream.messages.empty()) continue;
      Message& head = stream.messages.front();
      // The latency drawn when it was sent: a cut shifts no later draw of the link.
      head.arrival = std::max(head.arrival, core_.now + head.latency);
      schedule_head(session, i);
    }
  }
  std::vector<Held> still;
  for (Held& held : held_) {
    if (links_.clogged(held.from, held.to)) {
      still.push_back(std::move(held));
      continue;
    }
    if (core_.watcher != nullptr) {
      core_.watcher->on_renumbered(held.from, held.number, core_.counters[held.from]);
    }
    core_.schedule(core_.now + kMinLatency, EventClass::kDeliver, held.to, held.from,
                   std::move(held.datagram));
  }
  held_ = std::move(still);
}

Network::Outlook Network::outlook(std::uint32_t node, std::uint32_t peer, env::Channel channel,
                                  Time now) {
  Session* session = session_with(node, peer);
  if (session == nullptr) return {};
  const std::uint32_t direction = side(*session, node);
  Stream& stream = session->stream[direction];
  Waiting& waiting = channel == env::Channel::kDatagram ? stream.datagrams : stream.reliable;
  return {session->end[direction] == End::kOpen, waiting.at(now)};
}

std::optional<env::Event> Network::expected(const pending::Frame& frame) const {
  const Session& session = sessions_[frame.session.slot];
  const Stream& stream = session.stream[frame.direction];
  if (session.generation != frame.session.generation || stream.messages.empty()) {
    return std::nullopt;
  }
  const Message& head = stream.messages.front();
  const End end = session.end[1 - frame.direction];
  if (head.counter != frame.message || head.kind != FrameKind::kData || end != End::kOpen) {
    return std::nullopt;
  }
  return env::MessageIn{env::PeerId{session.node[frame.direction]}, env::Channel::kReliable,
                        head.payload};
}

std::optional<env::Event> Network::arrive(std::uint32_t node, const pending::Frame& frame) {
  Session* session = find(frame.session);
  if (session == nullptr) return std::nullopt;
  const std::uint32_t direction = frame.direction;
  const std::uint32_t receiver = 1 - direction;
  const std::uint32_t from = session->node[direction];
  Stream& stream = session->stream[direction];
  // A crash of the sender may have taken the message back.
  if (stream.messages.empty() || stream.messages.front().counter != frame.message) {
    return std::nullopt;
  }
  if (links_.blocked(from, node)) {
    stall(*session, direction);
    return std::nullopt;
  }
  if (stream.messages.front().corrupt) return break_session(node, *session, direction);
  Message message = stream.messages.pop();
  stream.bytes -= message.payload.size();
  if (!stream.messages.empty()) schedule_head(*session, direction);
  End& end = session->end[receiver];
  if (message.kind == FrameKind::kOpen && end == End::kDialing) {
    end = End::kOpen;
    return peer_up(node, from, true);
  }
  if (message.kind == FrameKind::kOpen) {  // our dial timed out before the answer came
    if (session->end[direction] == End::kOpen) {
      close_with(*session, receiver, env::DownReason::kReset);
    }
    return std::nullopt;
  }
  if (end != End::kOpen && end != End::kDialing) {
    if (message.kind == FrameKind::kData) {
      lost(from, node, message.payload.size(), message.counter);
    }
    return std::nullopt;
  }
  if (message.kind == FrameKind::kData) {
    NodeCounters& stats = core_.stats[node];
    ++stats.messages_received;
    stats.bytes_received += message.payload.size();
    return env::MessageIn{env::PeerId{from}, env::Channel::kReliable, std::move(message.payload)};
  }
  const bool was_dialing = end == End::kDialing;
  close_end(*session, receiver);
  release(*session);
  if (was_dialing) return env::DialFailed{address(from)};
  return peer_down(node, from, message.reason);
}

std::optional<env::Event> Network::arrive(const EventKey& key, pending::Datagram datagram) {
  const std::uint32_t node = key.destination, from = key.source;
  if (links_.clogged(from, node) && !links_.cut(from, node) && held_.size() < kMaxHeldDatagrams) {
    held_.push_back({from, node, key.counter, std::move(datagram)});
    return std::nullopt;
  }
  const Session* session = find(datagram.session);
  if (session == nullptr || session->end[1 - datagram.direction] != End::kOpen ||
      links_.cut(from, node)) {
    lost(from, node, datagram.payload.size(), key.counter);
    return std::nullopt;
  }
  NodeCounters& stats = core_.stats[node];
  ++stats.messages_received;
  stats.bytes_received += datagram.payload.size();
  return env::MessageIn{env::PeerId{from}, env::Channel::kDatagram, std::move(datagram.payload)};
}

// The receiver finds a message that is not what was sent: it drops the session.
std::optional<env::Event> Network::break_session(std::uint32_t node, Session& session,
                                                 std::uint32_t direction) {
  const std::uint32_t receiver = 1 - direction;
  const std::uint32_t from = session.node[direction];
  const End mine = session.end[receiver];
  if (session.end[direction] == End::kOpen && mine == End::kOpen) {
    close_with(session, receiver, env::DownReason::kReset);
  }
  const Message message = session.stream[direction].messages.pop();
  session.stream[direction].bytes -= message.payload.size();
  if (message.kind == FrameKind::kData) {
    lost(from, node, message.payload.size(), message.counter);
  }
  if (!session.stream[direction].messages.empty()) schedule_head(session, direction);
  if (mine != End::kOpen && mine != End::kDialing) return std::nullopt;
  close_end(session, receiver);
  if (mine == End::kDialing && session.end[direction] == End::kOpen) {
    close_end(session, direction);  // its greeting never arrives
    post_down(from, node, env::DownReason::kReset, node);
  }
  release(session);
  if (mine == End::kDialing) return env::DialFailed{address(from)};
  return peer_down(node, from, env::DownReason::kReset);
}

std::optional<env::Event> Network::arrive(std::uint32_t node,
                                          const pending::StallTimeout& timeout) {
  Session* session = find(timeout.session);
  if (session == nullptr) return std::nullopt;
  const Stream& stream = session->stream[timeout.direction];
  if (!stream.stalled || stream.stall != timeout.stall) return std::nullopt;
  const std::uint32_t receiver = 1 - timeout.direction;
  const std::uint32_t peer = session->node[receiver];
  const End mine = session->end[timeout.direction];
  const End theirs = session->end[receiver];
  ENSURE(theirs != End::kDialing, "a dial ends before a stall does");
  if (theirs == End::kOpen) {
    close_end(*session, receiver);
    post_down(peer, node, env::DownReason::kUnreachable, node);
  }
  if (mine == End::kOpen) close_end(*session, timeout.direction);
  release(*session);
  if (mine != End::kOpen) return std::nullopt;
  return peer_down(node, peer, env::DownReason::kUnreachable);
}

}  // namespace orrery::sim
