// One digest whatever the number of threads: whole worlds on one, two and four. ORRERY_LONG=1 runs
// them to their ends; models of the kernel are in property_kernel.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>

#include "harness/run/replay_file.h"
#include "harness/threads/thread_crew.h"
#include "tests/property/harness/small_world.h"

namespace orrery::run {
namespace {

bool at_length() { return std::getenv("ORRERY_LONG") != nullptr; }

scenario::Scenario from_library(const std::string& file,
                                const std::vector<scenario::Override>& overrides) {
  const char* root = std::getenv("ORRERY_ROOT");
  const std::string path = (root ? std::string(root) + "/" : "") + "scenarios/library/" + file;
  auto loaded = scenario::load_file(path, loader_options(overrides));
  if (!loaded) {
    for (const auto& d : loaded.error()) ADD_FAILURE() << scenario::format(d);
    std::abort();
  }
  return std::move(*loaded);
}

struct Outcome {
  Digest128 digest;
  std::uint64_t events = 0;
  std::uint64_t ahead = 0;
  std::uint64_t height = 0;
};

Outcome run_on(const scenario::Scenario& scenario, Time until, unsigned threads) {
  harness::ThreadCrew crew(threads);
  const auto world = make(scenario, {.crew = threads > 1 ? &crew : nullptr});
  EXPECT_TRUE(world->run_until(until).has_value());
  const sim::Simulator& simulator = world->simulator();
  Outcome outcome{simulator.digest(), simulator.events(), simulator.events_ahead()};
  for (std::uint32_t n = 0; n < simulator.nodes(); ++n) {
    if (!world->node(n)) continue;
    outcome.height = std::max(outcome.height, world->node(n)->chain().head().height());
  }
  return outcome;
}

void expect_one_digest(const scenario::Scenario& scenario, Time until, std::uint64_t least_height) {
  const Outcome one = run_on(scenario, until, 1);
  EXPECT_EQ(one.ahead, 0u);
  EXPECT_GE(one.height, least_height) << "a world in which nothing happens says nothing";
  for (const unsigned threads : {2u, 4u}) {
    const Outcome more = run_on(scenario, until, threads);
    EXPECT_EQ(more.digest, one.digest) << threads << " threads";
    EXPECT_EQ(more.events, one.events);
    EXPECT_GT(more.ahead, 0u) << "no handler ran on a thread";
  }
}

TEST(Threads, TheQuickstartHasOneDigest) {
  // The split and the crashes come forward, so that the short run has them.
  const auto scenario = from_library(
      "quickstart.yaml", at_length() ? std::vector<scenario::Override>{}
                                     : std::vector<scenario::Override>{{"vars.split_at", "1m"},
                                                                       {"vars.split_for", "30s"}});
  expect_one_digest(scenario, at_length() ? scenario.until : Time{} + Duration::minutes(2), 5);
}

TEST(Threads, AChainOfAThousandNodesHasOneDigest) {
  // Blocks come early, so that the short run has one: half of its events are nodes that meet.
  const auto scenario = from_library("baseline/hundred.yaml",
                                     {{"vars.nodes", "1000"},
                                      {"chain.consensus.slot", "500ms"},
                                      {"chain.consensus.block_interval", "2s"}});
  ASSERT_EQ(scenario.nodes.size(), 1000u);
  expect_one_digest(scenario, at_length() ? scenario.until : Time{} + Duration::seconds(4),
                    at_length() ? 10 : 1);
}

// Windows are as short as the shortest link of the graph.
TEST(Threads, PathsOverAGraphHaveOneDigest) {
  const auto scenario = from_library("faults/small-world.yaml", {});
  expect_one_digest(scenario, Time{} + Duration::minutes(1), 2);
}

// Where nodes do what is rare on purpose, the draws are theirs and no thread's.
TEST(Threads, NodesThatDoRareThingsHaveOneDigest) {
  const auto scenario = from_library("quickstart.yaml", {{"debug.buggify", "10%"}});
  expect_one_digest(scenario, Time{} + Duration::minutes(1), 2);
}

}  // namespace
}  // namespace orrery::run
