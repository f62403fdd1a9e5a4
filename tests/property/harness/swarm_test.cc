// A swarm finds what is wrong, shrinks it and tells it; and says nothing where nothing is wrong.
#include "harness/sweep/swarm.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "harness/run/replay_file.h"
#include "harness/sweep/document.h"
#include "harness/sweep/shrink.h"
#include "harness/sweep/story.h"

namespace orrery::sweep {
namespace {

SwarmOptions few(std::uint64_t seeds) {
  return {.load = run::loader_options({}),
          .seeds = seeds,
          .jobs = 2,
          .again_every = 3,
          .until = Duration::minutes(5)};
}

TEST(Swarm, SoundCodePassesAndEverythingIsLookedAt) {
  const auto result = run_swarm(few(12));
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(result->runs, 12u);
  EXPECT_EQ(result->compared, 4u);
  EXPECT_THAT(result->failed, testing::IsEmpty())
      << result->failed.front().seed << ": " << result->failed.front().failure.text;
  for (const auto& [goal, seeds] : result->coverage) {
    if (goal.starts_with("checked: ")) {
      EXPECT_GT(seeds, 0u) << goal;
    }
  }
}

TEST(Swarm, TheNumberOfJobsChangesNothing) {
  SwarmOptions one = few(6), two = few(6);
  one.jobs = 1;
  EXPECT_EQ(run_swarm(one)->coverage, run_swarm(two)->coverage);
}

TEST(Swarm, AnInterruptKeepsWhatHasRun) {
  SwarmOptions options = few(1000);
  std::uint64_t done = 0;
  options.progress = [&](std::uint64_t d, std::uint64_t) { done = d; };
  options.interrupt = [&] { return done >= 3; };
  const auto result = run_swarm(options);
  ASSERT_TRUE(result);
  EXPECT_TRUE(result->interrupted);
  EXPECT_GE(result->runs, 3u);
  EXPECT_LT(result->runs, 1000u);
}

TEST(Swarm, ABrokenDocumentIsRefusedWithThePlace) {
  SwarmOptions options = few(1);
  options.document = R"({"orrery": 1, "name": "x", "until": "10m"})";
  const auto result = run_swarm(options);
  ASSERT_FALSE(result);
  EXPECT_THAT(result.error().message, testing::HasSubstr("missing key 'models'"));
}

#ifdef ORRERY_SEEDED_BUGS
TEST(Swarm, ABugComesBackSmallAndWithItsStory) {
  SwarmOptions options = few(10);
  options.load.overrides.push_back({"debug.seeded_bug", "sign-twice"});
  const auto found = run_swarm(options);
  ASSERT_TRUE(found) << found.error().message;
  ASSERT_FALSE(found->failed.empty());
  const FailedSeed& first = found->failed.front();
  auto document = *swarm_document(options, first.seed);
  document["debug"] = {{"seeded_bug", "sign-twice"}};
  const ShrinkOptions shrink{.load = run::loader_options({})};
  const auto small = shrink_scenario(document, shrink);
  ASSERT_TRUE(small) << small.error().message;
  EXPECT_TRUE(small->complete);
  EXPECT_TRUE(small->failure.same_as(first.failure)) << small->failure.name;
  const auto scenario = load_document(nlohmann::ordered_json::parse(small->document), shrink.load);
  ASSERT_TRUE(scenario) << scenario.error().message;
  EXPECT_LE(scenario->nodes.size(), 4u) << small->document;
  EXPECT_TRUE(scenario->timeline.empty()) << small->document;
  const auto again = run_trial(*scenario);
  ASSERT_TRUE(again && again->failure);
  EXPECT_TRUE(again->failure->same_as(first.failure));
  const auto story = tell(*scenario, *again->failure);
  ASSERT_TRUE(story);
  EXPECT_LE(story->size(), kStoryLines);
  EXPECT_THAT(story->back(), testing::HasSubstr(first.failure.name));
}
#endif

TEST(Shrink, WhatDoesNotFailIsNotShrunk) {
  const auto document = *swarm_document(few(1), 1);
  const auto small = shrink_scenario(document, {.load = run::loader_options({})});
  ASSERT_FALSE(small);
  EXPECT_EQ(small.error().code, ErrorCode::kNotFound);
}

}  // namespace
}  // namespace orrery::sweep
