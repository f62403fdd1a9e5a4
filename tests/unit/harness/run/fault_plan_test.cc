// Faults of the timeline in whole worlds: that they bite, and what the chain makes of them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <map>

#include "harness/run/world.h"
#include "scenarios/schema/load.h"

namespace orrery::run {
namespace {

using testing::HasSubstr;

struct Seen final : env::TraceSink {
  struct Item {
    Time now;
    std::uint32_t node;
    env::TraceEvent event;
  };
  void on_trace(Time now, std::uint32_t node, const env::TraceEvent& e) override {
    items.push_back({now, node, e});
  }
  std::vector<Item> of(env::TraceKind kind) const {
    std::vector<Item> found;
    for (const Item& item : items) {
      if (item.event.kind == kind) found.push_back(item);
    }
    return found;
  }
  std::vector<Item> items;
};

// The small scenario of the library with a timeline; runs it whole. Nodes: 0 boot, 1..4 validators,
// 5..8 workers, 9..12 users.
struct Ran {
  explicit Ran(const std::string& timeline, const std::string& more = "") {
    const char* root = std::getenv("ORRERY_ROOT");
    const std::string base =
        std::string(root != nullptr ? root : ".") + "/scenarios/library/parts/";
    const auto scenario = scenario::load_text(
        "include: small.yaml\nuntil: 5m\ntimeline:\n" + timeline + more, base + "x.yaml", {});
    EXPECT_TRUE(scenario) << scenario::format(scenario.error().front());
    WorldOptions options;
    options.log = [this](Time, std::uint32_t, env::LogLevel, std::string_view line) {
      log += std::string(line) + "\n";
    };
    auto made = World::make(*scenario, std::move(options));
    EXPECT_TRUE(made) << made.error().message;
    world = std::move(*made);
    world->simulator().add_trace_sink(seen);
    const Status ran = world->run_until(scenario->until);
    EXPECT_TRUE(ran) << ran.error().message;
    world->finish();
  }
  std::string log;
  Seen seen;
  std::unique_ptr<World> world;
};

TEST(FaultPlan, ChurnTakesNodesAwayAndBringsThemBack) {
  const Ran ran(
      "  - {at: t+30s, do: churn, every: 20s, away: \"uniform(2s, 6s)\", for: 3m, "
      "targets: group(workers)}\n");
  std::map<std::uint32_t, std::vector<Time>> left;
  for (const auto& item : ran.seen.of(env::kNodeCrash)) left[item.node].push_back(item.now);
  ASSERT_EQ(left.size(), 4u) << "every worker, nobody else";
  std::size_t departures = 0;
  for (const auto& [node, times] : left) {
    EXPECT_GE(node, 5u);
    EXPECT_LE(node, 8u);
    departures += times.size();
    EXPECT_LT(times.back(), Time{Duration::seconds(210).ns});
  }
  EXPECT_NEAR(static_cast<double>(departures), 4 * 180.0 / 24, 14);  // every 20 s and 4 s away
  EXPECT_EQ(ran.seen.of(env::kNodeBoot).size(), 13 + departures);
  EXPECT_EQ(ran.seen.of(env::kFaultBegin).size(), 1u);
  EXPECT_EQ(ran.seen.of(env::kFaultEnd).size(), 1u);
}

TEST(FaultPlan, LeavingANodeOutOfAChurnMovesNoOtherDeparture) {
  const auto departures = [](const std::string& targets) {
    const Ran ran("  - {at: t+30s, do: churn, every: 40s, away: 5s, for: 2m, targets: " + targets +
                  "}\n");
    std::vector<std::pair<std::uint32_t, Time>> all;
    for (const auto& item : ran.seen.of(env::kNodeCrash)) all.emplace_back(item.node, item.now);
    return all;
  };
  auto both = departures("workers-0 | workers-1");
  std::erase_if(both, [](const auto& d) { return d.first == 6; });
  EXPECT_EQ(both, departures("workers-0"));
  EXPECT_FALSE(both.empty());
}

TEST(FaultPlan, ASwizzleEndsByItselfAndIsTracedOnce) {
  const Ran ran("  - {at: t+1m, do: clog, swizzle: true, for: 18s, targets: all}\n");
  EXPECT_EQ(ran.seen.of(env::kFaultBegin).size(), 1u);
  ASSERT_EQ(ran.seen.of(env::kFaultEnd).size(), 1u);
  EXPECT_LE(ran.seen.of(env::kFaultEnd)[0].now, Time{Duration::seconds(78).ns});
  EXPECT_EQ(ran.world->checkers().violations(), 0u);
}

TEST(FaultPlan, AValidatorWhoseDiskRotsStopsAndAfterMendingVotesAgain) {
  const Ran ran(
      "  - {name: rot, at: t+1m, do: disk, kind: rot, targets: validators-0, for: 1m}\n"
      "  - {at: t+1m1s, do: crash, targets: validators-0, restart_after: 5s}\n");
  const auto failed = ran.seen.of(env::kStoreFailed);
  ASSERT_EQ(failed.size(), 1u);
  EXPECT_EQ(failed[0].node, 1u);
  EXPECT_THAT(ran.log, HasSubstr("the store cannot read"));
  EXPECT_TRUE(ran.world->simulator().is_up(1));
  EXPECT_EQ(ran.world->checkers().violations(), 0u);
}

TEST(FaultPlan, UnnoticedRotIsFoundByTheNodeAndRepairedFromPeers) {
  const Ran ran(
      "  - {at: t+3m, do: disk, kind: rot, unnoticed: true, targets: users-0, for: 2m}\n"
      "  - {at: t+3m1s, do: crash, targets: users-0, restart_after: 5s}\n");
  EXPECT_THAT(ran.log, HasSubstr("on disk is damaged; it is fetched from peers"));
  const auto* mended = ran.world->node(9);
  const auto* other = ran.world->node(10);
  ASSERT_NE(mended, nullptr);
  ASSERT_NE(other, nullptr);
  EXPECT_GT(mended->chain().finalized_height(), 0u);
  EXPECT_LE(other->chain().finalized_height(), mended->chain().finalized_height() + 2);
}

TEST(FaultPlan, NobodyVotesWithoutItsDisk) {
  const Ran ran(
      "  - {at: t+1m, do: disk, kind: sync-fails, targets: validators-0, for: 1m}\n"
      "  - {at: t+1m, do: disk, kind: full, targets: validators-1, for: 1m}\n");
  EXPECT_EQ(ran.seen.of(env::kStoreFailed).size(), 2u);
  EXPECT_EQ(ran.world->checkers().violations(), 0u);
}

TEST(FaultPlan, ATopologyOfLongPathsSlowsTheNetworkDown) {
  // Boots are at 0; the first sessions come up after one round trip of the path.
  const auto first_session = [](const std::string& network) {
    const Ran ran("  - {at: t+4m, do: reset, targets: boot-0}\n", network);
    return ran.seen.of(env::kSessionUp).at(0).now;
  };
  const Time direct = first_session("network: {latency: 20ms}\n");
  const Time ring = first_session(
      "network: {latency: 20ms, topology: {kind: small-world, degree: 2, rewire: 0%}}\n");
  EXPECT_EQ(direct, Time{Duration::millis(20).ns});
  EXPECT_GE(ring, direct);
  const Ran ran("  - {at: t+4m, do: reset, targets: boot-0}\n",
                "network: {latency: 20ms, topology: {kind: small-world, degree: 2, rewire: 0%}}\n");
  // Six links away from boot-0 on the ring: 120 ms until node 6's handshake is heard.
  const auto ups = ran.seen.of(env::kSessionUp);
  const auto far = std::find_if(ups.begin(), ups.end(), [](const Seen::Item& item) {
    return item.node == 0 && item.event.n[0] == 6;
  });
  ASSERT_NE(far, ups.end());
  EXPECT_EQ(far->now, Time{Duration::millis(120).ns});
}

}  // namespace
}  // namespace orrery::run
