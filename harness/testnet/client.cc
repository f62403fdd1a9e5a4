#include "harness/testnet/client.h"

#include <fmt/format.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <charconv>
#include <chrono>
#include <nlohmann/json.hpp>
#include <optional>

namespace orrery::testnet {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using asio::ip::tcp;
using nlohmann::json;
using ErrorCodeOf = boost::system::error_code;

struct Place {
  std::string ip;
  std::uint16_t port = 0;
};

std::optional<std::uint16_t> port_of(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc{} || end != text.data() + text.size() || port == 0) return std::nullopt;
  return port;
}

// Nothing unless http://HOST:PORT with an optional slash behind.
std::optional<Place> place_of(std::string_view url) {
  constexpr std::string_view kScheme = "http://";
  if (!url.starts_with(kScheme)) return std::nullopt;
  url.remove_prefix(kScheme.size());
  if (url.ends_with('/')) url.remove_suffix(1);
  const std::size_t colon = url.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const auto port = port_of(url.substr(colon + 1));
  std::string host(url.substr(0, colon));
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  } else if (host == "localhost") {
    host = "127.0.0.1";
  }
  ErrorCodeOf error;
  asio::ip::make_address(host, error);
  if (!port || error) return std::nullopt;
  return Place{host, *port};
}

// One request on one connection; a deadline over all its steps.
class Exchange {
 public:
  explicit Exchange(Duration timeout) : stream_(loop_) {
    stream_.expires_after(std::chrono::nanoseconds(timeout.ns));
  }

  ErrorCodeOf connect(const tcp::endpoint& where) {
    return finish([&](auto done) { stream_.async_connect(where, done); });
  }
  ErrorCodeOf send(const http::request<http::string_body>& request) {
    return finish([&](auto done) { http::async_write(stream_, request, done); });
  }
  ErrorCodeOf receive() {
    parser_.body_limit(RpcClient::kMaxAnswerBytes);
    return finish([&](auto done) { http::async_read(stream_, buffer_, parser_, done); });
  }
  unsigned status() const { return parser_.get().result_int(); }
  const std::string& body() const { return parser_.get().body(); }

 private:
  // The stream's deadline holds for asynchronous steps only, so each runs the loop until it ends.
  template <class Start>
  ErrorCodeOf finish(const Start& start) {
    ErrorCodeOf outcome;
    start([&outcome](ErrorCodeOf error, auto&&...) { outcome = error; });
    loop_.restart();
    loop_.run();
    return outcome;
  }

  asio::io_context loop_;
  beast::tcp_stream stream_;
  beast::flat_buffer buffer_;
  http::response_parser<http::string_body> parser_;
};

http::request<http::string_body> post(const std::string& url, const std::string& method,
                                      const std::string& params) {
  http::request<http::string_body> request{http::verb::post, "/", 11};
  request.set(http::field::host, url.substr(url.find("//") + 2));
  request.set(http::field::content_type, "application/json");
  request.keep_alive(false);
  request.body() = fmt::format(R"({{"jsonrpc":"2.0","id":1,"method":{},"params":{}}})",
                               json(method).dump(), params);
  request.prepare_payload();
  return request;
}

Result<std::string> result_of(const std::string& where, const std::string& body) {
  const json answer = json::parse(body, nullptr, false);
  const bool ours = answer.is_object() && answer.value("jsonrpc", json()) == "2.0";
  if (ours && answer.contains("result")) return answer["result"].dump();
  const json error = ours ? answer.value("error", json()) : json();
  if (!error.is_object() || !error.value("message", json()).is_string()) {
    return fail(ErrorCode::kMalformed, where + ": the answer is not JSON-RPC");
  }
  return fail(ErrorCode::kRefused,
              fmt::format("{}: {} ({})", where, error["message"].get<std::string>(),
                          error.value("code", json()).dump()));
}

}  // namespace

Result<RpcClient> RpcClient::at(const std::string& url) {
  auto place = place_of(url);
  if (!place) {
    return fail(
        ErrorCode::kInvalidArgument,
        fmt::format("{}: expected the address of a node, such as http://127.0.0.1:4001", url));
  }
  return RpcClient(url.ends_with('/') ? url.substr(0, url.size() - 1) : url, std::move(place->ip),
                   place->port);
}

Result<std::string> RpcClient::call(const std::string& method, const std::string& params,
                                    Duration timeout) const {
  const std::string where = fmt::format("{} {}", url_, method);
  Exchange exchange(timeout);
  if (const auto error = exchange.connect({asio::ip::make_address(ip_), port_})) {
    return fail(ErrorCode::kIo, fmt::format("{}: nobody answers ({})", url_, error.message()));
  }
  ErrorCodeOf error = exchange.send(post(url_, method, params));
  if (!error) error = exchange.receive();
  if (error == beast::error::timeout) {
    return fail(ErrorCode::kLimit, fmt::format("{}: no answer within {} s", where,
                                               static_cast<double>(timeout.ns) * 1e-9));
  }
  if (error) return fail(ErrorCode::kIo, fmt::format("{}: {}", where, error.message()));
  if (exchange.status() != 200) {
    return fail(ErrorCode::kIo,
                fmt::format("{}: HTTP {}: {}", where, exchange.status(), exchange.body()));
  }
  return result_of(where, exchange.body());
}

}  // namespace orrery::testnet
