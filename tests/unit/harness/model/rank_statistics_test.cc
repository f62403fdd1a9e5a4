#include "harness/model/rank_statistics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace orrery::model {
namespace {

using testing::ElementsAre;

TEST(RankStatistics, EqualValuesShareTheMeanOfTheirRanks) {
  EXPECT_THAT(ranks(std::vector<double>{7, 3, 3, 9}), ElementsAre(2, 0.5, 0.5, 3));
}

TEST(RankStatistics, SpearmanSeesOrderAlone) {
  const std::vector<double> a{1, 2, 3, 4, 5};
  EXPECT_DOUBLE_EQ(spearman(a, std::vector<double>{1, 8, 27, 64, 1000}), 1);
  EXPECT_DOUBLE_EQ(spearman(a, std::vector<double>{5, 4, 3, 2, 1}), -1);
  // 1 - 6 sum d^2 / (n (n^2 - 1)), d = 0 1 1 0 0.
  EXPECT_DOUBLE_EQ(spearman(a, std::vector<double>{1, 3, 2, 4, 5}), 0.9);
  EXPECT_EQ(spearman(a, std::vector<double>(5, 2.0)), 0);
}

TEST(RankStatistics, ReliabilityGrowsWithTheNumberOfMeasurements) {
  EXPECT_DOUBLE_EQ(spearman_brown(0.5, 1), 0.5);
  EXPECT_DOUBLE_EQ(spearman_brown(0.5, 2), 2.0 / 3);
  EXPECT_EQ(spearman_brown(-0.1, 4), 0);
}

TEST(RankStatistics, BootstrapCoversTheMeanAboutAsWideAsTheNormalInterval) {
  std::vector<double> values;
  for (int i = 0; i < 100; ++i) values.push_back(i % 2);
  const Interval i = bootstrap_mean(values, 1);
  // Standard error 0.05.
  EXPECT_NEAR(i.low, 0.5 - 1.96 * 0.05, 0.015);
  EXPECT_NEAR(i.high, 0.5 + 1.96 * 0.05, 0.015);
  EXPECT_EQ(bootstrap_mean(values, 1).low, i.low);
  EXPECT_EQ(bootstrap_mean({}, 1).high, 0);
}

}  // namespace
}  // namespace orrery::model
