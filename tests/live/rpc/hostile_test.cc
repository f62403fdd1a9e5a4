// The door against those who mean harm: whatever comes, it stays up, holds a bounded amount, and
// answers everybody else.
#include <sys/resource.h>

#include <boost/beast/websocket.hpp>
#include <fstream>

#include "engine/base/random.h"
#include "tests/unit/harness/testnet/rpc/door.h"

namespace orrery::testnet {
namespace {

constexpr int kMalformed = 100'000;
constexpr int kFrames = 20'000;
constexpr int kFramesEach = 200;  // on one connection
constexpr int kIdle = 2'000;
constexpr std::uint64_t kMoreMemory = 64u << 20;

std::uint64_t resident_bytes() {
  std::ifstream in("/proc/self/statm");
  std::uint64_t size = 0;
  std::uint64_t resident = 0;
  in >> size >> resident;
  return resident * 4096;
}

class Mutations {
 public:
  explicit Mutations(std::vector<std::string> seeds)
      : seeds_(std::move(seeds)), random_(7, 0, stream_id("rpc/hostile")) {}
  std::string next() {
    if (random_.below(8) == 0) return noise(1 + random_.below(200));
    std::string text = seeds_[random_.below(seeds_.size())];
    for (std::uint64_t edits = 1 + random_.below(4); edits > 0; --edits) edit(text);
    return text;
  }
  std::uint64_t below(std::uint64_t bound) { return random_.below(bound); }

 private:
  std::string noise(std::uint64_t size) {
    std::string out(size, '\0');
    for (char& c : out) c = static_cast<char>(random_.next());
    return out;
  }
  void edit(std::string& text) {
    const std::size_t at = random_.below(text.size() + 1);
    switch (random_.below(5)) {
      case 0: text.insert(at, noise(1 + random_.below(8))); break;
      case 1: text.erase(at, random_.below(12)); break;
      case 2: text.resize(at); break;
      case 3:
        if (at < text.size()) text[at] = static_cast<char>(random_.next());
        break;
      default: {
        const std::string& other = seeds_[random_.below(seeds_.size())];
        text = text.substr(0, at) + other.substr(random_.below(other.size() + 1));
      }
    }
  }

  std::vector<std::string> seeds_;
  RandomStream random_;
};

const std::vector<std::string> kCalls = {
    std::string(kHealth),
    R"([{"jsonrpc":"2.0","id":1,"method":"getBlock","params":["latest"]},{"jsonrpc":"2.0"}])",
    R"({"jsonrpc":"2.0","id":"x","method":"getStateProof","params":{"path":"/pools/rewards"}})",
    R"({"jsonrpc":"2.0","id":1,"method":"getBlocks","params":{"count":3,"before":5}})",
    R"({"jsonrpc":"2.0","id":2,"method":"submitTransaction","params":{"encoded":"01070000"}})",
    R"({"jsonrpc":"2.0","id":2,"method":"submitTransaction","params":{"chain_id":"orrery-1",)"
    R"("sender":"00","nonce":"18446744073709551616","fee":"-1","tag":1,"payload":""}})",
    R"({"jsonrpc":"2.0","id":3,"method":"subscribe","params":["newBlock",{"path":"/"}]})",
    R"({"jsonrpc":"2.0","id":3,"method":"unsubscribe","params":["1"]})",
    R"({"jsonrpc":"2.0","id":4,"method":"getTransaction","params":["00"]})",
    // Wrong in four ways: one that was right would wait for a network that stands still.
    R"({"jsonrpc":"2.0","id":5,"method":"chatCompletion","params":{"model_id":"smaller",)"
    R"("messages":[{"role":7,"content":""}],"temperature":-1e308,"max_tokens":-1}})"};

void expect_answers(Door& door) {
  EXPECT_EQ(Client(door.port()).exchange(post(kHealth)).status, 200u);
}

RpcOptions unlimited() { return {.requests_per_second = 10'000'000, .read_timeout_ms = 2'000}; }

// Most bodies on one connection after the other; some requests broken as HTTP, too.
TEST(HostileClients, AHundredThousandMalformedRequests) {
  Door door(unlimited());
  std::vector<std::string> requests;
  for (const std::string& call : kCalls) requests.push_back(post(call));
  requests.push_back(get("/blocks/latest"));
  requests.push_back(get("/state?path=%2Fpools%2Frewards"));
  requests.push_back(get("/",
                         "Upgrade: websocket\r\nConnection: Upgrade\r\n"
                         "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: x\r\n"));
  Mutations bodies(kCalls);
  Mutations raw(requests);
  const std::uint64_t before = resident_bytes();
  auto client = std::make_unique<Client>(door.port());
  int answered = 0;
  for (int i = 0; i < kMalformed; ++i) {
    if (i % 10 != 0) {
      const auto answer = client->exchange(post(bodies.next()));
      if (answer.status != 0) ++answered;
      ASSERT_TRUE(answer.status == 200 || answer.status == 204) << i << ' ' << answer.status;
      continue;
    }
    Client broken(door.port());  // sends and goes: nothing may be waited for
    broken.send(raw.next());
  }
  EXPECT_EQ(answered, kMalformed - kMalformed / 10);
  expect_answers(door);
  EXPECT_LT(resident_bytes(), before + kMoreMemory);
}

TEST(HostileClients, MalformedFramesOnWebSockets) {
  namespace websocket = boost::beast::websocket;
  Door door(unlimited());
  Mutations calls(kCalls);
  const std::uint64_t before = resident_bytes();
  int answered = 0;
  const std::string last = R"({"jsonrpc":"2.0","id":"last","method":"health"})";
  for (int i = 0; i < kFrames; i += kFramesEach) {
    Client client(door.port());
    websocket::stream<boost::beast::tcp_stream&> socket(client.stream());
    socket.handshake("127.0.0.1", "/");
    for (int n = 0; n < kFramesEach; ++n) {
      std::string text = calls.next();
      for (char& c : text) c = static_cast<char>(c & 0x7f);  // a text that is no UTF-8 ends it all
      socket.write(boost::asio::buffer(text));
    }
    socket.write(boost::asio::buffer(last));
    for (bool more = true; more; ++answered) {
      boost::beast::flat_buffer frame;
      socket.read(frame);
      more = boost::beast::buffers_to_string(frame.data()).find("\"last\"") == std::string::npos;
    }
    socket.text(i % 400 == 0);
    socket.write(boost::asio::buffer("\xc3\x28", 2));  // no UTF-8, or binary: closed either way
    client.send("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff");  // no frame at all
  }
  EXPECT_GT(answered, kFrames / 2);  // a piece of a call may be a notification
  expect_answers(door);
  EXPECT_LT(resident_bytes(), before + kMoreMemory);
}

TEST(HostileClients, ThousandsOfIdleAndSlowConnections) {
  rlimit limit{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
  limit.rlim_cur = std::min<rlim_t>(limit.rlim_max, 2 * kIdle + 1'000);
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &limit), 0);
  if (limit.rlim_cur < 2 * kIdle + 100) GTEST_SKIP() << "too few descriptors on this machine";
  Door door({.read_timeout_ms = 60'000});
  boost::asio::io_context loop;  // one for all: each has descriptors of its own
  std::vector<Client::tcp::socket> crowd;
  const std::string half = "POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ";
  for (int i = 0; i < kIdle; ++i) {
    crowd.emplace_back(loop).connect({boost::asio::ip::make_address("127.0.0.1"), door.port()});
    boost::system::error_code ignored;  // it may be the one that made room
    if (i % 2 == 0) boost::asio::write(crowd.back(), boost::asio::buffer(half), ignored);
    if (i % 100 == 0) expect_answers(door);
  }
  expect_answers(door);
}

TEST(HostileClients, OversizeOfEveryKind) {
  Door door(unlimited());
  for (int i = 0; i < 20; ++i) {
    Client body(door.port());
    body.send("POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 99999999999\r\n\r\n");
    EXPECT_EQ(body.receive().status, 413u);
    Client deep(door.port());
    EXPECT_EQ(deep.exchange(post(std::string(1 << 20, '['))).status, 200u);
    Client wide(door.port());
    std::string batch = "[1";
    while (batch.size() + 3 < (1 << 20)) batch += ",1";
    EXPECT_EQ(wide.exchange(post(batch + "]")).status, 200u);
    Client header(door.port());
    header.send("GET / HTTP/1.1\r\n");
    while (header.send("X: " + std::string(4096, 'y') + "\r\n")) continue;
  }
  expect_answers(door);
}

}  // namespace
}  // namespace orrery::testnet
