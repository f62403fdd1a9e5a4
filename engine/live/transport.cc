#include "engine/live/transport.h"

#include <fmt/format.h>
#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <utility>

#include "engine/live/connection.h"
#include "engine/live/dials.h"
#include "engine/live/peer_book.h"

namespace orrery::live {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
using ReusePort = asio::detail::socket_option::boolean<SOL_SOCKET, SO_REUSEPORT>;

// After the system had no descriptor left for a connection.
constexpr std::chrono::milliseconds kAcceptPause{50};

std::uint64_t draw_instance() {
  const auto bytes = fresh_ephemeral();
  return Hash256{bytes}.prefix();
}

}  // namespace

class TcpTransport::Impl final : public ConnectionOwner, public std::enable_shared_from_this<Impl> {
 public:
  Impl(asio::io_context& loop, TransportOptions options, EventFunction on_event)
      : loop_(loop),
        options_(std::move(options)),
        identity_(std::make_shared<Identity>(options_.identity_seed)),
        instance_(draw_instance()),
        on_event_(std::move(on_event)),
        acceptor_(loop),
        accept_pause_(loop),
        dial_timer_(loop),
        dials_(options_.timing),
        book_(kMaxKnownKeys) {}

  Status listen();
  void accept();
  void dial(const env::Address& address);
  void drop(env::PeerId peer);
  void set_rules(LinkRules rules);
  void close();

  const env::NodeKey& key() const { return identity_->key(); }
  const Endpoint& listening() const { return listening_; }
  const TransportCounters& counters() const { return counters_; }
  std::vector<PeerInfo> peers() const;
  Connection* session(env::PeerId peer) const {
    const auto found = sessions_.find(peer);
    return found == sessions_.end() ? nullptr : found->second;
  }

  Verdict on_proven(Connection& connection) override;
  void on_up(Connection& connection) override;
  void on_message(Connection& connection, env::Channel channel, Buffer payload) override;
  void on_end(Connection& connection, EndReason reason) override;
  void on_gone(Connection& connection) override { forget(connection); }

 private:
  void post(env::Event event);
  void admit(tcp::socket socket);
  bool make_room();
  void abort(Connection& connection);
  void forget(Connection& connection);
  ConnectionOptions connection_options(Handshake::Role role, Duration patience);
  LinkRule rule_of(const env::NodeKey& key) const;
  Connection* session_with(const env::NodeKey& key) const;
  bool prefer_old(const Connection& old, const Connection& newcomer) const;
  bool own_dial_wins(const Connection& newcomer) const;
  bool is_connected(const Endpoint& endpoint) const;
  bool is_self(const Endpoint& endpoint) const;
  void start_due_dials();
  void arm_dial_timer();
  void dial_ended(const Connection& connection, EndReason reason);
  void retry_or_fail(Dials::Dial& dial);

  asio::io_context& loop_;
  TransportOptions options_;
  std::shared_ptr<const Identity> identity_;  // shared with handshakes in flight
  std::uint64_t instance_;
  EventFunction on_event_;
  tcp::acceptor acceptor_;
  asio::steady_timer accept_pause_;
  asio::steady_timer dial_timer_;
  Endpoint listening_;
  LinkRules rules_;
  TransportCounters counters_;
  Dials dials_;
  PeerBook book_;
  std::uint64_t next_connection_ = 1;
  // Ascending ids are ascending ages. Shared with the handlers in flight.
  std::map<std::uint64_t, std::shared_ptr<Connection>> connections_;
  std::map<env::PeerId, Connection*> sessions_;
  bool closed_ = false;
};

// --- listening --------------------------------------------------------------------------------

Status TcpTransport::Impl::listen() {
  error_code error;
  const auto ip = asio::ip::make_address_v4(options_.ip, error);
  if (error) {
    return fail(ErrorCode::kInvalidArgument, fmt::format("no IPv4 address: {}", options_.ip));
  }
  const tcp::endpoint at(ip, options_.port);
  acceptor_.open(at.protocol(), error);
  if (!error) acceptor_.set_option(tcp::acceptor::reuse_address(true), error);
  // Whoever chose the port may hold it bound, without listening, until this node has it.
  if (!error) acceptor_.set_option(ReusePort(true), error);
  if (!error) acceptor_.bind(at, error);
  if (!error) acceptor_.listen(asio::socket_base::max_listen_connections, error);
  if (error) {
    return fail(ErrorCode::kIo, fmt::format("cannot listen on {}:{}: {}", options_.ip,
                                            options_.port, error.message()));
  }
  listening_ = {options_.ip, acceptor_.local_endpoint(error).port()};
  accept();
  return {};
}

void TcpTransport::Impl::accept() {
  acceptor_.async_accept([self = shared_from_this()](error_code error, tcp::socket socket) {
    if (self->closed_) return;
    if (!error) {
      self->admit(std::move(socket));
      return self->accept();
    }
    self->accept_pause_.expires_after(kAcceptPause);
    self->accept_pause_.async_wait([self](error_code) {
      if (!self->closed_) self->accept();
    });
  });
}

void TcpTransport::Impl::admit(tcp::socket socket) {
  if (!make_room()) {
    ++counters_.connections_refused;
    return;  // the socket closes
  }
  error_code error;
  const int descriptor = socket.release(error);
  if (error) return;
  const ConnectionOptions options =
      connection_options(Handshake::Role::kResponder, options_.timing.handshake);
  connections_[options.id] = Connection::accept(loop_, *this, options, descriptor);
}

// At the bound, what is on its way out goes first, then the oldest handshake of a stranger: a flood
// pushes out itself, and an honest handshake is done long before its turn comes.
bool TcpTransport::Impl::make_room() {
  if (connections_.size() < options_.max_sessions) return true;
  const auto oldest = [&](auto&& which) -> Connection* {
    for (const auto& [id, connection] : connections_) {
      if (which(*connection)) return connection.get();
    }
    return nullptr;
  };
  Connection* victim =
      oldest([](const Connection& c) { return !c.is_up() && !c.is_handshaking(); });
  if (victim == nullptr) {
    victim = oldest([](const Connection& c) { return c.is_handshaking() && !c.outbound(); });
    if (victim == nullptr) return false;
    ++counters_.handshakes_failed;
  }
  abort(*victim);
  return true;
}

ConnectionOptions TcpTransport::Impl::connection_options(Handshake::Role role, Duration patience) {
  return {.counters = &counters_,
          .id = next_connection_++,
          .handshake = {.role = role,
                        .identity = identity_,
                        .network = options_.network,
                        .claims = {.port = listening_.port, .instance = instance_},
                        .ephemeral = fresh_ephemeral()},
          .timing = options_.timing,
          .patience = patience};
}

void TcpTransport::Impl::abort(Connection& connection) {
  connection.abort();
  forget(connection);
}

void TcpTransport::Impl::forget(Connection& connection) {
  counters_.messages_lost += connection.outbox().frames();
  connections_.erase(connection.id());
}

void TcpTransport::Impl::post(env::Event event) {
  asio::post(loop_, [self = shared_from_this(), event = std::move(event)]() mutable {
    if (!self->closed_) self->on_event_(std::move(event));
  });
}

// --- sessions ---------------------------------------------------------------------------------

ConnectionOwner::Verdict TcpTransport::Impl::on_proven(Connection& connection) {
  const env::NodeKey& key = connection.remote().key;
  const LinkRule rule = rule_of(key);
  connection.set_rule(rule);
  if (rule.blocked) return Verdict::kIgnore;
  const Connection* old = session_with(key);
  if (old != nullptr && prefer_old(*old, connection)) return Verdict::kDecline;
  return own_dial_wins(connection) ? Verdict::kDecline : Verdict::kAccept;
}

// Two connections with one key. The same instance of the remote on both, dialled from both sides:
// they crossed, and both sides must keep the same one. Else the remote has given up the old one.
bool TcpTransport::Impl::prefer_old(const Connection& old, const Connection& newcomer) const {
  if (old.remote().claims.instance != newcomer.remote().claims.instance) return false;
  if (old.outbound() == newcomer.outbound()) return false;
  if (steady_now() - old.last_heard() > options_.timing.ping * 2) return false;  // dying
  const bool dialled_by_smaller = old.outbound() == (key() < old.remote().key);
  return dialled_by_smaller;
}

// The remote dials us while our own dial of it is about to win: taking its session first would only
// make it go down again.
bool TcpTransport::Impl::own_dial_wins(const Connection& newcomer) const {
  if (newcomer.outbound() || newcomer.remote().key < key()) return false;
  for (const auto& [id, connection] : connections_) {
    if (!connection->outbound() || !connection->is_handshaking() || !connection->is_connected()) {
      continue;
    }
    if (connection->dialled() == newcomer.remote_endpoint()) return true;
    if (connection->is_proven() && connection->remote().key == newcomer.remote().key) return true;
  }
  return false;
}

void TcpTransport::Impl::on_up(Connection& connection) {
  const env::NodeKey& key = connection.remote().key;
  if (Connection* old = session_with(key)) {
    if (prefer_old(*old, connection)) {
      dial_ended(connection, EndReason::kDeclined);
      return abort(connection);
    }
    sessions_.erase(old->peer());
    post(env::PeerDown{old->peer(), env::DownReason::kReset});
    abort(*old);
  }
  connection.set_rule(rule_of(key));  // it may have changed since the key was proven
  const env::PeerId peer =
      book_.number(key, [&](env::PeerId known) { return sessions_.contains(known); });
  connection.set_peer(peer);
  sessions_[peer] = &connection;
  if (const Dials::Dial* dial = dials_.of_connection(connection.id())) dials_.erase(*dial);
  post(env::PeerUp{peer, to_address(connection.remote_endpoint()), key, connection.outbound()});
}

void TcpTransport::Impl::on_message(Connection& connection, env::Channel channel, Buffer payload) {
  ++counters_.messages_received;
  counters_.bytes_received += payload.size();
  post(env::MessageIn{connection.peer(), channel, std::move(payload)});
}

void TcpTransport::Impl::on_end(Connection& connection, EndReason reason) {
  const auto found = sessions_.find(connection.peer());
  if (found != sessions_.end() && found->second == &connection) {
    sessions_.erase(found);
    if (reason == EndReason::kForged) ++counters_.frames_refused;
    post(env::PeerDown{connection.peer(),
                       reason == EndReason::kClosed    ? env::DownReason::kClosedByRemote
                       : reason == EndReason::kSilence ? env::DownReason::kUnreachable
                                                       : env::DownReason::kReset});
    return;
  }
  if (reason != EndReason::kUnreachable && reason != EndReason::kDeclined) {
    ++counters_.handshakes_failed;
  }
  dial_ended(connection, reason);
}

void TcpTransport::Impl::drop(env::PeerId peer) {
  Connection* connection = session(peer);
  if (connection == nullptr) return;
  sessions_.erase(peer);
  post(env::PeerDown{peer, env::DownReason::kClosedByUs});
  connection->close();
}

Connection* TcpTransport::Impl::session_with(const env::NodeKey& key) const {
  for (const auto& [peer, connection] : sessions_) {
    if (connection->remote().key == key) return connection;
  }
  return nullptr;
}

LinkRule TcpTransport::Impl::rule_of(const env::NodeKey& key) const {
  const auto found = rules_.find(key);
  return found == rules_.end() ? LinkRule{} : found->second;
}

void TcpTransport::Impl::set_rules(LinkRules rules) {
  rules_ = std::move(rules);
  for (const auto& [id, connection] : connections_) {
    if (connection->is_proven()) connection->set_rule(rule_of(connection->remote().key));
  }
}

std::vector<PeerInfo> TcpTransport::Impl::peers() const {
  std::vector<PeerInfo> peers;
  for (const auto& [peer, c] : sessions_) {
    peers.push_back({peer, c->remote().key, to_address(c->remote_endpoint()), c->outbound(),
                     c->outbox().queued(env::Channel::kReliable) +
                         c->outbox().queued(env::Channel::kDatagram)});
  }
  return peers;
}

// --- dials ------------------------------------------------------------------------------------

bool TcpTransport::Impl::is_connected(const Endpoint& endpoint) const {
  return std::any_of(sessions_.begin(), sessions_.end(), [&](const auto& entry) {
    return entry.second->remote_endpoint() == endpoint || entry.second->dialled() == endpoint;
  });
}

bool TcpTransport::Impl::is_self(const Endpoint& endpoint) const {
  const bool anywhere = listening_.ip == "0.0.0.0" && endpoint.ip.starts_with("127.");
  return endpoint.port == listening_.port && (endpoint.ip == listening_.ip || anywhere);
}

void TcpTransport::Impl::dial(const env::Address& address) {
  if (closed_) return;
  const Result<Endpoint> to = parse_endpoint(address);
  if (!to || is_self(*to)) return post(env::DialFailed{address});
  if (dials_.has(address)) return;
  if (dials_.size() >= options_.max_sessions) return post(env::DialFailed{address});
  dials_.begin(address, *to, steady_now());
  arm_dial_timer();
}

void TcpTransport::Impl::start_due_dials() {
  const Time now = steady_now();
  for (Dials::Dial* dial : dials_.due(now)) {
    if (is_connected(dial->to)) {
      dials_.erase(*dial);
    } else if (!make_room()) {
      retry_or_fail(*dial);
    } else {
      const ConnectionOptions options = connection_options(
          Handshake::Role::kInitiator, std::min(options_.timing.handshake, dial->deadline - now));
      dial->connection = options.id;
      dial->next = kNever;
      connections_[options.id] = Connection::dial(loop_, *this, options, dial->to);
    }
  }
  arm_dial_timer();
}

void TcpTransport::Impl::arm_dial_timer() {
  const Time next = dials_.next();
  if (next == kNever) return;
  dial_timer_.expires_at(std::chrono::steady_clock::time_point(std::chrono::nanoseconds(next.ns)));
  dial_timer_.async_wait([self = shared_from_this()](error_code cancelled) {
    if (!cancelled && !self->closed_) self->start_due_dials();
  });
}

// What no later try would change fails at once: a remote that refuses the handshake for good. A
// remote whose key is connected already needs no answer.
void TcpTransport::Impl::dial_ended(const Connection& connection, EndReason reason) {
  Dials::Dial* dial = dials_.of_connection(connection.id());
  if (dial == nullptr) return;
  const bool connected = connection.is_proven() && session_with(connection.remote().key) != nullptr;
  if (reason == EndReason::kDeclined || connected) return dials_.erase(*dial);
  if (reason == EndReason::kHandshake) {
    post(env::DialFailed{dial->address});
    return dials_.erase(*dial);
  }
  retry_or_fail(*dial);
  arm_dial_timer();
}

void TcpTransport::Impl::retry_or_fail(Dials::Dial& dial) {
  if (dials_.retry(dial, steady_now())) return;
  post(env::DialFailed{dial.address});
  dials_.erase(dial);
}

void TcpTransport::Impl::close() {
  closed_ = true;
  error_code ignored;  // there is nobody left to tell
  acceptor_.close(ignored);
  accept_pause_.cancel();
  dial_timer_.cancel();
  dials_.clear();
  sessions_.clear();
  for (const auto& [id, connection] : connections_) connection->abort(true);
  connections_.clear();
}

// --- the public face --------------------------------------------------------------------------

Result<std::unique_ptr<TcpTransport>> TcpTransport::listen(asio::io_context& loop,
                                                           TransportOptions options,
                                                           EventFunction on_event) {
  if (options.network.size() > 64) {
    return fail(ErrorCode::kInvalidArgument, "the name of a network has at most 64 bytes");
  }
  auto impl = std::make_shared<Impl>(loop, std::move(options), std::move(on_event));
  TRY(impl->listen());
  return std::unique_ptr<TcpTransport>(new TcpTransport(std::move(impl)));
}

TcpTransport::TcpTransport(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
TcpTransport::~TcpTransport() { impl_->close(); }

env::Address TcpTransport::self() const { return to_address(impl_->listening()); }
env::NodeKey TcpTransport::key() const { return impl_->key(); }
std::uint16_t TcpTransport::port() const { return impl_->listening().port; }
const TransportCounters& TcpTransport::counters() const { return impl_->counters(); }
std::vector<PeerInfo> TcpTransport::peers() const { return impl_->peers(); }
void TcpTransport::dial(const env::Address& address) { impl_->dial(address); }
void TcpTransport::drop(env::PeerId peer) { impl_->drop(peer); }
void TcpTransport::set_rules(LinkRules rules) { impl_->set_rules(std::move(rules)); }
void TcpTransport::close() { impl_->close(); }

env::SendStatus TcpTransport::send(env::PeerId peer, env::Channel channel, const Buffer& payload) {
  if (payload.size() > kMaxMessage) return env::SendStatus::kTooLarge;
  Connection* connection = impl_->session(peer);
  if (connection == nullptr) return env::SendStatus::kNotConnected;
  return connection->send(channel, payload);
}

std::size_t TcpTransport::queued(env::PeerId peer, env::Channel channel) const {
  const Connection* connection = impl_->session(peer);
  return connection == nullptr ? 0 : connection->outbox().queued(channel);
}

}  // namespace orrery::live
