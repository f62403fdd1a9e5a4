// A world whose handlers run ahead on threads goes through exactly what the same world goes through
// on one: events, digests at every checkpoint, traces in their order, replies, counters.
#include <gtest/gtest.h>

#include <string>
#include <tuple>
#include <vector>

#include "engine/base/codec.h"
#include "engine/base/random.h"
#include "engine/sim/simulator.h"
#include "harness/threads/thread_crew.h"

namespace orrery::sim {
namespace {

constexpr std::uint32_t kNodes = 60;
constexpr std::uint64_t kChoice = stream_id("test.choice");

// Does everything that the seam offers, as its own draws have it.
class Restless final : public env::Node {
 public:
  explicit Restless(std::uint32_t index) : index_(index) {}

  void boot(env::Env& env, const env::BootInfo& info) override {
    lives_ = info.boot;
    for (int i = 0; i < 4; ++i) dial(env);
    arm(env, 50);
  }
  void on(env::Env& env, const env::Event& event) override {
    ++heard_;
    if (const auto* message = std::get_if<env::MessageIn>(&event)) return hear(env, *message);
    if (const auto* request = std::get_if<env::Request>(&event)) {
      return env.replies.reply(request->id, request->body);
    }
    if (const auto* peer = std::get_if<env::PeerUp>(&event)) peers_.push_back(peer->peer);
    if (const auto* peer = std::get_if<env::PeerDown>(&event)) std::erase(peers_, peer->peer);
    if (const auto* timer = std::get_if<env::TimerFired>(&event)) {
      timer->cookie.kind == kTick ? tick(env) : send(env, 0);
    }
    if (const auto* job = std::get_if<env::JobDone>(&event)) sum_ += job->result.work_units;
    if (std::holds_alternative<env::Synced>(event)) sum_ += 1;
  }
  Digest128 fold(Digest128 digest) const override {
    Writer out;
    out.u64(digest.lo).u64(digest.hi).u64(heard_).u64(sum_).u64(lives_);
    return hash128(out.view());
  }

 private:
  static constexpr std::uint64_t kMillisecond = 1'000'000;
  static constexpr std::uint32_t kTick = 1, kSoon = 2;

  std::uint64_t draw(env::Env& env, std::uint64_t below) { return env.random.u64(kChoice) % below; }
  void arm(env::Env& env, std::uint64_t most_ms, std::uint32_t kind = kTick) {
    const std::uint64_t ns = draw(env, most_ms * kMillisecond);
    env.timers.arm(env.clock.mono() + Duration{static_cast<std::int64_t>(ns)}, {kind, 0, 0});
  }
  void dial(env::Env& env) { env.transport.dial({"sim/" + std::to_string(draw(env, kNodes))}); }
  void send(env::Env& env, std::uint8_t hops) {
    if (peers_.empty()) return;
    const env::PeerId to = peers_[draw(env, peers_.size())];
    const auto channel = draw(env, 5) == 0 ? env::Channel::kDatagram : env::Channel::kReliable;
    Bytes bytes(1 + draw(env, 40), static_cast<std::uint8_t>(index_));
    bytes[0] = hops;
    sum_ +=
        7 * static_cast<std::uint64_t>(env.transport.send(to, channel, Buffer(std::move(bytes))));
  }
  void hear(env::Env& env, const env::MessageIn& message) {
    sum_ = mix64(sum_, message.payload.hash().lo);
    const std::uint8_t hops = message.payload.view()[0];
    const auto shared = env.memo.get<std::uint64_t>(stream_id("test.memo"), message.payload.hash(),
                                                    [&] { return message.payload.hash().hi; });
    sum_ ^= *shared;
    if (hops > 0) send(env, static_cast<std::uint8_t>(hops - 1));
    if (draw(env, 6) == 0) arm(env, 1, kSoon);
    if (draw(env, 9) == 0) store(env);
  }
  void store(env::Env& env) {
    const Bytes key{static_cast<std::uint8_t>(draw(env, 20))};
    env.store.sync(env.store.apply({{key, Buffer(Bytes(9, 1))}}), env::Cookie{});
  }
  void tick(env::Env& env) {
    arm(env, 120);
    for (int i = 0; i < 3; ++i) send(env, 1);
    switch (draw(env, 12)) {
      case 0: dial(env); break;
      case 1: store(env); break;
      case 2: env.trace.emit({.kind = 900, .n = {sum_, 0, 0, 0}}); break;
      case 3:
        if (!peers_.empty()) {
          const env::PeerId peer = peers_[draw(env, peers_.size())];
          env.transport.drop(peer);
          sum_ += static_cast<std::uint64_t>(
              env.transport.send(peer, env::Channel::kReliable, Buffer(Bytes(3, 0))));
        }
        break;
      case 4: env.compute.submit({.sampling_seed = draw(env, 5)}, env::Cookie{}); break;
      case 5:
        if (!peers_.empty()) sum_ += env.transport.queued(peers_[0], env::Channel::kReliable);
        break;
      case 6:
        if (fails && index_ == 7) ENSURE(false, "node 7 fails on purpose");
        break;
      default: break;
    }
  }

  std::uint32_t index_;
  std::uint64_t heard_ = 0, sum_ = 0, lives_ = 0;
  std::vector<env::PeerId> peers_;

 public:
  bool fails = false;
};

struct Sink final : env::TraceSink {
  void on_trace(Time now, std::uint32_t node, const env::TraceEvent& event) override {
    seen.emplace_back(now.ns, node, event.kind, event.n);
  }
  std::vector<std::tuple<std::int64_t, std::uint32_t, env::TraceKind, std::array<std::uint64_t, 4>>>
      seen;
};

struct Outcome {
  Digest128 digest;
  std::uint64_t events = 0, ahead = 0;
  std::vector<Checkpoint> checkpoints;
  std::vector<NodeCounters> counters;
  std::vector<std::pair<std::int64_t, std::uint64_t>> replies;
  Sink sink;
  std::string error;
};

void plan_faults(Simulator& s) {
  const auto at = [&](std::int64_t seconds, std::function<void()> function) {
    s.call_at(Time{} + Duration::seconds(seconds), std::move(function));
  };
  at(3, [&s] { s.begin_partition({1, 1}, {{0, 1, 2, 3}, {4, 5, 6}}); });
  at(4, [&s] { s.end_partition({1, 1}); });
  at(5, [&s] { s.crash({2, 2}, 9); });
  at(7, [&s] { s.restart({2, 2}, 9); });
  at(8, [&s] {
    ASSERT_TRUE(s.begin_link({3, 3}, {{1, 2}, {2, 1}},
                             {.latency = {.kind = DistributionKind::kConst, .a = 3'000'000},
                              .loss_ppm = 100'000})
                    .has_value());
  });
  at(9, [&s] { s.end_link({3, 3}); });
}

Outcome run(std::uint64_t seed, unsigned threads, bool sink, bool fails = false) {
  SimOptions options{.seed = seed};
  options.default_link = {
      .latency = {.kind = DistributionKind::kUniform, .a = 15'000'000, .b = 60'000'000},
      .loss_ppm = 5'000,
      .duplicate_ppm = 5'000,
      .bytes_per_second = 200'000};
  auto simulator = *Simulator::make(std::move(options));
  Outcome outcome;
  simulator->set_compute([](const env::JobSpec& spec) {
    return env::JobResult{env::JobStatus::kDone, {}, 1000 * (1 + spec.sampling_seed)};
  });
  simulator->set_reply_callback([&](Time now, std::uint32_t, std::uint64_t id, const Buffer&) {
    outcome.replies.emplace_back(now.ns, id);
  });
  if (sink) simulator->add_trace_sink(outcome.sink);
  for (std::uint32_t i = 0; i < kNodes; ++i) {
    NodeOptions node{.name = "n" + std::to_string(i), .clock_drift_ppb = 500 * i};
    if (i % 3 == 0) node.uplink_bytes_per_second = 20'000;
    simulator->add_node(std::move(node), [i, fails] {
      auto made = std::make_unique<Restless>(i);
      made->fails = fails;
      return made;
    });
  }
  plan_faults(*simulator);
  for (std::uint64_t id = 0; id < 400; ++id) {
    simulator->inject_request(Time{} + Duration::millis(static_cast<std::int64_t>(30 * id)),
                              static_cast<std::uint32_t>(id % kNodes), id, Buffer(Bytes(5, 1)));
  }
  harness::ThreadCrew crew(threads);
  simulator->use_crew(&crew);
  const Status status = simulator->run_until(Time{} + Duration::seconds(12));
  if (!status) outcome.error = status.error().message;
  outcome.digest = simulator->digest();
  outcome.events = simulator->events();
  outcome.ahead = simulator->events_ahead();
  outcome.checkpoints = simulator->digest_log().checkpoints();
  for (std::uint32_t i = 0; i < kNodes; ++i) outcome.counters.push_back(simulator->counters(i));
  return outcome;
}

void expect_equal(const Outcome& a, const Outcome& b) {
  EXPECT_EQ(a.events, b.events);
  EXPECT_EQ(a.error, b.error);
  EXPECT_EQ(a.counters, b.counters);
  EXPECT_EQ(a.replies, b.replies);
  EXPECT_EQ(a.sink.seen, b.sink.seen);
  ASSERT_EQ(a.checkpoints.size(), b.checkpoints.size());
  for (std::size_t i = 0; i < a.checkpoints.size(); ++i) {
    EXPECT_EQ(a.checkpoints[i].events, b.checkpoints[i].events);
    ASSERT_EQ(a.checkpoints[i].nodes, b.checkpoints[i].nodes) << "at checkpoint " << i;
  }
  EXPECT_EQ(a.digest, b.digest);
}

TEST(RunningAhead, ChangesNothing) {
  for (const std::uint64_t seed : {1, 2}) {
    for (const bool sink : {false, true}) {
      const Outcome alone = run(seed, 1, sink);
      ASSERT_EQ(alone.error, "");
      EXPECT_GT(alone.events, 50'000u) << alone.events;
      EXPECT_GT(alone.checkpoints.size(), 10u);
      EXPECT_EQ(alone.replies.size() > 300, true);
      EXPECT_EQ(alone.ahead, 0u);
      for (const unsigned threads : {2u, 4u}) {
        const Outcome outcome = run(seed, threads, sink);
        expect_equal(alone, outcome);
        EXPECT_GT(outcome.ahead, outcome.events / 8) << threads << " threads";
      }
    }
  }
}

TEST(RunningAhead, AFailureIsTheSameFailure) {
  const Outcome alone = run(1, 1, true, true);
  EXPECT_NE(alone.error.find("node 7 fails on purpose"), std::string::npos) << alone.error;
  for (const unsigned threads : {2u, 4u}) {
    const Outcome outcome = run(1, threads, true, true);
    EXPECT_EQ(outcome.error, alone.error);
    EXPECT_EQ(outcome.events, alone.events);
    EXPECT_EQ(outcome.sink.seen, alone.sink.seen);
  }
}

}  // namespace
}  // namespace orrery::sim
