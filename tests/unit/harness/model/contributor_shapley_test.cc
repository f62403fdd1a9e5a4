#include "harness/model/contributor_shapley.h"

#include <gtest/gtest.h>

#include <bit>
#include <numeric>

#include "engine/base/random.h"

namespace orrery::model {
namespace {

std::vector<double> random_game(std::uint32_t players, std::uint64_t seed) {
  RandomStream random(seed, 0, stream_id("test.game"));
  std::vector<double> worths;
  for (std::size_t i = 0; i < std::size_t{1} << players; ++i) {
    worths.push_back(static_cast<double>(random.below(1000)));
  }
  return worths;
}

TEST(ExactShapley, GivesTheGloveGameItsTextbookValues) {
  // Players 0 and 1 hold a left glove, 2 a right one; a pair is worth 1.
  std::vector<double> worths;
  for (int mask = 0; mask < 8; ++mask) worths.push_back((mask & 4) != 0 && (mask & 3) != 0 ? 1 : 0);
  const auto values = exact_shapley(3, worths);
  EXPECT_DOUBLE_EQ(values[0], 1.0 / 6);
  EXPECT_DOUBLE_EQ(values[1], 1.0 / 6);
  EXPECT_DOUBLE_EQ(values[2], 4.0 / 6);
}

TEST(ExactShapley, SharesAllThatThereIsAmongThePlayers) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const auto worths = random_game(6, seed);
    const auto values = exact_shapley(6, worths);
    EXPECT_NEAR(std::accumulate(values.begin(), values.end(), 0.0), worths.back() - worths[0], 1e-9)
        << "seed " << seed;
  }
}

TEST(PermutationShapley, ComesNearTheExactValuesAndAsksForEachCoalitionOnce) {
  const auto worths = random_game(5, 3);
  std::vector<int> asked(worths.size());
  const auto made = permutation_shapley({.players = 5, .orders = 20'000}, [&](std::uint64_t mask) {
    ++asked[mask];
    return worths[mask];
  });
  const auto exact = exact_shapley(5, worths);
  // A player's marginal worth has a standard deviation of about 400: 3 at so many orders.
  for (std::size_t p = 0; p < 5; ++p) EXPECT_NEAR(made.values[p], exact[p], 12);
  EXPECT_EQ(made.evaluations, 32u);
  for (const int a : asked) EXPECT_EQ(a, 1);
}

TEST(PermutationShapley, LeavesAnOrderThatHasReachedEverybodysWorth) {
  // Any two players are worth everything; half of it is not within the tolerance.
  const auto worth = [](std::uint64_t mask) { return std::min(std::popcount(mask), 2) * 50.0; };
  const PermutationOptions options{.players = 12, .orders = 10, .tolerance = 1};
  const auto made = permutation_shapley(options, worth);
  EXPECT_DOUBLE_EQ(std::accumulate(made.values.begin(), made.values.end(), 0.0), 100);
  EXPECT_LE(made.evaluations, 2u + 2 * 10);  // all, none, and two of each order
}

}  // namespace
}  // namespace orrery::model
