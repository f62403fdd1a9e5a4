// The only file of the door that knows sockets. An HttpSession serves one connection, request after
// request; an upgrade turns it into a WebSocketSession. Sessions keep themselves alive by the
// operations that they wait for; the server knows them by number, to count and to close them.
#include "harness/testnet/rpc/server.h"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/websocket.hpp>
#include <chrono>
#include <deque>
#include <map>
#include <optional>

#include "harness/testnet/rpc/gate.h"
#include "harness/testnet/rpc/service.h"

namespace orrery::testnet {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
namespace websocket = beast::websocket;
using asio::ip::tcp;
using ErrorCodeOf = boost::system::error_code;

constexpr std::uint32_t kMaxHeaderBytes = 16 * 1024;
constexpr auto kTick = std::chrono::seconds(1);
constexpr auto kAcceptPause = std::chrono::milliseconds(50);  // after a failure to accept
constexpr auto kClosePatience = std::chrono::seconds(5);      // of a close handshake
constexpr auto kIdleTimeout = std::chrono::seconds(60);  // of a WebSocket; half of it brings a ping

// The page may run itself and talk to us, and nothing else.
std::string content_policy(std::string_view host) {
  return "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; "
         "img-src data: blob:; connect-src 'self' ws://" +
         std::string(host) + "; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
}

Time steady_now() {
  return {std::chrono::duration_cast<std::chrono::nanoseconds>(
              std::chrono::steady_clock::now().time_since_epoch())
              .count()};
}

std::string_view text_of(beast::string_view text) { return {text.data(), text.size()}; }

std::string error_body(std::string_view why) { return object({{"error", why}}).text; }

}  // namespace

class RpcServer::Impl : public std::enable_shared_from_this<Impl> {
 public:
  class Session {
   public:
    virtual ~Session() = default;
    virtual bool idle() const = 0;  // waits for a request and owes nothing
    virtual void cut() = 0;         // closes the socket
  };

  class HttpSession;
  class WebSocketSession;

  Impl(asio::io_context& loop, RpcOptions options, NodeView& view)
      : loop_(loop),
        options_(std::move(options)),
        service_(view, options_.page),
        limiter_(options_.requests_per_second),
        acceptor_(loop),
        timer_(loop),
        pause_(loop) {}

  Status open();
  void start() {
    accept();
    tick();
  }
  void close();
  void note(const env::TraceEvent& event);

  std::uint16_t port() const { return port_; }
  bool closed() const { return closed_; }
  const RpcOptions& options() const { return options_; }
  RpcService& service() { return service_; }
  RateLimiter& limiter() { return limiter_; }
  std::size_t connections() const { return sessions_.size(); }
  std::uint64_t enlist(Session& session) {
    sessions_[next_session_] = &session;
    return next_session_++;
  }
  void delist(std::uint64_t number) { sessions_.erase(number); }

 private:
  void accept();
  void admit(tcp::socket socket);
  bool make_room();
  void tick();

  asio::io_context& loop_;
  RpcOptions options_;
  RpcService service_;
  RateLimiter limiter_;
  tcp::acceptor acceptor_;
  asio::steady_timer timer_;
  asio::steady_timer pause_;
  std::map<std::uint64_t, Session*> sessions_;  // by age; they take themselves off
  std::uint64_t next_session_ = 1;
  std::uint16_t port_ = 0;
  bool advancing_ = false;  // an advance() is under way to the loop
  bool closed_ = false;
};

// Frames go out one after the other; what waits is bounded.
class RpcServer::Impl::WebSocketSession final
    : public Session,
      public std::enable_shared_from_this<WebSocketSession> {
 public:
  WebSocketSession(std::shared_ptr<Impl> server, beast::tcp_stream stream, std::string address)
      : server_(std::move(server)),
        socket_(std::move(stream)),
        patience_(socket_.get_executor()),
        address_(std::move(address)) {
    number_ = server_->enlist(*this);
  }
  ~WebSocketSession() override {
    server_->service().remove_reader(reader_);
    server_->delist(number_);
  }

  void start(const http::request<http::string_body>& request) {
    websocket::stream_base::timeout timeout{};
    timeout.handshake_timeout = kClosePatience;
    timeout.idle_timeout = kIdleTimeout;
    timeout.keep_alive_pings = true;
    beast::get_lowest_layer(socket_).expires_never();  // the stream has its own timeouts
    socket_.set_option(timeout);
    socket_.read_message_max(server_->options().max_body_bytes);
    socket_.text(true);
    socket_.async_accept(request, [self = shared_from_this()](ErrorCodeOf error) {
      if (error || self->server_->closed()) return;
      self->reader_ =
          self->server_->service().add_reader([weak = self->weak_from_this()](std::string frame) {
            if (const auto session = weak.lock()) session->push(std::move(frame));
          });
      self->read();
    });
  }

  bool idle() const override { return false; }  // a subscriber may be silent for hours
  void cut() override {
    closing_ = true;
    ErrorCodeOf ignored;  // it is closed either way
    beast::get_lowest_layer(socket_).socket().close(ignored);
    patience_.cancel();
  }

 private:
  void read() {
    socket_.async_read(buffer_, [self = shared_from_this()](ErrorCodeOf error, std::size_t) {
      // Also the end of the close handshake, which the stream answers by itself.
      if (error || self->closing_ || self->server_->closed()) return;
      self->serve();
    });
  }

  void serve() {
    if (!socket_.got_text()) return close(websocket::close_code::unknown_data, "text only");
    if (!server_->limiter().allow(address_, steady_now())) {
      return close(websocket::close_code::policy_error, "too many requests");
    }
    const std::string body = beast::buffers_to_string(buffer_.data());
    buffer_.consume(buffer_.size());
    const std::size_t calls = server_->service().call(
        reader_, body, [weak = weak_from_this()](std::optional<std::string> answer) {
          const auto session = weak.lock();
          if (session && answer) session->push(std::move(*answer));
        });
    server_->limiter().charge(address_, calls - 1);
    if (!closing_) read();
  }

  void push(std::string frame) {
    if (closing_) return;
    queued_bytes_ += frame.size();
    frames_.push_back(std::move(frame));
    if (queued_bytes_ > server_->options().max_queued_bytes) {
      return close(websocket::close_code::try_again_later, "reads too slowly");
    }
    if (frames_.size() == 1) write();
  }

  void write() {
    socket_.async_write(asio::buffer(frames_.front()),
                        [self = shared_from_this()](ErrorCodeOf error, std::size_t) {
                          self->queued_bytes_ -= self->frames_.front().size();
                          self->frames_.pop_front();
                          if (error || self->server_->closed()) return;
                          if (!self->frames_.empty()) self->write();
                        });
  }

  // The frame under way is finished, the rest is dropped. A reader that does not take even the
  // close frame in time is cut off.
  void close(websocket::close_code code, const char* reason) {
    if (closing_) return;
    closing_ = true;
    if (frames_.size() > 1) frames_.resize(1);
    queued_bytes_ = frames_.empty() ? 0 : frames_.front().size();
    patience_.expires_after(kClosePatience);
    patience_.async_wait([weak = weak_from_this()](ErrorCodeOf error) {
      const auto session = weak.lock();
      if (!error && session) session->cut();
    });
    socket_.async_close(websocket::close_reason(code, reason),
                        [self = shared_from_this()](ErrorCodeOf) { self->patience_.cancel(); });
  }

  const std::shared_ptr<Impl> server_;  // shared: operations may end after the server
  websocket::stream<beast::tcp_stream> socket_;
  asio::steady_timer patience_;
  const std::string address_;
  beast::flat_buffer buffer_;
  std::deque<std::string> frames_;  // the first is being written
  std::size_t queued_bytes_ = 0;
  std::uint64_t number_ = 0;
  Subscriptions::Reader reader_ = 0;
  bool closing_ = false;
};

class RpcServer::Impl::HttpSession final : public Session,
                                           public std::enable_shared_from_this<HttpSession> {
 public:
  HttpSession(std::shared_ptr<Impl> server, tcp::socket socket, std::string address)
      : server_(std::move(server)), stream_(std::move(socket)), address_(std::move(address)) {
    number_ = server_->enlist(*this);
  }
  ~HttpSession() override { server_->delist(number_); }

  bool idle() const override { return idle_; }
  void cut() override {
    ErrorCodeOf ignored;  // it is closed either way
    stream_.socket().close(ignored);
  }

  void read() {
    idle_ = true;
    parser_.emplace();
    parser_->header_limit(kMaxHeaderBytes);
    parser_->body_limit(server_->options().max_body_bytes);
    stream_.expires_after(std::chrono::milliseconds(server_->options().read_timeout_ms));
    http::async_read(stream_, buffer_, *parser_,
                     [self = shared_from_this()](ErrorCodeOf error, std::size_t) {
                       if (!self->server_->closed()) self->on_read(error);
                     });
  }

 private:
  using Request = http::request<http::string_body>;
  using Response = http::response<http::string_body>;

  void on_read(ErrorCodeOf error) {
    idle_ = false;
    stream_.expires_never();  // a chat may take minutes
    keep_alive_ = false;
    if (error == http::error::body_limit) {
      return respond(http::status::payload_too_large, error_body("the request is too large"));
    }
    if (error == http::error::header_limit) {
      return respond(http::status::request_header_fields_too_large,
                     error_body("the header is too large"));
    }
    if (error == http::error::end_of_stream || error == http::error::partial_message) return end();
    // Parse errors are answered, those of the socket are not.
    if (error && error.category() == make_error_code(http::error::bad_method).category()) {
      return respond(http::status::bad_request, error_body("not HTTP"));
    }
    if (error) return;
    const Request request = parser_->release();
    keep_alive_ = request.keep_alive();
    head_only_ = request.method() == http::verb::head;
    host_ = std::string(request[http::field::host]);
    route(request);
  }

  void route(const Request& request) {
    if (!server_->limiter().allow(address_, steady_now())) {
      return respond(http::status::too_many_requests, error_body("too many requests"));
    }
    // Otherwise any page in a browser on this machine could speak through it.
    if (!host_allowed(host_) || !origin_allowed(text_of(request[http::field::origin]), host_)) {
      return respond(http::status::forbidden, error_body("a foreign host or origin"));
    }
    if (websocket::is_upgrade(request)) return upgrade(request);
    if (request.method() == http::verb::post) return call(request);
    if (request.method() == http::verb::get || head_only_) return get(request);
    respond(http::status::method_not_allowed, error_body("GET, HEAD or POST"));
  }

  void upgrade(const Request& request) {
    const auto target = text_of(request.target());
    if (target != "/" && target != "/ws") {
      return respond(http::status::not_found, error_body("WebSockets are at /"));
    }
    std::make_shared<WebSocketSession>(server_, std::move(stream_), address_)->start(request);
  }

  void call(const Request& request) {
    const auto target = text_of(request.target());
    if (target != "/" && target != "/rpc") {
      return respond(http::status::not_found, error_body("calls go to /"));
    }
    // The answer may come minutes later: meanwhile it alone keeps this session alive.
    const std::size_t calls = server_->service().call(
        0, request.body(), [self = shared_from_this()](std::optional<std::string> answer) {
          if (self->server_->closed()) return;
          if (!answer) return self->respond(http::status::no_content, {});
          self->respond(http::status::ok, std::move(*answer));
        });
    server_->limiter().charge(address_, calls - 1);
  }

  void get(const Request& request) {
    RpcService::Page page =
        server_->service().get(text_of(request.target()), server_->connections());
    respond(http::int_to_status(page.status), std::move(page.body), page.type);
  }

  void respond(http::status status, std::string body, std::string_view type = "application/json") {
    auto response = std::make_shared<Response>(status, 11);  // shared: the write outlives this call
    response->set(http::field::server, "orrery");
    response->set(http::field::cache_control, "no-store");
    response->set("X-Content-Type-Options", "nosniff");
    if (status == http::status::method_not_allowed) {
      response->set(http::field::allow, "GET, HEAD, POST");
    }
    if (status != http::status::no_content) {
      response->set(http::field::content_type, beast::string_view(type.data(), type.size()));
    }
    if (type.starts_with("text/html")) {
      response->set("Content-Security-Policy", content_policy(host_));
    }
    response->keep_alive(keep_alive_);
    const std::size_t size = body.size();
    if (!head_only_) response->body() = std::move(body);
    response->prepare_payload();
    if (head_only_) response->content_length(size);
    stream_.expires_after(std::chrono::milliseconds(server_->options().write_timeout_ms));
    http::async_write(stream_, *response,
                      [self = shared_from_this(), response](ErrorCodeOf error, std::size_t) {
                        if (error || self->server_->closed()) return;
                        if (self->keep_alive_) return self->read();
                        self->end();
                      });
  }

  void end() {
    ErrorCodeOf ignored;  // the other side may have gone first
    stream_.socket().shutdown(tcp::socket::shutdown_send, ignored);
  }

  const std::shared_ptr<Impl> server_;  // shared: operations may end after the server
  beast::tcp_stream stream_;
  const std::string address_;
  beast::flat_buffer buffer_;
  std::optional<http::request_parser<http::string_body>> parser_;
  std::string host_;
  std::uint64_t number_ = 0;
  bool idle_ = true;
  bool keep_alive_ = false;
  bool head_only_ = false;
};

Status RpcServer::Impl::open() {
  const std::string where = options_.ip + ":" + std::to_string(options_.port);
  const auto failed = [&](const ErrorCodeOf& error) {
    return fail(ErrorCode::kIo, "RPC cannot listen on " + where + ": " + error.message());
  };
  ErrorCodeOf error;
  const auto ip = asio::ip::make_address(options_.ip, error);
  if (error) return failed(error);
  const tcp::endpoint endpoint(ip, options_.port);
  if (acceptor_.open(endpoint.protocol(), error)) return failed(error);
  if (acceptor_.set_option(tcp::acceptor::reuse_address(true), error)) return failed(error);
  if (acceptor_.bind(endpoint, error)) return failed(error);
  if (acceptor_.listen(asio::socket_base::max_listen_connections, error)) return failed(error);
  const tcp::endpoint bound = acceptor_.local_endpoint(error);
  if (error) return failed(error);
  port_ = bound.port();
  return {};
}

void RpcServer::Impl::accept() {
  acceptor_.async_accept([self = shared_from_this()](ErrorCodeOf error, tcp::socket socket) {
    if (self->closed_) return;
    if (!error) {
      self->admit(std::move(socket));
      return self->accept();
    }
    // Out of descriptors, most likely. Not at once again: that would spin.
    self->make_room();
    self->pause_.expires_after(kAcceptPause);
    self->pause_.async_wait([self](ErrorCodeOf) {
      if (!self->closed_) self->accept();
    });
  });
}

void RpcServer::Impl::admit(tcp::socket socket) {
  if (sessions_.size() >= options_.max_connections && !make_room()) return;  // closes the socket
  ErrorCodeOf error;
  const tcp::endpoint remote = socket.remote_endpoint(error);
  if (error) return;                              // gone already
  socket.set_option(tcp::no_delay(true), error);  // slower if refused, and no worse
  std::make_shared<HttpSession>(shared_from_this(), std::move(socket), remote.address().to_string())
      ->read();
}

bool RpcServer::Impl::make_room() {
  for (auto it = sessions_.begin(); it != sessions_.end(); ++it) {
    if (!it->second->idle()) continue;
    it->second->cut();
    sessions_.erase(it);  // it no longer counts, though its last operation is still to end
    return true;
  }
  return false;
}

void RpcServer::Impl::tick() {
  timer_.expires_after(kTick);
  timer_.async_wait([self = shared_from_this()](ErrorCodeOf error) {
    if (error || self->closed_) return;
    self->service_.tick();
    self->tick();
  });
}

void RpcServer::Impl::note(const env::TraceEvent& event) {
  if (closed_ || advancing_ || !RpcService::concerns(event)) return;
  advancing_ = true;
  // Not now: the node may be in the middle of a handler.
  asio::post(loop_, [self = shared_from_this()] {
    self->advancing_ = false;
    if (!self->closed_) self->service_.advance();
  });
}

void RpcServer::Impl::close() {
  if (closed_) return;
  closed_ = true;
  ErrorCodeOf ignored;  // it is closed either way
  acceptor_.close(ignored);
  timer_.cancel();
  pause_.cancel();
  for (const auto& [number, session] : sessions_) session->cut();
  service_.close();
}

RpcServer::RpcServer(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
RpcServer::~RpcServer() { close(); }

Result<std::unique_ptr<RpcServer>> RpcServer::listen(asio::io_context& loop, RpcOptions options,
                                                     NodeView& view) {
  auto impl = std::make_shared<Impl>(loop, std::move(options), view);
  TRY(impl->open());
  impl->start();
  return std::unique_ptr<RpcServer>(new RpcServer(std::move(impl)));
}

std::uint16_t RpcServer::port() const { return impl_->port(); }

void RpcServer::on_trace(Time, std::uint32_t, const env::TraceEvent& event) { impl_->note(event); }

void RpcServer::close() { impl_->close(); }

}  // namespace orrery::testnet
