// Measures the Simulator with small nodes: messages, timers and trace events, no chain.
//   simulator_bench --nodes=N --events=M      at least about M events are timed
// Built twice: as it is, and with the question whether anybody watches taken out (watch.h). Prints
// one line of JSON. See harness/bench.
#include <fmt/format.h>

#include <memory>

#include "engine/base/codec.h"
#include "engine/sim/simulator.h"
#include "tests/bench/measure.h"

namespace orrery::bench {
namespace {

constexpr std::uint32_t kPeers = 4;
constexpr int kStarted = 8;  // messages, each second, that then go round for ever
constexpr env::TraceKind kHeard = 300;

// Passes what it hears on to one of its peers, and starts something new each second.
class Passer final : public env::Node {
 public:
  Passer(std::uint32_t index, std::uint32_t nodes) : index_(index), nodes_(nodes) {}

  void boot(env::Env& env, const env::BootInfo&) override {
    for (std::uint32_t i = 1; i <= kPeers; ++i) {
      env.transport.dial({fmt::format("sim/{}", (index_ + i * i) % nodes_)});
    }
    env.timers.arm(env.clock.mono() + Duration::seconds(1), {});
  }
  void on(env::Env& env, const env::Event& event) override {
    if (const auto* up = std::get_if<env::PeerUp>(&event)) peers_.push_back(up->peer);
    if (std::holds_alternative<env::TimerFired>(event)) {
      env.timers.arm(env.clock.mono() + Duration::seconds(1), {});
      for (int i = 0; i < kStarted; ++i) pass(env, Buffer(Bytes(100)));
    }
    if (const auto* message = std::get_if<env::MessageIn>(&event)) {
      ++heard_;
      env.trace.emit({.kind = kHeard, .n = {heard_, 0, 0, 0}});
      pass(env, message->payload);
    }
  }
  Digest128 fold(Digest128 digest) const override {
    return extend(digest, Writer().u64(heard_).view());
  }
  std::uint64_t heard() const { return heard_; }

 private:
  void pass(env::Env& env, const Buffer& payload) {
    if (peers_.empty()) return;
    const std::size_t to = env.random.u64(stream_id("bench.pass")) % peers_.size();
    (void)env.transport.send(peers_[to], env::Channel::kReliable, payload);
  }

  std::uint32_t index_, nodes_;
  std::uint64_t heard_ = 0;
  std::vector<env::PeerId> peers_;
};

int run(int argc, char** argv) {
  const auto nodes = static_cast<std::uint32_t>(number_of(argc, argv, "nodes", 100));
  const std::uint64_t events = number_of(argc, argv, "events", 1'000'000);
  if (nodes < 20) {
    std::fputs("usage: simulator_bench --nodes=N (20 or more) --events=M\n", stderr);
    return 2;
  }
  auto made = sim::Simulator::make({});
  sim::Simulator& simulator = **made;
  for (std::uint32_t i = 0; i < nodes; ++i) {
    simulator.add_node({.name = fmt::format("n{}", i)},
                       [i, nodes] { return std::make_unique<Passer>(i, nodes); });
  }
  const auto until = [&](Time t) {
    if (const Status ran = simulator.run_until(t); !ran) {
      std::fprintf(stderr, "%s\n", ran.error().message.c_str());
      std::exit(1);
    }
  };
  until(Time{} + Duration::seconds(3));  // sessions are up, messages go round
  const std::uint64_t warm = simulator.events();
  Measured m = timed([&] {
    for (Time t = simulator.now(); simulator.events() - warm < events;) {
      t = t + Duration::millis(500);
      until(t);
    }
  });
  m.events = simulator.events() - warm;
  for (std::uint32_t i = 0; i < nodes; ++i) {
    m.check += static_cast<const Passer*>(simulator.node(i))->heard() * (i + 1);
  }
  m.print(fmt::format(", \"digest\": \"{}\"", to_hex(simulator.digest())).c_str());
  return 0;
}

}  // namespace
}  // namespace orrery::bench

int main(int argc, char** argv) { return orrery::bench::run(argc, argv); }
