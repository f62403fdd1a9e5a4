// A simulated network behind a real RPC server: for clients that need a socket to talk to.
//   rpc_host [--speed N] [--port N] [--seconds N]
// Virtual time runs N times as fast as the wall clock (10). Its first line is {"port", "seed"}:
// where it listens, and the secret of an account with money (users-1). It ends with its standard
// input, or after so many seconds (600).
#include <poll.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "harness/testnet/rpc/server.h"
#include "reports/web/live_page.h"
#include "tests/unit/harness/testnet/rpc/sim_view.h"

namespace orrery::testnet {
namespace {

using WallClock = std::chrono::steady_clock;

struct Settings {
  std::int64_t speed = 10;
  std::int64_t seconds = 600;
  std::uint16_t port = 0;
};

// What the served node traces, and what the world does.
class OneNode final : public env::TraceSink {
 public:
  explicit OneNode(env::TraceSink*& to) : to_(to) {}
  void on_trace(Time now, std::uint32_t node, const env::TraceEvent& event) override {
    if (to_ && (node == kServedNode || node == kWorld)) to_->on_trace(now, node, event);
  }

 private:
  env::TraceSink*& to_;
};

bool input_ended() {
  pollfd input{.fd = STDIN_FILENO, .events = POLLIN, .revents = 0};
  if (::poll(&input, 1, 0) <= 0) return false;
  char byte = 0;
  return ::read(STDIN_FILENO, &byte, 1) <= 0;
}

int serve(const Settings& settings) {
  env::TraceSink* server_sink = nullptr;
  OneNode sink(server_sink);
  const auto world = rpc_world(R"yaml(timeline:
  - {name: liar, at: t+3m, do: behave, targets: "workers-0", behaviour: lie-inference, for: 4m}
  - name: split
    at: t+10m
    do: partition
    for: 2m
    sides:
      - users-0 | validators-0 | workers-0
      - boot-0 | group(validators)[1..3] | group(workers)[1..2] | users-1
)yaml",
                               "8h");
  world->simulator().add_trace_sink(sink);
  SimView view(*world);
  auto page = report::live_page();
  if (!page) {
    std::fprintf(stderr, "rpc_host: %s\n", page.error().message.c_str());
    return 3;
  }
  boost::asio::io_context loop;
  auto server = RpcServer::listen(loop, {.port = settings.port, .page = std::move(*page)}, view);
  if (!server) {
    std::fprintf(stderr, "rpc_host: %s\n", server.error().message.c_str());
    return 3;
  }
  server_sink = server->get();
  const auto user = run::account_key(world->scenario(), "users-1");
  std::printf("{\"port\": %u, \"seed\": \"%s\"}\n", (*server)->port(),
              to_hex(user.secret_key().seed()).c_str());
  std::fflush(stdout);
  const auto start = WallClock::now();
  const auto end = start + std::chrono::seconds(settings.seconds);
  while (WallClock::now() < end && !input_ended()) {
    loop.run_for(std::chrono::milliseconds(5));
    const auto real =
        std::chrono::duration_cast<std::chrono::nanoseconds>(WallClock::now() - start);
    const Status ran = world->run_until(Time{} + Duration::nanos(real.count()) * settings.speed);
    if (!ran) {
      std::fprintf(stderr, "rpc_host: %s\n", ran.error().message.c_str());
      return 1;
    }
  }
  (*server)->close();
  loop.run_for(std::chrono::milliseconds(100));
  return 0;
}

}  // namespace
}  // namespace orrery::testnet

int main(int argc, char** argv) {
  orrery::testnet::Settings settings;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string_view name = argv[i];
    const std::int64_t value = std::strtoll(argv[i + 1], nullptr, 10);
    if (name == "--speed") settings.speed = value;
    if (name == "--seconds") settings.seconds = value;
    if (name == "--port") settings.port = static_cast<std::uint16_t>(value);
  }
  return orrery::testnet::serve(settings);
}
