#include <gtest/gtest.h>

#include "tests/unit/engine/sim/script_node.h"

namespace orrery::sim {
namespace {

constexpr std::uint32_t kNodes = 6;

SimOptions options(std::uint64_t seed) {
  SimOptions o;
  o.seed = seed;
  o.checkpoint_events = 64;
  o.default_link = {.latency = {.kind = DistributionKind::kLognormal,
                                .a = 40'000'000,
                                .shape_q32 = std::int64_t{6} << 29},
                    .loss_ppm = 20'000,
                    .duplicate_ppm = 10'000};
  return o;
}

std::unique_ptr<TestWorld> chatty(SimOptions o) {
  auto world = std::make_unique<TestWorld>(std::move(o));
  for (std::uint32_t i = 0; i < kNodes; ++i) {
    world->add(chatter(i, kNodes), {.clock_drift_ppb = 1000 * static_cast<std::int64_t>(i)});
  }
  Simulator& s = *world->simulator;
  s.call_at(Time{Duration::seconds(5).ns}, [&s] { s.begin_partition({1, 1}, {{0, 1}, {2, 3}}); });
  s.call_at(Time{Duration::seconds(9).ns}, [&s] { s.end_partition({1, 1}); });
  s.call_at(Time{Duration::seconds(12).ns}, [&s] { s.crash({2, 2}, 4); });
  s.call_at(Time{Duration::seconds(15).ns}, [&s] { s.restart({2, 2}, 4); });
  return world;
}

Digest128 digest_of(SimOptions o) {
  const auto world = chatty(std::move(o));
  world->run(Duration::seconds(30));
  EXPECT_GT(world->simulator->events(), 2000u);
  return world->simulator->digest();
}

TEST(Determinism, TheSameSeedGivesTheSameDigestTwice) {
  EXPECT_EQ(digest_of(options(1)), digest_of(options(1)));
}

TEST(Determinism, AnotherSeedGivesAnotherDigest) {
  EXPECT_NE(digest_of(options(1)), digest_of(options(2)));
}

TEST(Determinism, TheMemoChangesNothing) {
  SimOptions off = options(1);
  off.memo = false;
  SimOptions tiny = options(1);
  tiny.memo_capacity = 2;
  EXPECT_EQ(digest_of(options(1)), digest_of(off));
  EXPECT_EQ(digest_of(options(1)), digest_of(tiny));
}

TEST(Determinism, LogsSinksAndInterruptChecksChangeNothing) {
  std::uint64_t lines = 0;
  SimOptions logged = options(1);
  logged.log = [&](Time, std::uint32_t, env::LogLevel, std::string_view) { ++lines; };
  logged.log_level = env::LogLevel::kDebug;
  logged.interrupt_events = 1;
  logged.interrupt = [] { return false; };
  EXPECT_EQ(digest_of(options(1)), digest_of(logged));
}

TEST(Determinism, TwoWorldsInOneProcessDoNotNoticeEachOther) {
  const auto a = chatty(options(1));
  const auto b = chatty(options(2));
  for (bool more = true; more;) {
    more = false;
    for (const auto* world : {&a, &b}) {
      Simulator& s = *(*world)->simulator;
      if (s.next_time() > Time{Duration::seconds(30).ns}) continue;
      ASSERT_TRUE(s.step().value());
      more = true;
    }
  }
  EXPECT_EQ(a->simulator->digest(), digest_of(options(1)));
  EXPECT_EQ(b->simulator->digest(), digest_of(options(2)));
}

TEST(Determinism, LookingAtDigestsInBetweenChangesNothing) {
  const auto world = chatty(options(1));
  for (int s = 1; s <= 30; ++s) {
    world->run(Duration::seconds(s));
    world->simulator->digest();
    world->simulator->checkpoint();
  }
  EXPECT_EQ(world->simulator->digest(), digest_of(options(1)));
}

TEST(Determinism, TheDigestSeesAChangeOfStateThatNoEventShows) {
  const auto world = chatty(options(1));
  world->run(Duration::seconds(30));
  static_cast<ScriptNode*>(world->simulator->mutable_node(3))->state ^= 1;
  EXPECT_NE(world->simulator->digest(), digest_of(options(1)));
}

// Arrival times at every receiver of pings that node 0 sends to all others each 100 ms.
std::vector<std::vector<Time>> arrivals(bool with_fault, std::uint32_t nodes) {
  TestWorld world(options(3));
  must(world.simulator->set_default_link(
      {.latency = {.kind = DistributionKind::kUniform, .a = 1000, .b = 90'000'000}}));
  Script sender;
  sender.boot = [nodes](env::Env& env, const env::BootInfo&) {
    for (std::uint32_t i = 1; i < nodes; ++i) env.transport.dial({"sim/" + std::to_string(i)});
    env.timers.arm(Time{Duration::seconds(1).ns}, {});
  };
  sender.on = [nodes](env::Env& env, const env::Event& event) {
    if (!std::holds_alternative<env::TimerFired>(event)) return;
    for (std::uint32_t i = 1; i < nodes; ++i) {
      env.transport.send({i}, env::Channel::kDatagram, buffer("ping"));
    }
    env.timers.arm(env.clock.mono() + Duration::millis(100), {});
  };
  world.add(sender);
  for (std::uint32_t i = 1; i < nodes; ++i) world.add({});
  Simulator& s = *world.simulator;
  if (with_fault) {
    s.call_at(Time{Duration::seconds(3).ns}, [&s] { s.begin_partition({1, 1}, {{0}, {1}}); });
    s.call_at(Time{Duration::seconds(5).ns}, [&s] { s.end_partition({1, 1}); });
  }
  world.run(Duration::seconds(10));
  std::vector<std::vector<Time>> times;
  for (std::uint32_t i = 1; i < nodes; ++i) {
    times.emplace_back();
    for (const auto& [time, message] : world.all<env::MessageIn>(i)) times.back().push_back(time);
  }
  return times;
}

TEST(Determinism, TakingAFaultAwayShiftsNoOtherLatency) {
  const auto with = arrivals(true, 4);
  const auto without = arrivals(false, 4);
  EXPECT_LT(with[0].size(), without[0].size());
  EXPECT_GT(with[1].size(), 80u);
  EXPECT_EQ(with[1], without[1]);
  EXPECT_EQ(with[2], without[2]);
  // On the link itself the messages outside the cut are untouched as well.
  for (const Time t : with[0]) {
    EXPECT_NE(std::find(without[0].begin(), without[0].end(), t), without[0].end());
  }
}

TEST(Determinism, TakingANodeAwayShiftsNoOtherLatency) {
  const auto more = arrivals(false, 4);
  const auto fewer = arrivals(false, 3);
  EXPECT_EQ(more[0], fewer[0]);
  EXPECT_EQ(more[1], fewer[1]);
}

TEST(Determinism, CheckpointsOfEqualRunsAreEqualAndBounded) {
  SimOptions often = options(1);
  often.checkpoint_events = 2;
  const auto a = chatty(often);
  const auto b = chatty(often);
  a->run(Duration::seconds(30));
  b->run(Duration::seconds(30));
  const auto& x = a->simulator->digest_log().checkpoints();
  const auto& y = b->simulator->digest_log().checkpoints();
  EXPECT_GT(x.size(), 20u);
  EXPECT_LE(x.size(), DigestLog::kMaxCheckpoints);
  ASSERT_EQ(x.size(), y.size());
  for (std::size_t i = 0; i < x.size(); ++i) {
    EXPECT_EQ(x[i].events, y[i].events);
    EXPECT_EQ(x[i].nodes, y[i].nodes);
  }
}

TEST(Determinism, CheckpointsAreRarerInALargerWorld) {
  SimOptions often = options(1);
  often.checkpoint_events = 2;
  EXPECT_EQ(chatty(often)->simulator->digest_log().period(), kCheckpointEventsPerNode * kNodes);
  EXPECT_EQ(chatty(options(1))->simulator->digest_log().period(),
            kCheckpointEventsPerNode * kNodes);
  often.checkpoint_events = 5000;
  EXPECT_EQ(chatty(often)->simulator->digest_log().period(), 5000u);
}

}  // namespace
}  // namespace orrery::sim
