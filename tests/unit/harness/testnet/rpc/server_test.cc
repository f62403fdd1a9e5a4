#include <boost/beast/websocket.hpp>

#include "tests/unit/harness/testnet/rpc/door.h"

namespace orrery::testnet {
namespace {

namespace websocket = boost::beast::websocket;
using boost::system::error_code;

TEST(RpcServer, AnswersCallsOneAfterTheOtherOnAConnection) {
  Door door;
  Client client(door.port());
  for (int i = 0; i < 3; ++i) {
    const auto answer = client.exchange(post(kHealth));
    EXPECT_EQ(answer.status, 200u);
    EXPECT_EQ(answer.type, "application/json");
    EXPECT_NE(answer.body.find("\"result\""), std::string::npos);
  }
  EXPECT_EQ(client.exchange(post(R"({"jsonrpc":"2.0","method":"health"})")).status, 204u);
  EXPECT_EQ(client.exchange(post("{")).status, 200u);
  EXPECT_EQ(client.exchange(get("/")).body, "<p>page</p>");
  EXPECT_EQ(client.exchange(get("/none")).status, 404u);
  client.send("HEAD /health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
  EXPECT_EQ(client.receive(true).status, 200u);
  EXPECT_EQ(client.exchange("OPTIONS / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n").status, 405u);
  EXPECT_EQ(client.exchange(get("/health", "Connection: close\r\n")).status, 200u);
  EXPECT_TRUE(client.closed());
}

TEST(RpcServer, RefusesForeignHostsAndOriginsForEverything) {
  Door door;
  for (const char* headers : {"Host: evil.example\r\n", "Host: 127.0.0.1\r\nOrigin: null\r\n",
                              "Host: 127.0.0.1\r\nOrigin: http://evil.example\r\n", ""}) {
    for (const char* line : {"GET /health HTTP/1.1\r\n", "POST / HTTP/1.1\r\n",
                             "GET / HTTP/1.1\r\nUpgrade: websocket\r\nConnection: upgrade\r\n"}) {
      Client client(door.port());
      EXPECT_EQ(client.exchange(std::string(line) + headers + "Content-Length: 0\r\n\r\n").status,
                403u)
          << line << headers;
    }
  }
  Client own(door.port());
  EXPECT_EQ(own.exchange(get("/health", "Origin: http://127.0.0.1\r\n")).status, 200u);
}

TEST(RpcServer, BoundsWhatARequestMayBring) {
  Door door({.max_body_bytes = 1000});
  EXPECT_EQ(Client(door.port()).exchange(post(std::string(1000, ' '))).status, 200u);
  EXPECT_EQ(Client(door.port()).exchange(post(std::string(1001, ' '))).status, 413u);
  EXPECT_EQ(
      Client(door.port()).exchange(get("/", "X: " + std::string(20'000, 'x') + "\r\n")).status,
      431u);
  EXPECT_EQ(Client(door.port()).exchange("nonsense\r\n\r\n").status, 400u);
  EXPECT_EQ(Client(door.port())
                .exchange("POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n"
                          "ffffffff\r\n")
                .status,
            413u);
}

TEST(RpcServer, ClosesWhoeverTakesTooLongForARequest) {
  Door door({.read_timeout_ms = 200});
  Client silent(door.port());
  Client slow(door.port());
  slow.send("POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Le");
  EXPECT_TRUE(silent.closed());
  EXPECT_TRUE(slow.closed());
}

TEST(RpcServer, GivesAnAddressNoMoreThanItsRate) {
  Door door({.requests_per_second = 20});
  Client client(door.port());
  unsigned status = 200;
  int answered = 0;
  for (; status == 200 && answered < 10'000; ++answered) {
    status = client.exchange(post(kHealth)).status;
  }
  EXPECT_EQ(status, 429u);
  EXPECT_GE(answered, 20);  // the burst it has
}

TEST(RpcServer, TheLongestIdleConnectionMakesRoom) {
  Door door({.max_connections = 8});
  std::vector<std::unique_ptr<Client>> idle;
  for (int i = 0; i < 20; ++i) idle.push_back(std::make_unique<Client>(door.port()));
  EXPECT_EQ(Client(door.port()).exchange(post(kHealth)).status, 200u);
  EXPECT_TRUE(idle.front()->closed());
}

TEST(RpcServer, CannotListenTwiceOnAPort) {
  Door door;
  const auto world = rpc_world();
  SimView view(*world);
  boost::asio::io_context loop;
  const auto second = RpcServer::listen(loop, {.port = door.port()}, view);
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().code, ErrorCode::kIo);
  EXPECT_NE(second.error().message.find(std::to_string(door.port())), std::string::npos);
}

TEST(RpcServer, EndsWithConnectionsOpenAndAnswersOwed) {
  auto door = std::make_unique<Door>();
  Client waiting(door->port());
  waiting.send(post(R"({"jsonrpc":"2.0","id":1,"method":"chatCompletion","params":
      {"model_id":"small","messages":[{"role":"user","content":"hi"}]}})"));
  Client idle(door->port());
  EXPECT_EQ(Client(door->port()).exchange(post(kHealth)).status, 200u);
  door.reset();
  EXPECT_TRUE(waiting.closed());
  EXPECT_TRUE(idle.closed());
}

struct WsClient {
  explicit WsClient(std::uint16_t port, int receive_buffer = 0) : stream(loop) {
    auto& socket = stream.next_layer();
    socket.open(boost::asio::ip::tcp::v4());
    if (receive_buffer > 0) {
      socket.set_option(boost::asio::socket_base::receive_buffer_size(receive_buffer));
    }
    socket.connect({boost::asio::ip::make_address("127.0.0.1"), port});
    stream.handshake("127.0.0.1:" + std::to_string(port), "/");
  }
  std::string read() {
    boost::beast::flat_buffer buffer;
    error_code error;
    stream.read(buffer, error);
    last = error;
    return boost::beast::buffers_to_string(buffer.data());
  }
  boost::asio::io_context loop;
  websocket::stream<boost::asio::ip::tcp::socket> stream;
  error_code last;
};

TEST(RpcServer, PushesEventsToAWebSocket) {
  Door door;
  WsClient client(door.port());
  client.stream.write(boost::asio::buffer(
      std::string(R"({"jsonrpc":"2.0","id":1,"method":"subscribe","params":["newBlock"]})")));
  EXPECT_NE(client.read().find("\"result\""), std::string::npos);
  door.run_world(Duration::minutes(2));
  EXPECT_NE(client.read().find("\"method\":\"newBlock\""), std::string::npos);
  client.stream.close(websocket::close_code::normal);
}

TEST(RpcServer, LetsAReaderThatDoesNotReadGoWith1013) {
  Door door({.requests_per_second = 1'000'000, .max_queued_bytes = 100'000});
  WsClient client(door.port(), 4096);
  const std::string ask = R"({"jsonrpc":"2.0","id":1,"method":"getBlocks","params":[100]})";
  // The kernel's buffers fill first, then the server's queue.
  error_code error;
  for (int i = 0; i < 5000 && !error; ++i) client.stream.write(boost::asio::buffer(ask), error);
  while (!client.last) client.read();
  EXPECT_EQ(client.last, websocket::error::closed);
  EXPECT_EQ(client.stream.reason().code, websocket::close_code::try_again_later);
  EXPECT_EQ(Client(door.port()).exchange(post(kHealth)).status, 200u);
}

}  // namespace
}  // namespace orrery::testnet
