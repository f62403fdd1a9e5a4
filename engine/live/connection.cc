#include "engine/live/connection.h"

#include <unistd.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <chrono>
#include <utility>

#include "engine/base/hash.h"

namespace orrery::live {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

// A buffer that one large message has grown is given back above this.
constexpr std::size_t kKeptBuffer = 4 * Outbox::kBatch;

std::chrono::steady_clock::time_point to_chrono(Time at) {
  return std::chrono::steady_clock::time_point(std::chrono::nanoseconds(at.ns));
}

std::uint64_t prefix(const env::NodeKey& key) { return Hash256{key}.prefix(); }

}  // namespace

Time steady_now() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return {std::chrono::duration_cast<std::chrono::nanoseconds>(now).count()};
}

struct Connection::Io {
  explicit Io(asio::io_context& context)
      : loop(context), socket(context), deadline(context), release(context) {}
  asio::io_context& loop;
  tcp::socket socket;
  asio::steady_timer deadline;  // of the present state, and when to ping
  asio::steady_timer release;   // when the outbox has something to send
  std::string remote_ip;
};

Connection::Connection(asio::io_context& loop, ConnectionOwner& owner, ConnectionOptions options,
                       std::optional<Endpoint> dialled)
    : owner_(&owner),
      options_(std::move(options)),
      dialled_(std::move(dialled)),
      handshake_(options_.handshake),
      io_(std::make_unique<Io>(loop)),
      outbox_(RandomStream(), *options_.counters) {}

Connection::~Connection() = default;

std::shared_ptr<Connection> Connection::accept(asio::io_context& loop, ConnectionOwner& owner,
                                               ConnectionOptions options, int socket) {
  std::shared_ptr<Connection> self(new Connection(loop, owner, std::move(options), std::nullopt));
  error_code error;
  self->io_->socket.assign(tcp::v4(), socket, error);
  if (error) ::close(socket);  // the first read fails, and the owner hears of it
  self->wait_until(steady_now() + self->options_.patience);
  self->begin_handshake();
  return self;
}

std::shared_ptr<Connection> Connection::dial(asio::io_context& loop, ConnectionOwner& owner,
                                             ConnectionOptions options, const Endpoint& to) {
  std::shared_ptr<Connection> self(new Connection(loop, owner, std::move(options), to));
  self->wait_until(steady_now() + self->options_.patience);
  self->connect();
  return self;
}

void Connection::connect() {
  error_code error;
  const auto ip = asio::ip::make_address_v4(dialled_->ip, error);
  io_->socket.async_connect(
      tcp::endpoint(ip, dialled_->port), [self = shared_from_this()](error_code failed) {
        if (self->state_ != State::kHandshake) return;
        error_code unknown;
        const tcp::socket& socket = self->io_->socket;
        // Where nobody listens on a port of this machine, TCP may connect a socket to itself.
        if (failed || socket.local_endpoint(unknown) == socket.remote_endpoint(unknown)) {
          return self->end(EndReason::kUnreachable);
        }
        self->begin_handshake();
      });
}

// --- handshake ------------------------------------------------------------------------------

void Connection::begin_handshake() {
  error_code ignored;  // a socket that is broken already fails at the first read
  io_->socket.set_option(tcp::no_delay(true), ignored);
  io_->remote_ip = io_->socket.remote_endpoint(ignored).address().to_string();
  answer_handshake(handshake_.start());
}

void Connection::answer_handshake(Bytes answer) {
  if (answer.empty()) return advance_handshake();
  out_ = std::move(answer);
  asio::async_write(io_->socket, asio::buffer(out_),
                    [self = shared_from_this()](error_code error, std::size_t) {
                      if (self->state_ != State::kHandshake) return;
                      if (error) return self->end(EndReason::kBroken);
                      self->advance_handshake();
                    });
}

void Connection::advance_handshake() {
  if (handshake_.is_done()) return up();
  read_handshake();
}

// Reads no further than the next message, so a stranger occupies no more memory than that.
void Connection::read_handshake() {
  step_.resize(handshake_.expects());
  asio::async_read(io_->socket, asio::buffer(step_),
                   [self = shared_from_this()](error_code error, std::size_t) {
                     if (self->state_ != State::kHandshake) return;
                     if (error) return self->end(EndReason::kUnreachable);
                     const bool was_proven = self->is_proven();
                     Result<Bytes> answer = self->handshake_.receive(self->step_);
                     if (!answer) return self->end(EndReason::kHandshake);
                     if (self->is_proven() && !was_proven) {
                       const auto verdict = self->owner_->on_proven(*self);
                       if (verdict == ConnectionOwner::Verdict::kIgnore) return;
                       if (verdict == ConnectionOwner::Verdict::kDecline) {
                         return self->end(EndReason::kDeclined);
                       }
                     }
                     self->answer_handshake(std::move(*answer));
                   });
}

bool Connection::is_connected() const { return !io_->remote_ip.empty(); }

Endpoint Connection::remote_endpoint() const { return {io_->remote_ip, remote().claims.port}; }

void Connection::up() {
  state_ = State::kUp;
  sealer_.emplace(handshake_.sealer());
  reader_.emplace(handshake_.opener());
  Bytes().swap(step_);
  last_heard_ = last_sent_ = steady_now();
  const LinkRule rule = outbox_.rule();
  outbox_ = Outbox(RandomStream(mix64(prefix(options_.handshake.identity->key()), id()),
                                prefix(remote().key), stream_id("link loss")),
                   *options_.counters);
  outbox_.set_rule(rule, last_heard_);
  owner_->on_up(*this);
  if (state_ != State::kUp) return;
  keep_alive();
  read();
}

// --- frames ---------------------------------------------------------------------------------

void Connection::read() {
  if (reading_ || outbox_.rule().blocked) return;
  reading_ = true;
  if (state_ == State::kClosing) reader_->clear();
  const std::span<std::uint8_t> space = reader_->space();
  io_->socket.async_read_some(
      asio::buffer(space.data(), space.size()),
      [self = shared_from_this()](error_code error, std::size_t size) {
        self->reading_ = false;
        if (self->state_ == State::kClosing) {  // nobody listens any more; wait for the end
          return error ? self->gone() : self->read();
        }
        if (self->state_ != State::kUp) return;
        if (!error) self->reader_->filled(size);
        if (self->outbox_.rule().blocked) return;  // as if it had not arrived yet
        if (error) return self->end(EndReason::kReset);
        self->consume();
      });
}

void Connection::consume() {
  last_heard_ = steady_now();
  for (;;) {
    const auto next = reader_->next();
    if (!next) return end(EndReason::kForged);
    if (!*next) break;
    const Frame& frame = **next;
    if (frame.kind == FrameKind::kClose) return end(EndReason::kClosed);
    if (frame.kind == FrameKind::kPing) continue;
    const auto channel =
        frame.kind == FrameKind::kReliable ? env::Channel::kReliable : env::Channel::kDatagram;
    owner_->on_message(*this, channel, Buffer(Bytes(frame.payload.begin(), frame.payload.end())));
    if (state_ != State::kUp) return;
  }
  read();
}

env::SendStatus Connection::send(env::Channel channel, const Buffer& payload) {
  const env::SendStatus status = outbox_.push(channel, payload, steady_now());
  schedule_flush();
  return status;
}

// After the present handler, so that all it sends goes into one write.
void Connection::schedule_flush() {
  if (flush_due_ || writing_) return;
  flush_due_ = true;
  asio::post(io_->loop, [self = shared_from_this()] {
    self->flush_due_ = false;
    self->flush();
  });
}

void Connection::flush() {
  const bool may_write = state_ == State::kUp || state_ == State::kClosing;
  if (!may_write || writing_ || goodbye_ || outbox_.rule().blocked) return;
  out_.clear();
  if (out_.capacity() > kKeptBuffer) Bytes().swap(out_);
  if (outbox_.take(steady_now(), *sealer_, out_)) return write();
  const Time next = outbox_.next_release();
  if (next == kNever) {
    if (state_ == State::kClosing) say_goodbye();
    return;
  }
  io_->release.expires_at(to_chrono(next));
  io_->release.async_wait([self = shared_from_this()](error_code cancelled) {
    if (!cancelled) self->flush();
  });
}

void Connection::write() {
  writing_ = true;
  asio::async_write(io_->socket, asio::buffer(out_),
                    [self = shared_from_this()](error_code error, std::size_t) {
                      // A broken socket is read to its end, which tells why; it writes no more.
                      if (error) return self->state_ == State::kClosing ? self->gone() : void();
                      self->writing_ = false;
                      self->outbox_.written();
                      self->last_sent_ = steady_now();
                      if (self->goodbye_) {
                        error_code ignored;  // the remote may have gone first
                        self->io_->socket.shutdown(tcp::socket::shutdown_send, ignored);
                      }
                      self->flush();
                    });
}

void Connection::say_goodbye() {
  goodbye_ = true;
  sealer_->seal(FrameKind::kClose, {}, out_);
  write();
}

void Connection::set_rule(const LinkRule& rule) {
  if (rule == outbox_.rule()) return;
  const bool was_blocked = outbox_.rule().blocked;
  outbox_.set_rule(rule, steady_now());
  if (state_ != State::kUp) return;
  schedule_flush();
  if (!was_blocked || rule.blocked) return;
  asio::post(io_->loop, [self = shared_from_this()] {
    if (self->state_ != State::kUp || self->outbox_.rule().blocked) return;
    self->consume();  // what had arrived
    if (self->state_ == State::kUp) self->keep_alive();
  });
}

// --- time and the end -----------------------------------------------------------------------

// A ping passes the queues: it keeps a slow link's session alive while a large frame waits.
void Connection::keep_alive() {
  const Time now = steady_now();
  // What this process slept through is not the remote's silence.
  if (now > deadline_) last_heard_ = std::min(now, last_heard_ + (now - deadline_));
  const TransportTiming& timing = options_.timing;
  if (now >= last_heard_ + timing.silence) return end(EndReason::kSilence);
  const bool mute = writing_ || outbox_.rule().blocked;
  if (!mute && now >= last_sent_ + timing.ping) {
    out_.clear();
    sealer_->seal(FrameKind::kPing, {}, out_);
    last_sent_ = now;
    write();
  }
  wait_until(std::min(last_heard_ + timing.silence, (mute ? now : last_sent_) + timing.ping));
}

void Connection::wait_until(Time at) {
  deadline_ = at;
  io_->deadline.expires_at(to_chrono(at));
  io_->deadline.async_wait([self = shared_from_this()](error_code cancelled) {
    // It may have fired just before it was set again.
    if (cancelled || steady_now() < self->deadline_) return;
    switch (self->state_) {
      case State::kHandshake: return self->end(EndReason::kTimeout);
      case State::kUp: return self->keep_alive();
      case State::kClosing:
      case State::kParked: return self->gone();
      case State::kGone: return;
    }
  });
}

void Connection::close() {
  if (state_ != State::kUp) return;
  const bool blocked = outbox_.rule().blocked;
  state_ = blocked ? State::kParked : State::kClosing;
  if (blocked) return park();
  wait_until(steady_now() + options_.timing.linger);
  schedule_flush();
}

void Connection::end(EndReason reason) {
  const bool parks = state_ == State::kUp && outbox_.rule().blocked;
  state_ = parks ? State::kParked : State::kGone;
  owner_->on_end(*this, reason);
  if (!parks) return gone();
  if (state_ == State::kParked) park();
}

// Twice the silence: by then the remote has given up by itself.
void Connection::park() { wait_until(steady_now() + options_.timing.silence * 2); }

void Connection::gone() {
  state_ = State::kGone;
  close_socket();
  if (ConnectionOwner* owner = std::exchange(owner_, nullptr)) owner->on_gone(*this);
}

void Connection::abort(bool politely) {
  owner_ = nullptr;
  if (politely && state_ == State::kUp && !writing_ && !outbox_.rule().blocked) {
    out_.clear();
    sealer_->seal(FrameKind::kClose, {}, out_);
    error_code ignored;  // the remote learns it from the socket, then
    io_->socket.non_blocking(true, ignored);
    io_->socket.write_some(asio::buffer(out_), ignored);
  }
  state_ = State::kGone;
  close_socket();
}

void Connection::close_socket() {
  io_->deadline.cancel();
  io_->release.cancel();
  error_code ignored;  // there is nobody left to tell
  io_->socket.close(ignored);
}

}  // namespace orrery::live
