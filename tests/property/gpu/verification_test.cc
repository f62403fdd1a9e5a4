// The table of verification on few tasks: what must hold for any number of them.
// ORRERY_VERIFIED_TASKS sets how many (default 4).
#include <gtest/gtest.h>

#include "harness/model/bench_verification.h"
#include "tests/property/asked.h"

namespace orrery::model {
namespace {

std::uint32_t wanted() { return static_cast<std::uint32_t>(asked("ORRERY_VERIFIED_TASKS", 4)); }

TEST(Verification, ExactLevelsFindEveryCheatAndNoLevelBlamesAnHonestWorker) {
  VerificationBench options{.tasks = wanted()};
  options.disputes.count = 20;
  options.wide_step = false;
  const auto report = bench_verification(options);
  ASSERT_TRUE(report) << report.error().message;
  ASSERT_EQ(report->rows.size(), kCheats);
  for (const DetectionRow& row : report->rows) {
    const auto rejected = [&](Level level) { return row.rejected[static_cast<int>(level)]; };
    if (row.cheat == Cheat::kNone) {
      for (const std::uint32_t n : row.rejected) EXPECT_EQ(n, 0u);
      continue;
    }
    EXPECT_EQ(rejected(Level::kHash), row.tasks) << cheat_name(row.cheat);
    EXPECT_EQ(rejected(Level::kDispute), row.tasks) << cheat_name(row.cheat);
    if (row.cheat == Cheat::kZeros || row.cheat == Cheat::kSkippedLayer) {
      EXPECT_EQ(rejected(Level::kToploc), row.tasks) << "exponents are far off";
    }
    if (row.cheat == Cheat::kFlippedToken) {
      EXPECT_EQ(rejected(Level::kMargin), row.tasks) << "an unlikely token";
    }
    if (row.cheat == Cheat::kInt4Weights || row.cheat == Cheat::kSmallerModel) {
      EXPECT_EQ(rejected(Level::kFreivalds), row.tasks) << "every layer is wrong";
    }
  }
  for (const double cost : report->cost) EXPECT_GT(cost, 0);
}

TEST(Verification, RefusesSizesThatTheModelDoesNotHold) {
  EXPECT_FALSE(bench_verification({.tasks = 0}));
  EXPECT_FALSE(bench_verification({.tasks = 1, .prompt_bytes = 200, .tokens = 100}));
  EXPECT_FALSE(bench_verification({.tasks = 1, .tokens = 1}));
}

}  // namespace
}  // namespace orrery::model
