#include "engine/sim/simulator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/engine/sim/script_node.h"

namespace orrery::sim {
namespace {

using testing::HasSubstr;

Time at(Duration d) { return Time{d.ns}; }

TEST(Simulator, NodesBootAtTimeZeroInOrderOfIndex) {
  TestWorld world;
  std::vector<int> order;
  for (int i = 0; i < 3; ++i) {
    world.add({.boot = [&order, i](env::Env&, const env::BootInfo&) { order.push_back(i); }});
  }
  world.simulator->call_at({}, [&] { order.push_back(99); });
  world.run({});
  EXPECT_EQ(order, (std::vector<int>{0, 1, 2, 99}));
}

TEST(Simulator, ATimerFiresAtOrAfterItsTimeOnADriftingClockAndNeverBefore) {
  for (const std::int64_t drift : {-50'000'000, -333, 0, 1, 999'999, 100'000'000}) {
    TestWorld world;
    std::vector<std::pair<Time, Time>> fired;  // wanted, seen
    world.add({.boot =
                   [](env::Env& env, const env::BootInfo&) {
                     for (std::int64_t t : {1LL, 12'345'678'901LL, 3'600'000'000'007LL}) {
                       env.timers.arm(Time{t}, {0, static_cast<std::uint64_t>(t), 0});
                     }
                   },
               .on =
                   [&](env::Env& env, const env::Event& event) {
                     const auto& timer = std::get<env::TimerFired>(event);
                     fired.emplace_back(Time{static_cast<std::int64_t>(timer.cookie.a)},
                                        env.clock.mono());
                   }},
              {.clock_drift_ppb = drift});
    world.run(Duration::minutes(120));
    ASSERT_EQ(fired.size(), 3u);
    for (const auto& [wanted, seen] : fired) {
      EXPECT_GE(seen, wanted) << drift;
      EXPECT_LE(seen.ns, wanted.ns + 1) << drift;
    }
  }
}

TEST(Simulator, ADriftingClockRunsFastByTheStatedRate) {
  TestWorld world;
  world.add({}, {.clock_offset = Duration::millis(-250), .clock_drift_ppb = 100'000});
  world.run(Duration::seconds(1000));
  EXPECT_EQ(world.env(0).clock.mono().ns, 1'000'100'000'000);
  EXPECT_EQ(world.env(0).clock.wall().ns, kWallOrigin + 1'000'100'000'000 - 250'000'000);
}

TEST(Simulator, AClockFaultMovesTheWallAndNotTheMonotonicClock) {
  TestWorld world;
  world.add({});
  world.run(Duration::seconds(1));
  Simulator& s = *world.simulator;
  s.begin_clock({1, 4}, 0, {.offset = Duration::seconds(5)});
  s.begin_clock({2, 4}, 0, {.offset = Duration::seconds(-1)});
  EXPECT_EQ(world.env(0).clock.wall().ns, kWallOrigin + Duration::seconds(5).ns);
  EXPECT_EQ(world.env(0).clock.mono(), at(Duration::seconds(1)));
  s.end_clock({1, 4}, 0);
  EXPECT_EQ(world.env(0).clock.wall().ns, kWallOrigin);
}

TEST(Simulator, ACancelledTimerNeverFiresAndCancellingAFiredOneIsHarmless) {
  TestWorld world;
  std::uint64_t early = 0;
  world.add({.boot =
                 [&](env::Env& env, const env::BootInfo&) {
                   early = env.timers.arm(Time{10}, {1, 0, 0});
                   const std::uint64_t late = env.timers.arm(Time{20}, {2, 0, 0});
                   env.timers.arm(Time{30}, {3, late, 0});
                   env.timers.cancel(late);
                   env.timers.cancel(env.timers.arm(kNever, {4, 0, 0}));
                 },
             .on = [&](env::Env& env, const env::Event&) { env.timers.cancel(early); }});
  world.run(Duration::seconds(1));
  const auto fired = world.all<env::TimerFired>(0);
  ASSERT_EQ(fired.size(), 2u);
  EXPECT_EQ(fired[0].second.cookie.kind, 1u);
  EXPECT_EQ(fired[1].second.cookie.kind, 3u);
}

TEST(Simulator, ACrashLosesTheNodeItsTimersAndUnsyncedWritesOnly) {
  TestWorld world;
  std::vector<std::uint64_t> boots;
  world.add({.boot = [&](env::Env&, const env::BootInfo& info) { boots.push_back(info.boot); }});
  world.run(Duration::seconds(1));
  {
    env::Env& env = world.env(0);
    env.store.sync(env.store.apply({{{1}, buffer("synced")}}), {});
    world.run(Duration::seconds(2));
    env.store.sync(env.store.apply({{{2}, buffer("in flight")}}), {});  // answered 4 ms later
    env.store.apply({{{3}, buffer("never synced")}});
    env.timers.arm(at(Duration::seconds(100)), {});
    EXPECT_TRUE(world.simulator->durable(0, Bytes{1}));
    EXPECT_FALSE(world.simulator->durable(0, Bytes{2}));
  }
  static_cast<ScriptNode*>(world.simulator->mutable_node(0))->state = 77;
  world.simulator->crash({1, 2}, 0);
  EXPECT_FALSE(world.simulator->is_up(0));
  EXPECT_EQ(world.simulator->node(0), nullptr);
  world.run(Duration::seconds(3));
  world.simulator->restart({1, 2}, 0);
  world.run(Duration::seconds(200));
  EXPECT_EQ(boots, (std::vector<std::uint64_t>{0, 1}));
  EXPECT_TRUE(world.env(0).store.get(Bytes{1}));
  EXPECT_FALSE(world.env(0).store.get(Bytes{2}));
  EXPECT_FALSE(world.env(0).store.get(Bytes{3}));
  EXPECT_TRUE(world.all<env::TimerFired>(0).empty());
  EXPECT_EQ(world.all<env::Synced>(0).size(), 1u);
  EXPECT_EQ(static_cast<ScriptNode*>(world.simulator->mutable_node(0))->state, 0u);
  EXPECT_EQ(world.env(0).clock.mono(), at(Duration::seconds(197)));
}

TEST(Simulator, ATimerOfAFormerLifeDoesNotFireInTheNext) {
  TestWorld world;
  world.add({.boot = [](env::Env& env, const env::BootInfo& info) {
    const Duration wait = Duration::seconds(info.boot == 0 ? 10 : 100);
    EXPECT_EQ(env.timers.arm(at(wait), {0, info.boot, 0}), 1u);
  }});
  world.run(Duration::seconds(1));
  world.simulator->crash({1, 2}, 0);
  world.simulator->restart({1, 2}, 0);
  world.run(Duration::seconds(200));
  const auto fired = world.all<env::TimerFired>(0);
  ASSERT_EQ(fired.size(), 1u);
  EXPECT_EQ(fired[0].second.cookie.a, 1u);
  EXPECT_EQ(fired[0].first, at(Duration::seconds(101)));
}

TEST(Simulator, AWipeLosesTheDisk) {
  TestWorld world;
  world.add({});
  world.run(Duration::seconds(1));
  world.env(0).store.sync(world.env(0).store.apply({{{1}, buffer("x")}}), {});
  world.run(Duration::seconds(2));
  world.simulator->crash({1, 2}, 0, CrashLoss::kWipe);
  world.simulator->restart({1, 2}, 0);
  world.run(Duration::seconds(3));
  EXPECT_FALSE(world.env(0).store.get(Bytes{1}));
}

TEST(Simulator, ANodeHeldDownByTwoCrashesBootsWhenBothEnd) {
  TestWorld world;
  world.add({});
  Simulator& s = *world.simulator;
  world.run(Duration::seconds(1));
  s.crash({1, 2}, 0);
  s.crash({2, 2}, 0);
  s.restart({1, 2}, 0);
  world.run(Duration::seconds(2));
  EXPECT_FALSE(s.is_up(0));
  s.restart({2, 2}, 0);
  s.crash({3, 2}, 0);
  world.run(Duration::seconds(3));
  EXPECT_FALSE(s.is_up(0));
  s.restart({3, 2}, 0);
  world.run(Duration::seconds(4));
  EXPECT_TRUE(s.is_up(0));
  EXPECT_EQ(s.counters(0).boots, 2u);
}

struct FaultSink : env::TraceSink {
  void on_trace(Time, std::uint32_t node, const env::TraceEvent& e) override {
    if (e.kind == env::kFaultBegin) seen.push_back("begin " + std::to_string(e.n[0]));
    if (e.kind == env::kFaultEnd) seen.push_back("end " + std::to_string(e.n[0]));
    if (e.kind == env::kNodeCrash) seen.push_back("crash " + std::to_string(node));
  }
  std::vector<std::string> seen;
};

TEST(Simulator, AFaultOfManyEffectsBeginsOnceAndEndsOnce) {
  TestWorld world;
  for (int i = 0; i < 2; ++i) world.add({});
  FaultSink sink;
  Simulator& s = *world.simulator;
  s.add_trace_sink(sink);
  world.run(Duration::seconds(1));
  s.crash({7, 2}, 0);
  s.crash({7, 2}, 1);
  s.restart({7, 2}, 0);
  s.restart({7, 2}, 1);
  EXPECT_EQ(sink.seen, (std::vector<std::string>{"begin 7", "crash 0", "crash 1", "end 7"}));
  EXPECT_THROW(s.end_fault({7, 2}), EnsureFailure);
}

TEST(Simulator, JobsOfADeviceRunOneAfterTheOther) {
  TestWorld world;
  world.simulator->set_compute([](const env::JobSpec& spec) {
    return env::JobResult{env::JobStatus::kDone, spec.input, 1000};
  });
  std::uint64_t second = 0;
  world.add({.boot =
                 [&](env::Env& env, const env::BootInfo&) {
                   env.compute.submit({.input = buffer("a")}, {1, 0, 0});
                   second = env.compute.submit({.input = buffer("b")}, {2, 0, 0});
                   env.compute.submit({.input = buffer("c")}, {3, 0, 0});
                   env.compute.cancel(second);
                 }},
            {.device = {Duration::seconds(1), 1000, 5}});
  world.run(Duration::seconds(100));
  const auto done = world.all<env::JobDone>(0);
  ASSERT_EQ(done.size(), 2u);
  EXPECT_EQ(done[0].first, at(Duration::seconds(2)));
  EXPECT_EQ(as_text(done[0].second.result.output.view()), "a");
  EXPECT_EQ(done[1].first, at(Duration::seconds(6)));
  EXPECT_EQ(done[1].second.cookie.kind, 3u);
  EXPECT_EQ(world.env(0).compute.device_class(), 5u);
}

TEST(Simulator, ACrashDropsJobsAndFreesTheDevice) {
  TestWorld world;
  world.simulator->set_compute([](const env::JobSpec&) {
    return env::JobResult{env::JobStatus::kDone, {}, 0};
  });
  world.add({.boot =
                 [](env::Env& env, const env::BootInfo& info) {
                   env.compute.submit({}, {0, info.boot, 0});
                 }},
            {.device = {Duration::seconds(10), 1}});
  world.run(Duration::seconds(1));
  world.simulator->crash({1, 2}, 0);
  world.simulator->restart({1, 2}, 0);
  world.run(Duration::seconds(100));
  const auto done = world.all<env::JobDone>(0);
  ASSERT_EQ(done.size(), 1u);
  EXPECT_EQ(done[0].second.cookie.a, 1u);
  EXPECT_EQ(done[0].first, at(Duration::seconds(11)));
}

TEST(Simulator, AJobWithoutAComputeFunctionEndsAsUnknownModel) {
  TestWorld world;
  world.add({.boot = [](env::Env& env, const env::BootInfo&) { env.compute.submit({}, {}); }});
  world.run(Duration::seconds(1));
  EXPECT_EQ(world.all<env::JobDone>(0).at(0).second.result.status, env::JobStatus::kUnknownModel);
}

TEST(Simulator, RequestsArriveAtTheirTimeAndRepliesComeBack) {
  TestWorld world;
  std::vector<std::string> replies;
  Simulator& s = *world.simulator;
  s.set_reply_callback([&](Time now, std::uint32_t node, std::uint64_t id, const Buffer& body) {
    replies.push_back(std::to_string(now.ns) + " " + std::to_string(node) + " " +
                      std::to_string(id) + " " + std::string(as_text(body.view())));
  });
  world.add({.on = [](env::Env& env, const env::Event& event) {
    if (const auto* r = std::get_if<env::Request>(&event)) env.replies.reply(r->id, buffer("yes"));
  }});
  s.inject_request(Time{50}, 0, 9, buffer("?"));
  s.inject_admin(Time{60}, 0, buffer("do"));
  world.run(Duration::seconds(1));
  EXPECT_EQ(replies, std::vector<std::string>{"50 0 9 yes"});
  EXPECT_EQ(world.all<env::Admin>(0).at(0).first, Time{60});
  s.crash({1, 2}, 0);
  s.inject_request(Time{}, 0, 10, buffer("?"));
  world.run(Duration::seconds(2));
  EXPECT_EQ(replies.size(), 1u);
  EXPECT_EQ(s.counters(0).requests_lost, 1u);
}

TEST(Simulator, RandomStreamsAreIndependentOfEachOtherAndDifferByNodeAndBoot) {
  const auto draw = [](bool disturb) {
    TestWorld world;
    std::vector<std::uint64_t> values;
    for (int i = 0; i < 2; ++i) {
      world.add({.boot = [&, disturb](env::Env& env, const env::BootInfo&) {
        if (disturb) env.random.u64(stream_id("other"));
        values.push_back(env.random.u64(stream_id("mine")));
        if (disturb) env.random.u64(stream_id("other"));
        values.push_back(env.random.u64(stream_id("mine")));
      }});
    }
    world.run(Duration::seconds(1));
    world.simulator->crash({1, 2}, 0);
    world.simulator->restart({1, 2}, 0);
    world.run(Duration::seconds(2));
    return values;
  };
  const auto values = draw(false);
  EXPECT_EQ(values, draw(true));
  ASSERT_EQ(values.size(), 6u);
  for (std::size_t i = 0; i < 6; ++i) {
    for (std::size_t j = 0; j < i; ++j) EXPECT_NE(values[i], values[j]);
  }
}

TEST(Simulator, ABrokenEnsureComesBackAsAnErrorThatSaysWhereAndStops) {
  TestWorld world({.seed = 42});
  world.add(
      {.boot = [](env::Env& env, const env::BootInfo&) { env.timers.arm(Time{1'500'000'000}, {}); },
       .on = [](env::Env&, const env::Event&) { ENSURE(1 + 1 == 3, "arithmetic"); }});
  const Status status = world.simulator->run_until(at(Duration::seconds(5)));
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, ErrorCode::kInternal);
  for (const char* part : {"seed 42", "1.500000000 s", "node-0", "timer", "arithmetic"}) {
    EXPECT_THAT(status.error().message, HasSubstr(part));
  }
  EXPECT_FALSE(world.simulator->step());
}

TEST(Simulator, AnInterruptStopsARunThatCanGoOn) {
  int left = 3;
  TestWorld world({.interrupt_events = 1, .interrupt = [&] { return --left == 0; }});
  for (int i = 0; i < 5; ++i) world.add({});
  const Status status = world.simulator->run_until(Time{10});
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, ErrorCode::kInterrupted);
  EXPECT_EQ(world.simulator->events(), 2u);
  world.run(Duration::seconds(1));
  EXPECT_EQ(world.simulator->events(), 5u);
}

TEST(Simulator, ANodeCannotChangeTheWorld) {
  TestWorld world;
  world.add({.boot = [&](env::Env&, const env::BootInfo&) { world.simulator->crash({1, 2}, 0); }});
  EXPECT_FALSE(world.simulator->run_until(Time{1}));
}

TEST(Simulator, LogsBelowTheLevelAreNotWritten) {
  std::vector<std::string> lines;
  TestWorld world({.log = [&](Time, std::uint32_t, env::LogLevel, std::string_view line) {
    lines.emplace_back(line);
  }});
  world.add({.boot = [](env::Env& env, const env::BootInfo&) {
    env.log.write(env::LogLevel::kInfo, "quiet");
    env.log.write(env::LogLevel::kError, "loud");
  }});
  world.run(Duration::seconds(1));
  EXPECT_EQ(lines, std::vector<std::string>{"loud"});
}

}  // namespace
}  // namespace orrery::sim
