// A server on a loopback port over a simulated node that stands still, its loop on a thread of its
// own, and raw connections to it.
#pragma once

#include <gtest/gtest.h>

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <future>
#include <thread>

#include "harness/testnet/rpc/server.h"
#include "protocol/types/trace_kinds.h"
#include "tests/unit/harness/testnet/rpc/sim_view.h"

namespace orrery::testnet {

class Door {
 public:
  explicit Door(RpcOptions options = {}) : world_(rpc_world()), view_(*world_) {
    EXPECT_TRUE(world_->run_until(Time{} + Duration::minutes(1)).has_value());
    if (options.page.empty()) options.page = "<p>page</p>";
    auto server = RpcServer::listen(loop_, std::move(options), view_);
    ENSURE(server.has_value(), "a port is free");
    server_ = std::move(*server);
    thread_ = std::thread([this] { loop_.run(); });
  }
  ~Door() {
    on_loop([this] { server_->close(); });
    thread_.join();  // all that the server waited for has ended
  }
  std::uint16_t port() const { return server_->port(); }
  // Runs `what` between the server's handlers.
  template <class Function>
  void on_loop(Function&& what) {
    std::promise<void> done;
    boost::asio::post(loop_, [&] {
      what();
      done.set_value();
    });
    done.get_future().wait();
  }
  void run_world(Duration more) {
    on_loop([&] {
      EXPECT_TRUE(world_->run_until(world_->simulator().now() + more).has_value());
      server_->on_trace({}, 0, {.kind = chain::kTraceHead});
    });
  }

 private:
  std::unique_ptr<run::World> world_;
  SimView view_;
  boost::asio::io_context loop_;
  std::unique_ptr<RpcServer> server_;
  std::thread thread_;
};

// A connection that sends what it is told. Reads give up after ten seconds.
class Client {
 public:
  using tcp = boost::asio::ip::tcp;
  using ErrorCodeOf = boost::system::error_code;
  struct Answer {
    unsigned status = 0;  // 0: the connection was closed
    std::string body;
    std::string type;
  };

  explicit Client(std::uint16_t port) : stream_(loop_) {
    stream_.socket().connect({boost::asio::ip::make_address("127.0.0.1"), port});
  }
  // False if the server has closed.
  bool send(std::string_view bytes) {
    ErrorCodeOf error;
    boost::asio::write(stream_.socket(), boost::asio::buffer(bytes.data(), bytes.size()), error);
    return !error;
  }
  Answer receive(bool head = false) {
    namespace http = boost::beast::http;
    http::response_parser<http::string_body> parser;
    parser.body_limit(16 << 20);
    parser.skip(head);
    Answer answer;
    stream_.expires_after(std::chrono::seconds(10));
    http::async_read(stream_, buffer_, parser, [&](ErrorCodeOf error, std::size_t) {
      if (error) return;
      answer.status = parser.get().result_int();
      answer.body = parser.get().body();
      answer.type = std::string(parser.get()[http::field::content_type]);
    });
    loop_.restart();
    loop_.run();
    return answer;
  }
  Answer exchange(std::string_view bytes) {
    send(bytes);
    return receive();
  }
  // Whether the server closes this connection within ten seconds.
  bool closed() { return receive().status == 0; }
  boost::beast::tcp_stream& stream() { return stream_; }

 private:
  boost::asio::io_context loop_;
  boost::beast::tcp_stream stream_;
  boost::beast::flat_buffer buffer_;
};

inline std::string post(std::string_view body, std::string_view headers = {}) {
  return fmt::format("POST / HTTP/1.1\r\nHost: 127.0.0.1\r\n{}Content-Length: {}\r\n\r\n{}",
                     headers, body.size(), body);
}
inline std::string get(std::string_view target, std::string_view headers = {}) {
  return fmt::format("GET {} HTTP/1.1\r\nHost: 127.0.0.1\r\n{}\r\n", target, headers);
}
inline constexpr std::string_view kHealth = R"({"jsonrpc":"2.0","id":1,"method":"health"})";

}  // namespace orrery::testnet
