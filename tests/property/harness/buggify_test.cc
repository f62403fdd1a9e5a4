// Nodes that do what is rare but legal: only where the world asks for it, seen in the trace, and no
// reason for any invariant to object.
#include <gtest/gtest.h>

#include <map>

#include "harness/sweep/goals.h"
#include "protocol/node/rare.h"
#include "tests/property/harness/small_world.h"

namespace orrery::run {
namespace {

struct Seen {
  Digest128 digest;
  sweep::Goals goals;
  std::string objections;
};

Seen see(const std::string& debug, std::uint64_t seed) {
  std::string text = text_of({.seed = seed, .more = debug});
  const std::string all = "audit: 100%";  // leaves nothing to be audited outside the sample
  text.replace(text.find(all), all.size(), "audit: 10%");
  const scenario::Scenario scenario = load(text);
  sweep::GoalCounter counter;
  const auto world = make(scenario);
  world->simulator().add_trace_sink(counter);
  EXPECT_TRUE(world->run_until(scenario.until).has_value());
  world->finish();
  return {world->simulator().digest(), counter.goals(world->checkers()), objections(*world)};
}

std::map<std::string, std::uint64_t> points(const Seen& seen) {
  std::map<std::string, std::uint64_t> times;
  for (const auto& [goal, count] : seen.goals) {
    if (goal.starts_with("buggify: ")) times[goal] = count;
  }
  return times;
}

TEST(Buggify, IsOffUnlessTheScenarioAsks) {
  const Seen off = see("", 1);
  EXPECT_EQ(points(off).size(), std::size(chain::kRarePoints));
  for (const auto& [point, times] : points(off)) EXPECT_EQ(times, 0u) << point;
  EXPECT_EQ(see("debug: {buggify: 0%}\n", 1).digest, off.digest);
}

TEST(Buggify, TakesHalfOfThePointsAndRepeatsItself) {
  const Seen first = see("debug: {buggify: 20%}\n", 3), again = see("debug: {buggify: 20%}\n", 3);
  EXPECT_EQ(first.digest, again.digest);
  EXPECT_NE(first.digest, see("", 3).digest);
  std::size_t taken = 0;
  for (const auto& [point, times] : points(first)) taken += times > 0 ? 1 : 0;
  EXPECT_GT(taken, 0u);
  EXPECT_LT(taken, std::size(chain::kRarePoints));
}

// Over a few worlds every point is met, but for those that only a node behind the others meets, and
// nobody who judges the chain has anything to say.
TEST(Buggify, EveryPointIsMetAndNoneBreaksARule) {
  std::map<std::string, std::uint64_t> met;
  for (std::uint64_t seed = 1; seed <= 24; ++seed) {
    const Seen seen =
        see("timeline:\n  - {at: t+60s, do: crash, targets: workers-0 | validators-3, disk: wipe, "
            "restart_after: 60s}\ndebug: {buggify: 20%}\n",
            seed);
    EXPECT_EQ(seen.objections, "") << "seed " << seed;
    for (const auto& [point, times] : points(seen)) met[point] += times;
  }
  for (const auto& [point, times] : met) EXPECT_GT(times, 0u) << point;
}

TEST(Buggify, PointsHaveNamesOfTheirOwn) {
  std::map<std::uint64_t, std::string_view> names;
  for (const chain::RarePoint& point : chain::kRarePoints) {
    EXPECT_TRUE(names.emplace(point.id(), point.name).second) << point.name;
  }
}

}  // namespace
}  // namespace orrery::run
