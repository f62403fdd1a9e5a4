#include "engine/sim/clock.h"

#include <gtest/gtest.h>

#include "tests/unit/engine/sim/script_node.h"

namespace orrery::sim {
namespace {

Time at(Duration d) { return Time{d.ns}; }

// By how much the wall clock is ahead of the truth.
Duration ahead(const ClockModel& clock, Time now) {
  return clock.wall(now) - Time{kWallOrigin + now.ns};
}

TEST(Clock, AStepStaysAndAnOffsetDoesNot) {
  ClockModel clock({}, 0, {});
  const Time t = at(Duration::seconds(10));
  clock.begin(1, {.kind = ClockFaultKind::kStep, .offset = Duration::seconds(3)}, t);
  clock.begin(2, {.kind = ClockFaultKind::kOffset, .offset = Duration::seconds(5)}, t);
  EXPECT_EQ(ahead(clock, t), Duration::seconds(8));
  clock.end(1, t);
  clock.end(2, t);
  EXPECT_EQ(ahead(clock, t), Duration::seconds(3));
  EXPECT_EQ(clock.mono(t), t);
}

TEST(Clock, ASlewBringsAStepBackEvenly) {
  ClockModel clock({}, 0, {});
  const Time t = at(Duration::seconds(10));
  clock.begin(1,
              {.kind = ClockFaultKind::kSlew,
               .offset = Duration::seconds(-4),
               .lasts = Duration::seconds(20)},
              t);
  EXPECT_EQ(ahead(clock, t), Duration::seconds(-4));
  EXPECT_EQ(ahead(clock, t + Duration::seconds(5)), Duration::seconds(-3));
  EXPECT_EQ(ahead(clock, t + Duration::seconds(20)), Duration{});
  EXPECT_EQ(ahead(clock, t + Duration::seconds(30)), Duration{});
}

TEST(Clock, ADriftMovesBothClocksAndOnlyTheWallIsPutRightAfterIt) {
  ClockModel clock({}, 0, Duration::millis(50));
  const Time begin = at(Duration::seconds(100));
  const Time end = at(Duration::seconds(300));
  EXPECT_TRUE(clock.begin(1, {.kind = ClockFaultKind::kDrift, .drift_ppb = -1'000'000}, begin));
  EXPECT_EQ(clock.mono(begin), begin);
  EXPECT_EQ(ahead(clock, end), Duration::millis(-200));
  EXPECT_EQ(clock.mono(end), end + Duration::millis(-200));
  EXPECT_EQ(clock.error(end), Duration::millis(50)) << "nobody has told the node";
  const Time shown = clock.mono(end);
  EXPECT_TRUE(clock.end(1, end));
  EXPECT_EQ(ahead(clock, end), Duration{});
  EXPECT_EQ(clock.mono(end), shown);
  EXPECT_EQ(clock.mono(end + Duration::seconds(1)), shown + Duration::seconds(1));
}

TEST(Clock, WithoutNtpTheClaimedErrorGrowsWithTheTruth) {
  ClockModel clock({}, 0, Duration::millis(1));
  const Time begin = at(Duration::seconds(100));
  clock.begin(1, {.kind = ClockFaultKind::kNtpLoss, .drift_ppb = -50'000}, begin);
  for (const std::int64_t s : {0, 1, 77, 3600}) {
    const Time now = begin + Duration::seconds(s);
    EXPECT_EQ(clock.error(now), Duration::millis(1) + Duration::micros(50 * s));
    EXPECT_LE(std::abs(ahead(clock, now).ns), clock.error(now).ns);
  }
  clock.end(1, begin + Duration::seconds(3600));
  EXPECT_EQ(clock.error(begin + Duration::seconds(3600)), Duration::millis(1));
}

TEST(Clock, AClaimMayBeALie) {
  ClockModel clock(Duration::seconds(2), 0, Duration::seconds(3));
  clock.begin(1, {.kind = ClockFaultKind::kClaim, .error = Duration::millis(1)}, {});
  EXPECT_EQ(clock.error({}), Duration::millis(1));
  EXPECT_EQ(ahead(clock, {}), Duration::seconds(2));
  clock.end(1, {});
  EXPECT_EQ(clock.error({}), Duration::seconds(3));
}

TEST(Clock, RefusesRatesBeyondItsBound) {
  ClockModel clock({}, 60'000'000, {});
  const ClockFault fast{.kind = ClockFaultKind::kDrift, .drift_ppb = 50'000'000};
  EXPECT_THROW(clock.begin(1, fast, {}), EnsureFailure);
}

TEST(ClockInAWorld, TimersFollowAChangeOfRateAndNeverFireEarly) {
  for (const std::int64_t drift : {-100'000'000, -1'000, 1'000, 100'000'000}) {
    TestWorld world;
    Time shown{};
    world.add({.boot =
                   [](env::Env& env, const env::BootInfo&) {
                     env.timers.arm(at(Duration::seconds(100)), {1, 2, 3});
                   },
               .on = [&](env::Env& env, const env::Event&) { shown = env.clock.mono(); }});
    world.run(Duration::seconds(10));
    world.simulator->begin_clock({1, 4}, 0, {.kind = ClockFaultKind::kDrift, .drift_ppb = drift});
    world.run(Duration::seconds(60));
    world.simulator->end_clock({1, 4}, 0);
    world.run(Duration::seconds(200));
    const auto fired = world.all<env::TimerFired>(0);
    ASSERT_EQ(fired.size(), 1u) << drift;
    EXPECT_EQ(fired[0].second.cookie, (env::Cookie{1, 2, 3}));
    EXPECT_GE(shown, at(Duration::seconds(100)));
    EXPECT_LE(shown, at(Duration::seconds(100)) + Duration{2});
    // 50 s of the fault showed 50 s * drift more.
    const std::int64_t expected = Duration::seconds(100).ns - 50 * drift;
    EXPECT_NEAR(static_cast<double>(fired[0].first.ns), static_cast<double>(expected), 2);
  }
}

TEST(ClockInAWorld, TimersFollowAChangeOfRateThatLasts) {
  for (const std::int64_t drift : {-100'000'000, 100'000'000}) {
    TestWorld world;
    world.add({.boot = [](env::Env& env, const env::BootInfo&) {
      env.timers.arm(at(Duration::seconds(100)), {});
    }});
    world.run(Duration::seconds(10));
    world.simulator->begin_clock({1, 4}, 0, {.kind = ClockFaultKind::kDrift, .drift_ppb = drift});
    world.run(Duration::seconds(200));
    const auto fired = world.all<env::TimerFired>(0);
    ASSERT_EQ(fired.size(), 1u) << drift;
    const double expected = 10e9 + 90e9 / (1 + static_cast<double>(drift) / 1e9);
    EXPECT_NEAR(static_cast<double>(fired[0].first.ns), expected, 2);
  }
}

TEST(ClockInAWorld, TheClaimThatANodeSeesIsTheFaultsOwn) {
  TestWorld world;
  world.add({});
  world.run(Duration::seconds(1));
  EXPECT_EQ(world.env(0).clock.wall_error(), Duration::millis(50));
  world.simulator->begin_clock({1, 4}, 0,
                               {.kind = ClockFaultKind::kClaim, .error = Duration::micros(1)});
  EXPECT_EQ(world.env(0).clock.wall_error(), Duration::micros(1));
}

}  // namespace
}  // namespace orrery::sim
