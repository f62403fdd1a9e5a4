// The network of a live node: TCP sessions between node keys. Each session is authenticated both
// ways and encrypted (engine/live/session.h says how); frames are bounded, queues are bounded, and
// a peer that is slow, silent or malformed loses its session and nothing else.
//
// Owned by the host; everything runs on the host's loop. Events are never delivered from inside a
// call of this class: they are posted to the loop.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "engine/base/result.h"
#include "engine/env/env.h"

namespace boost::asio {
class io_context;
}

namespace orrery::live {

// How long things take at most, with the reasons. Tests shorten them.
struct TransportTiming {
  Duration dial = Duration::seconds(5);         // all tries of one dial
  Duration handshake = Duration::seconds(3);    // two round trips and some
  Duration ping = Duration::seconds(4);         // after so long without sending
  Duration silence = Duration::seconds(15);     // no byte for this long: dead
  Duration linger = Duration::seconds(1);       // for what was sent before a drop to leave
  Duration first_retry = Duration::millis(50);  // of a dial; doubles up to
  Duration max_retry = Duration::seconds(1);
};

struct TransportOptions {
  std::array<std::uint8_t, 32> identity_seed{};  // Ed25519 seed of the node's key
  std::string network;  // sessions come about between equal networks only; at most 64 bytes
  std::string ip = "127.0.0.1";    // listens here, and tells peers so
  std::uint16_t port = 0;          // 0: the system picks one
  std::size_t max_sessions = 256;  // both ways, handshakes included
  TransportTiming timing;
};

// What the timeline does to this node's links, by the remote's key; absent: nothing. The rules of
// one direction live at the sender, as with a shaped interface: `blocked` sends nothing and accepts
// nothing, so a session stalls and dies of silence as it would on a cut wire.
struct LinkRule {
  bool blocked = false;
  Duration delay{};                    // added to each frame on its way out
  std::uint32_t loss_ppm = 0;          // datagrams vanish; a reliable frame waits for its resend
  std::uint64_t bytes_per_second = 0;  // 0: unlimited
  bool operator==(const LinkRule&) const = default;
};
using LinkRules = std::map<env::NodeKey, LinkRule>;

struct TransportCounters {
  std::uint64_t messages_sent = 0, bytes_sent = 0;
  std::uint64_t messages_received = 0, bytes_received = 0;
  std::uint64_t messages_lost = 0;        // datagrams dropped, and what dead sessions had queued
  std::uint64_t handshakes_failed = 0;    // of connections that came about, by either side
  std::uint64_t frames_refused = 0;       // too long, forged or malformed: the session was closed
  std::uint64_t connections_refused = 0;  // above max_sessions
};

struct PeerInfo {
  env::PeerId peer;
  env::NodeKey key{};
  env::Address address;
  bool outbound = false;
  std::size_t queued_bytes = 0;
};

class TcpTransport final : public env::Transport {
 public:
  // Bounds, with their reasons.
  static constexpr std::size_t kMaxQueuedBytes = 16 << 20;  // a peer, reliable: 8 full frames
  // Keys whose PeerId is remembered while they are away: more is a flood of made-up identities.
  static constexpr std::size_t kMaxKnownKeys = 1 << 16;

  using EventFunction = std::function<void(env::Event)>;

  // Listens at once. kIo with the address in the message if it cannot.
  static Result<std::unique_ptr<TcpTransport>> listen(boost::asio::io_context& loop,
                                                      TransportOptions options,
                                                      EventFunction on_event);
  ~TcpTransport() override;

  env::Address self() const override;  // "/ip4/127.0.0.1/tcp/4000"
  env::SendStatus send(env::PeerId peer, env::Channel channel, const Buffer& payload) override;
  // Tries again with growing pauses for timing.dial, so that nodes may start in any order. An
  // address that turns out to belong to a peer that is connected already gets no answer.
  void dial(const env::Address& address) override;
  void drop(env::PeerId peer) override;
  std::size_t queued(env::PeerId peer, env::Channel channel) const override;

  env::NodeKey key() const;
  std::uint16_t port() const;
  void set_rules(LinkRules rules);
  const TransportCounters& counters() const;
  std::vector<PeerInfo> peers() const;
  // Closes all sessions and the listener; no event follows.
  void close();

 private:
  class Impl;
  explicit TcpTransport(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> impl_;  // handlers in flight hold on to it
};

// "/ip4/127.0.0.1/tcp/4000" <-> ip and port. kMalformed for anything else.
struct Endpoint {
  std::string ip;
  std::uint16_t port = 0;
  bool operator==(const Endpoint&) const = default;
};
Result<Endpoint> parse_endpoint(const env::Address& address);
env::Address to_address(const Endpoint& endpoint);

}  // namespace orrery::live
