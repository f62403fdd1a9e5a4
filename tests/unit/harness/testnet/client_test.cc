#include "harness/testnet/client.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <nlohmann/json.hpp>
#include <thread>

#include "tests/unit/harness/testnet/rpc/door.h"

namespace orrery::testnet {
namespace {

using boost::asio::ip::tcp;
using nlohmann::json;

// Takes one connection, reads a little of the request, writes `answer` and closes; with nothing to
// answer it keeps the connection until the other side closes.
class Scripted {
 public:
  explicit Scripted(std::string answer)
      : acceptor_(loop_, {boost::asio::ip::address_v4::loopback(), 0}),
        thread_([this, answer = std::move(answer)] { serve(answer); }) {}
  ~Scripted() { thread_.join(); }
  std::string url() const {
    return fmt::format("http://127.0.0.1:{}", acceptor_.local_endpoint().port());
  }

 private:
  void serve(const std::string& answer) {
    boost::system::error_code error;
    tcp::socket socket = acceptor_.accept(error);
    std::array<char, 4096> some{};
    socket.read_some(boost::asio::buffer(some), error);
    if (!answer.empty()) {
      boost::asio::write(socket, boost::asio::buffer(answer), error);
      socket.shutdown(tcp::socket::shutdown_send, error);
    }
    while (!error) socket.read_some(boost::asio::buffer(some), error);
  }

  boost::asio::io_context loop_;
  tcp::acceptor acceptor_;
  std::thread thread_;
};

std::string http(std::string_view body, std::string_view status = "200 OK") {
  return fmt::format("HTTP/1.1 {}\r\nContent-Length: {}\r\n\r\n{}", status, body.size(), body);
}

Error error_of(const std::string& answer, Duration timeout = Duration::seconds(10)) {
  const Scripted server(answer);
  const auto result = RpcClient::at(server.url())->call("health", "{}", timeout);
  EXPECT_FALSE(result.has_value());
  return result ? Error{} : result.error();
}

bool says(const Error& error, std::string_view words) {
  return error.message.find(words) != std::string::npos;
}

TEST(RpcClient, KnowsAddressesOfNodes) {
  for (const char* url : {"http://127.0.0.1:4001", "http://127.0.0.1:4001/", "http://[::1]:4001",
                          "http://localhost:4001"}) {
    EXPECT_TRUE(RpcClient::at(url).has_value()) << url;
  }
  for (const char* url : {"", "http://", "127.0.0.1:4001", "https://127.0.0.1:4001", "http://a:1",
                          "http://127.0.0.1", "http://127.0.0.1:0", "http://127.0.0.1:65536",
                          "http://127.0.0.1:40x", "http://127.0.0.1:4001/x", "http://[]:1"}) {
    const auto client = RpcClient::at(url);
    ASSERT_FALSE(client.has_value()) << url;
    EXPECT_EQ(client.error().code, ErrorCode::kInvalidArgument);
  }
  EXPECT_EQ(RpcClient::at("http://127.0.0.1:4001/")->url(), "http://127.0.0.1:4001");
}

TEST(RpcClient, AsksARealDoor) {
  Door door;
  const auto client = RpcClient::at(fmt::format("http://localhost:{}", door.port()));
  const auto info = client->call("getChainInfo");
  ASSERT_TRUE(info.has_value()) << info.error().message;
  EXPECT_EQ(json::parse(*info)["chain_id"], "orrery-1");
  const auto none = client->call("getTransaction", json{{"hash", std::string(64, 'a')}}.dump());
  EXPECT_EQ(none.value_or("?"), "null");
}

TEST(RpcClient, PassesOnWhatANodeRefuses) {
  Door door;
  const auto client = RpcClient::at(fmt::format("http://127.0.0.1:{}", door.port()));
  const auto refused = client->call("getBlock", "[1000000]");
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, ErrorCode::kRefused);
  EXPECT_EQ(refused.error().message, client->url() + " getBlock: block not found (1001)");
}

TEST(RpcClient, NamesTheAddressWhereNobodyAnswers) {
  std::string url;
  {
    boost::asio::io_context loop;
    tcp::acceptor acceptor(loop, {boost::asio::ip::address_v4::loopback(), 0});
    url = fmt::format("http://127.0.0.1:{}", acceptor.local_endpoint().port());
  }
  const auto result = RpcClient::at(url)->call("health");
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().code, ErrorCode::kIo);
  EXPECT_TRUE(says(result.error(), url)) << result.error().message;
}

TEST(RpcClient, GivesUpAtTheDeadline) {
  const Error error = error_of("", Duration::millis(50));
  EXPECT_EQ(error.code, ErrorCode::kLimit);
  EXPECT_TRUE(says(error, "health: no answer within 0.05 s")) << error.message;
}

TEST(RpcClient, BelievesOnlyJsonRpc) {
  EXPECT_EQ(error_of(http("not JSON")).code, ErrorCode::kMalformed);
  EXPECT_EQ(error_of(http("[]")).code, ErrorCode::kMalformed);
  EXPECT_EQ(error_of(http(R"({"result":1})")).code, ErrorCode::kMalformed);
  EXPECT_EQ(error_of(http(R"({"jsonrpc":"2.0","id":1})")).code, ErrorCode::kMalformed);
  EXPECT_EQ(error_of(http(R"({"jsonrpc":"2.0","error":{"message":7}})")).code,
            ErrorCode::kMalformed);
  EXPECT_EQ(error_of("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{").code, ErrorCode::kIo);
  EXPECT_EQ(error_of("SSH-2.0-OpenSSH\r\n").code, ErrorCode::kIo);
  const Error busy = error_of(http("slow down", "429 Too Many Requests"));
  EXPECT_EQ(busy.code, ErrorCode::kIo);
  EXPECT_TRUE(says(busy, "HTTP 429: slow down")) << busy.message;
}

TEST(RpcClient, TakesNoAnswerWithoutBound) {
  const std::string huge =
      fmt::format("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", RpcClient::kMaxAnswerBytes + 1);
  EXPECT_EQ(error_of(huge).code, ErrorCode::kIo);
}

}  // namespace
}  // namespace orrery::testnet
