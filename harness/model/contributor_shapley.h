// What each contributor is worth by the game itself: train on every coalition, or on the coalitions
// that a few random orders of arrival meet. Ground truth for payouts; doubles, read by people.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace orrery::model {

inline constexpr std::uint32_t kMaxExactPlayers = 16;  // 2^16 trainings are beyond anybody

// Shapley's values of a game of `players` whose worth(mask) stands at worths[mask]; ENSUREs that
// there are 2^players of them. They sum to worths.back() - worths[0].
std::vector<double> exact_shapley(std::uint32_t players, std::span<const double> worths);

// Truncated Monte Carlo (Ghorbani and Zou, "Data Shapley", 2019): the mean over random orders of
// what each player adds, where an order is left as soon as the coalition's worth is within
// `tolerance` of everybody's (those who are still to come then add nothing).
struct PermutationOptions {
  std::uint32_t players = 0;  // at most 63
  std::uint32_t orders = 100;
  double tolerance = 0;
  std::uint64_t seed = 1;
};
struct PermutationShapley {
  std::vector<double> values;
  std::uint64_t evaluations = 0;  // different coalitions that were looked at
};
// worth(mask) is asked once a coalition.
PermutationShapley permutation_shapley(const PermutationOptions& options,
                                       const std::function<double(std::uint64_t)>& worth);

}  // namespace orrery::model
