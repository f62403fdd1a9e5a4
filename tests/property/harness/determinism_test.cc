// The digest of a run depends on the scenario and on nothing else; a checker that never looked is
// noticed; a flipped bit is found at the event that flipped it.
#include <map>
#include <vector>

#include "harness/run/compare.h"
#include "tests/property/harness/small_world.h"

namespace orrery::run {
namespace {

// A little of everything: a liar, a split, a crash with loss of the disk.
const SmallWorld kEventful{.seed = 7, .until = "3m", .more = R"(timeline:
  - {name: liar, at: t+20s, do: behave, targets: "workers-0", behaviour: lie-inference}
  - {name: crash, at: t+70s, do: crash, targets: "validators-3", disk: wipe, restart_after: 20s}
  - name: split
    at: t+1m
    do: partition
    for: 40s
    sides:
      - boot-0 | group(validators)[0..1] | users-0
      - group(validators)[2..3]
metrics: {every: 10s}
)"};

struct Digests {
  Digest128 run;
  std::vector<Digest128> nodes;
  std::uint64_t events = 0;
  bool operator==(const Digests&) const = default;
};

Digests digests(const World& world) {
  Digests out{.run = world.simulator().digest(), .events = world.simulator().events()};
  for (std::uint32_t i = 0; i < world.simulator().nodes(); ++i) {
    out.nodes.push_back(world.simulator().node_digest(i));
  }
  return out;
}

Digests run_to_end(World& world) {
  EXPECT_TRUE(world.run_until(world.scenario().until).has_value());
  world.finish();
  return digests(world);
}

Digests digests_of(const SmallWorld& small, WorldOptions options = {}) {
  return run_to_end(*make(load(text_of(small)), std::move(options)));
}

TEST(Determinism, TwoRunsOfAScenarioAreEqual) {
  const Digests first = digests_of(kEventful);
  EXPECT_GT(first.events, 5'000u);
  EXPECT_EQ(first, digests_of(kEventful));
}

TEST(Determinism, AnotherSeedGivesAnotherRun) {
  SmallWorld other = kEventful;
  other.seed = 8;
  const Digests a = digests_of(kEventful);
  const Digests b = digests_of(other);
  for (std::size_t i = 0; i < a.nodes.size(); ++i) EXPECT_NE(a.nodes[i], b.nodes[i]) << i;
}

TEST(Determinism, TheMemoOfSharedWorkChangesNothing) {
  auto with = make(load(text_of(kEventful)));
  const Digests shared = run_to_end(*with);
  EXPECT_GT(with->simulator().memo().hits(), 1'000u) << "nothing was shared";
  EXPECT_EQ(shared, digests_of(kEventful, {.memo = false}));
}

TEST(Determinism, CheckersChangeNothing) {
  EXPECT_EQ(digests_of(kEventful), digests_of(kEventful, {.invariants = false}));
}

#ifdef ORRERY_SEEDED_BUGS

// A healthy world logs nothing; a node whose state went bad refuses blocks and says so.
TEST(Determinism, TheLogChangesNothing) {
  const scenario::Scenario scenario = load(text_of(SmallWorld{.until = "1m"}));
  const auto troubled = [&](WorldOptions options) {
    options.memo = false;
    auto world = make(scenario, std::move(options));
    world->simulator().call_at(Time{} + Duration::seconds(20), [&] { world->flip_state_bit(8); });
    return run_to_end(*world);
  };
  std::uint64_t lines = 0;
  const auto count = [&](Time, std::uint32_t, env::LogLevel, std::string_view) { ++lines; };
  const Digests loud = troubled({.log = count, .log_level = env::LogLevel::kDebug});
  EXPECT_GT(lines, 0u);
  EXPECT_EQ(loud, troubled({}));
}

#endif

TEST(Determinism, WorldsInOneProcessDoNotNoticeEachOther) {
  const scenario::Scenario scenario = load(text_of(kEventful));
  SmallWorld other_text = kEventful;
  other_text.seed = 99;
  auto world = make(scenario);
  auto other = make(load(text_of(other_text)));
  // In steps of different lengths, so that they are never at the same place.
  for (std::uint64_t i = 0; world->simulator().next_time() <= scenario.until; ++i) {
    ASSERT_TRUE(world->simulator().step().has_value());
    for (std::uint64_t k = 0; k < i % 4 && other->simulator().next_time() <= scenario.until; ++k) {
      ASSERT_TRUE(other->simulator().step().has_value());
    }
  }
  EXPECT_EQ(run_to_end(*world), digests_of(kEventful));
  EXPECT_EQ(run_to_end(*other), digests_of(other_text));
}

// Samples are calls of the driver, which the world's own chain counts: nodes must not feel them.
TEST(Determinism, ThePeriodOfSamplesReachesNoNode) {
  SmallWorld often = kEventful;
  often.more.replace(often.more.find("every: 10s"), 10, "every: 1s");
  const Digests seldom = digests_of(kEventful);
  const Digests frequent = digests_of(often);
  EXPECT_EQ(seldom.nodes, frequent.nodes);
  EXPECT_GT(frequent.events, seldom.events);
}

TEST(Unarmed, ARunThatNeverAskedAQuestionDoesNotPass) {
  // Transfers only: nothing about tasks is ever looked at, and no invariant objects.
  SmallWorld transfers{.until = "2m"};
  transfers.load = "{name: moves, users: group(users), kind: transfer, rate: 4/m, amount: 1 AIGEN}";
  const auto record = run_scenario(load(text_of(transfers)), {});
  ASSERT_TRUE(record.has_value()) << record.error().message;
  std::vector<std::string> silent;
  for (const auto& row : record->invariants) {
    EXPECT_EQ(row.violations, 0u) << row.name << ": " << row.first_violation;
    if (row.checks == 0) silent.push_back("armed: " + row.name);
  }
  std::vector<std::string> failed;
  for (const auto& row : record->asserts) {
    if (!row.ok) failed.push_back(row.name);
  }
  EXPECT_THAT(failed, testing::IsSubsetOf(silent));
  EXPECT_THAT(failed, testing::Contains("armed: pay-needs-assignment"));
  EXPECT_EQ(record->exit, 1);
}

TEST(Unarmed, CheckersThatAreFedNothingAreNamed) {
  auto world = make(load(text_of(SmallWorld{.until = "2m"})));
  // Before the first event all that are armed are silent; those that may stay so are not listed.
  const auto silent = world->checkers().unarmed();
  EXPECT_EQ(silent.size(), world->checkers().size() - 2);
  EXPECT_THAT(silent, testing::Not(testing::Contains("wrong-inference-never-settles")));
  EXPECT_THAT(silent, testing::Not(testing::Contains("challenge-window-kept")));
}

#ifdef ORRERY_SEEDED_BUGS

struct FlipCase {
  std::int64_t at_s;
  std::uint32_t node;
};

class FlippedBit : public testing::TestWithParam<FlipCase> {};

TEST_P(FlippedBit, IsFoundAtTheEventThatFlippedIt) {
  const FlipCase& c = GetParam();
  const Time at = Time{} + Duration::seconds(c.at_s) + Duration::nanos(1);
  const scenario::Scenario scenario = load(text_of(kEventful));
  const Time until = at + Duration::seconds(5);
  // Without the memo: a block's memoised result would heal the node at once, and a difference that
  // is gone before the next checkpoint is one that this search cannot see.
  CompareOptions options{.memo = false, .checkpoint_events = 64};
  options.flip = CompareOptions::Flip{.at = at, .node = c.node, .apply = false};
  const auto sound = make_run(scenario, until, options);
  options.flip->apply = true;
  const auto flipped = make_run(scenario, until, options);

  const auto none = check::first_divergence(sound, sound);
  ASSERT_TRUE(none.has_value()) << none.error().message;
  EXPECT_FALSE(none->has_value()) << (*none)->text();

  const auto found = check::first_divergence(sound, flipped);
  ASSERT_TRUE(found.has_value()) << found.error().message;
  ASSERT_TRUE(found->has_value()) << "the difference was not seen";
  const check::Divergence& d = **found;
  ASSERT_TRUE(d.a && d.b) << d.text();
  // Same event, other state after it: the driver's call itself.
  EXPECT_EQ(d.b->time, at) << d.text();
  EXPECT_EQ(d.b->node, UINT32_MAX) << d.text();
  EXPECT_EQ(d.a->payload, d.b->payload);
  EXPECT_NE(d.a->after, d.b->after);
  EXPECT_EQ(d.before.size(), check::Divergence::kContext);
}

// Nodes of every role, early and late, in the middle of the split.
INSTANTIATE_TEST_SUITE_P(Anywhere, FlippedBit,
                         testing::Values(FlipCase{15, 0}, FlipCase{24, 8}, FlipCase{33, 2},
                                         FlipCase{41, 5}, FlipCase{65, 4}, FlipCase{78, 6}));

#endif

}  // namespace
}  // namespace orrery::run
