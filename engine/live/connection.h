// One TCP connection of the transport, from the first byte of the handshake to the last of the
// session. It knows frames, times and bounds; whom to accept and what to tell the node is its
// owner's. Everything runs on the loop.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "engine/base/bytes.h"
#include "engine/base/time.h"
#include "engine/live/frames.h"
#include "engine/live/outbox.h"
#include "engine/live/session.h"
#include "engine/live/transport.h"

namespace orrery::live {

class Connection;

// Why a connection is over.
enum class EndReason : std::uint8_t {
  kUnreachable,  // TCP did not connect
  kBroken,       // the remote closed before the handshake was done
  kTimeout,      // the handshake took too long
  kHandshake,    // the handshake was refused by us
  kDeclined,     // the owner did not want that remote
  kClosed,       // the remote closed in good order
  kReset,        // the remote closed in no order, or the connection broke
  kForged,       // a frame that was no frame
  kSilence,
};

class ConnectionOwner {
 public:
  enum class Verdict : std::uint8_t { kAccept, kDecline, kIgnore };

  // The remote has proven its key. kIgnore: say nothing more, the handshake runs into its timeout.
  virtual Verdict on_proven(Connection& connection) = 0;
  // The session is up. The owner may abort this connection from inside.
  virtual void on_up(Connection& connection) = 0;
  virtual void on_message(Connection& connection, env::Channel channel, Buffer payload) = 0;
  // The session or attempt is over; not called after close() or abort().
  virtual void on_end(Connection& connection, EndReason reason) = 0;
  // The socket is closed too; the last call, not made after abort().
  virtual void on_gone(Connection& connection) = 0;

 protected:
  ~ConnectionOwner() = default;
};

struct ConnectionOptions {
  TransportCounters* counters = nullptr;  // the owner's
  std::uint64_t id = 0;  // of the owner's, rising: older connections have smaller ones
  Handshake::Options handshake;
  TransportTiming timing;
  Duration patience{};  // for TCP and the handshake together
};

// Monotonic.
Time steady_now();

// Shared with the handlers in flight. The owner outlives it or calls abort().
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  // `socket` is a connected descriptor, taken over.
  static std::shared_ptr<Connection> accept(boost::asio::io_context& loop, ConnectionOwner& owner,
                                            ConnectionOptions options, int socket);
  static std::shared_ptr<Connection> dial(boost::asio::io_context& loop, ConnectionOwner& owner,
                                          ConnectionOptions options, const Endpoint& to);
  ~Connection();

  std::uint64_t id() const { return options_.id; }
  bool outbound() const { return dialled_.has_value(); }
  const std::optional<Endpoint>& dialled() const { return dialled_; }
  bool is_connected() const;  // TCP is
  bool is_up() const { return state_ == State::kUp; }
  bool is_handshaking() const { return state_ == State::kHandshake; }
  bool is_proven() const { return handshake_.is_proven(); }
  const Remote& remote() const { return handshake_.remote(); }  // when proven
  // Where the remote says that it listens, at the address that we see. When proven.
  Endpoint remote_endpoint() const;
  // The owner's number for the remote, once it has given one.
  env::PeerId peer() const { return peer_; }
  void set_peer(env::PeerId peer) { peer_ = peer; }
  Time last_heard() const { return last_heard_; }
  Outbox& outbox() { return outbox_; }
  const Outbox& outbox() const { return outbox_; }

  // Session only. What waits leaves after the present handler.
  env::SendStatus send(env::Channel channel, const Buffer& payload);
  // Any time.
  void set_rule(const LinkRule& rule);
  // What was sent still leaves, for timing.linger at most, then the remote hears that we closed.
  void close();
  // At once; no call to the owner follows. `politely`: tries to tell the remote, without waiting.
  void abort(bool politely = false);

 private:
  struct Io;
  enum class State : std::uint8_t {
    kHandshake,
    kUp,
    kClosing,  // what was sent is leaving
    kParked,   // over behind a blocked link: the remote must not hear that the socket closed
    kGone
  };

  Connection(boost::asio::io_context& loop, ConnectionOwner& owner, ConnectionOptions options,
             std::optional<Endpoint> dialled);
  void connect();
  void begin_handshake();
  void read_handshake();
  void advance_handshake();
  void answer_handshake(Bytes answer);
  void up();

  void read();
  void consume();
  void schedule_flush();
  void flush();
  void write();
  void say_goodbye();
  void keep_alive();
  void wait_until(Time at);
  void end(EndReason reason);
  void park();
  void gone();
  void close_socket();

  ConnectionOwner* owner_;
  ConnectionOptions options_;
  std::optional<Endpoint> dialled_;
  Handshake handshake_;
  std::unique_ptr<Io> io_;
  State state_ = State::kHandshake;
  env::PeerId peer_;
  Outbox outbox_;

  Bytes step_;  // the handshake message being read
  std::optional<FrameSealer> sealer_;
  std::optional<FrameReader> reader_;
  Bytes out_;  // being written
  bool reading_ = false, writing_ = false, flush_due_ = false, goodbye_ = false;
  Time last_heard_{}, last_sent_{}, deadline_{};
};

}  // namespace orrery::live
