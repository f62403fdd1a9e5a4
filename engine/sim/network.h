// Sessions between simulated nodes: handshake, an ordered reliable stream each way, datagrams,
// stalls and resets. Bytes go through the sender's uplink, then the link. Internal to engine/sim.
//
// Model. A dial takes one round trip. A reliable message that is lost arrives late by the resends
// (200 ms, doubling); it counts as one segment whatever its size. A cut link stalls the stream: its
// messages wait and follow, in order, when the cut ends; a stall of kSessionTimeout kills the
// session at both ends. A clogged link does the same to streams, and holds datagrams instead of
// losing them. Only the direction with waiting messages notices a cut (acknowledgements
// are not modelled). What waits for a slow link or uplink leaves as was reckoned when it was sent,
// also if the link gets another rate meanwhile. An orderly close arrives behind the messages before
// it; a crash resets the session.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/sim/core.h"
#include "engine/sim/links.h"

namespace orrery::sim {

// First in, first out, in one vector: sessions are many and mostly idle, which std::deque pays for.
template <class T>
class Fifo {
 public:
  bool empty() const { return head_ == items_.size(); }
  std::size_t size() const { return items_.size() - head_; }
  T& front() { return items_[head_]; }
  const T& front() const { return items_[head_]; }
  const T& back() const { return items_.back(); }
  void push(T item) { items_.push_back(std::move(item)); }
  T pop() {
    T item = std::move(items_[head_++]);
    if (head_ == items_.size() || head_ >= 64 + items_.size() / 2) {
      items_.erase(items_.begin(), items_.begin() + static_cast<std::ptrdiff_t>(head_));
      head_ = 0;
    }
    return item;
  }
  template <class Predicate>
  void erase_if(Predicate predicate) {
    const auto begin = items_.begin() + static_cast<std::ptrdiff_t>(head_);
    items_.erase(std::remove_if(begin, items_.end(), predicate), items_.end());
  }
  T pop_back() {
    T item = std::move(items_.back());
    items_.pop_back();
    return item;
  }

 private:
  std::vector<T> items_;
  std::size_t head_ = 0;
};

class Network {
 public:
  Network(Core& core, Links& links) : core_(core), links_(links) {}

  void add_node(const NodeOptions& options);
  // The node accepts sessions from now on, in its life number `boot`.
  void boot(std::uint32_t node, std::uint64_t boot);

  static env::Address address(std::uint32_t node);

  // Transport of `node`; see env::Transport.
  void dial(std::uint32_t node, const env::Address& address);
  env::SendStatus send(std::uint32_t node, std::uint32_t peer, env::Channel channel,
                       const Buffer& payload);
  void drop(std::uint32_t node, std::uint32_t peer);
  std::size_t queued(std::uint32_t node, std::uint32_t peer, env::Channel channel);
  // Peers with an open session, ascending.
  std::vector<std::uint32_t> peers(std::uint32_t node) const;

  // The node has crashed: its ends close, what has not left its uplink is lost, peers get a reset.
  void crash(std::uint32_t node);
  // Some cut or clog has ended: streams and datagrams that can move again do.
  void resume();
  // Both ends of a session, if there is one, hear that it was reset.
  void reset(std::uint32_t a, std::uint32_t b);
  // `node` loses its sessions without a word to their remotes, which go on sending into nothing.
  void forget_sessions(std::uint32_t node);

  // For handlers that run ahead of their turn; valid while no link is cut. What the node's own end
  // of the session will answer, and how much of what it sent waits for its uplink at `now`.
  struct Outlook {
    bool open = false;
    std::size_t queued = 0;
  };
  Outlook outlook(std::uint32_t node, std::uint32_t peer, env::Channel channel, Time now);
  // The message that arrive() will bring to the node, if that is all it will do.
  std::optional<env::Event> expected(const pending::Frame& frame) const;

  // Executes a pending event at `node`; what the node is to hear, if anything.
  std::optional<env::Event> arrive(std::uint32_t node, const pending::Syn& syn);
  std::optional<env::Event> arrive(std::uint32_t node, const pending::DialTimeout& timeout);
  std::optional<env::Event> arrive(std::uint32_t node, pending::BadDial dial);
  std::optional<env::Event> arrive(std::uint32_t node, const pending::Frame& frame);
  std::optional<env::Event> arrive(const EventKey& key, pending::Datagram datagram);
  std::optional<env::Event> arrive(std::uint32_t node, const pending::StallTimeout& timeout);
  std::optional<env::Event> arrive(std::uint32_t node, const pending::Down& down);

 private:
  enum class End : std::uint8_t { kNone, kDialing, kOpen, kClosed };
  enum class FrameKind : std::uint8_t { kData, kOpen, kClose };

  struct Message {
    FrameKind kind = FrameKind::kData;
    env::DownReason reason = env::DownReason::kClosedByRemote;  // of kClose
    Time depart{};                                              // has left the uplink
    Time arrival{};  // if nothing stalls it and nothing is before it
    Duration latency{};
    std::uint64_t counter = 0;  // of the sender, taken when it was sent
    bool corrupt = false;
    Buffer payload;
  };
  // Bytes still waiting for the uplink.
  struct Waiting {
    Fifo<std::pair<Time, std::size_t>> parts;
    std::size_t bytes = 0;
    void push(Time depart, std::size_t size);
    std::size_t at(Time now);
  };
  struct Stream {  // one direction, named after its sender
    std::uint32_t link = 0;
    bool stalled = false;
    std::uint32_t stall = 0;  // counts stalls, so that an old timeout is recognised
    std::size_t bytes = 0;    // of all messages in the fifo
    Fifo<Message> messages;
    Waiting reliable, datagrams;
  };
  struct Session {
    std::uint32_t slot = 0;
    std::uint32_t generation = 0;
    std::uint32_t node[2] = {};  // [0] dialled
    End end[2] = {};
    Stream stream[2];  // [i]: sent by node[i]
  };
  struct Entry {
    std::uint32_t peer;
    Session* session;
  };
  struct NodeNet {
    bool up = false;
    std::uint64_t boot = 0;
    std::uint64_t uplink_rate = 0;
    Time uplink_free{};
    env::NodeKey key{};
    std::vector<Entry> table;  // ascending peer; ends that are dialling or open
  };

  struct Held {  // a datagram on a clogged link
    std::uint32_t from, to;
    std::uint64_t number;
    pending::Datagram datagram;
  };

  Session* find(SessionRef ref);
  SessionRef ref(const Session& session) const;
  std::uint32_t side(const Session& session, std::uint32_t node) const {
    return session.node[0] == node ? 0 : 1;
  }
  Session* session_with(std::uint32_t node, std::uint32_t peer);
  Session& take_slot(std::uint32_t from, std::uint32_t to);
  void insert_entry(std::uint32_t node, std::uint32_t peer, Session& session);
  void erase_entry(std::uint32_t node, std::uint32_t peer);
  void close_end(Session& session, std::uint32_t side);
  void release(Session& session);
  // `number` is that of sim::Sent.
  void lost(std::uint32_t sender, std::uint32_t receiver, std::size_t bytes, std::uint64_t number);

  Time leave(std::uint32_t node, std::uint32_t link, std::size_t bytes);
  void push(Session& session, std::uint32_t direction, Message message);
  void schedule_head(Session& session, std::uint32_t direction);
  void stall(Session& session, std::uint32_t direction);
  void send_datagram(Session& session, std::uint32_t direction, const Buffer& payload);
  std::optional<env::Event> break_session(std::uint32_t node, Session& session,
                                          std::uint32_t direction);
  void close_with(Session& session, std::uint32_t direction, env::DownReason reason);
  void post_down(std::uint32_t node, std::uint32_t peer, env::DownReason reason,
                 std::uint32_t source);
  env::Event peer_up(std::uint32_t node, std::uint32_t peer, bool outbound);
  env::Event peer_down(std::uint32_t node, std::uint32_t peer, env::DownReason reason);

  Core& core_;
  Links& links_;
  std::vector<NodeNet> nodes_;
  std::deque<Session> sessions_;  // does not move them
  std::vector<std::uint32_t> free_;
  std::vector<Held> held_;
};

}  // namespace orrery::sim
