#include "harness/model/contributor_shapley.h"

#include <bit>
#include <map>
#include <numeric>

#include "engine/base/ensure.h"
#include "engine/base/random.h"

namespace orrery::model {

std::vector<double> exact_shapley(std::uint32_t players, std::span<const double> worths) {
  ENSURE(players >= 1 && players <= kMaxExactPlayers, "few players");
  ENSURE(worths.size() == std::size_t{1} << players, "a worth for each coalition");
  // The weight of a coalition of s others: s! (players - 1 - s)! / players!.
  std::vector<double> weight(players);
  weight[0] = 1.0 / players;
  for (std::uint32_t s = 1; s < players; ++s) weight[s] = weight[s - 1] * s / (players - s);
  std::vector<double> values(players);
  for (std::size_t mask = 0; mask < worths.size(); ++mask) {
    for (std::uint32_t p = 0; p < players; ++p) {
      const std::size_t with = mask | std::size_t{1} << p;
      if (with == mask) continue;
      const auto others = static_cast<std::size_t>(std::popcount(mask));
      values[p] += weight[others] * (worths[with] - worths[mask]);
    }
  }
  return values;
}

PermutationShapley permutation_shapley(const PermutationOptions& o,
                                       const std::function<double(std::uint64_t)>& worth) {
  ENSURE(o.players >= 1 && o.players <= 63 && o.orders >= 1, "players, and an order to come in");
  std::map<std::uint64_t, double> known;
  const auto value = [&](std::uint64_t mask) {
    const auto [at, is_new] = known.try_emplace(mask, 0.0);
    if (is_new) at->second = worth(mask);
    return at->second;
  };
  const double all = value((std::uint64_t{1} << o.players) - 1);
  PermutationShapley out{std::vector<double>(o.players), 0};
  for (std::uint32_t order = 0; order < o.orders; ++order) {
    std::vector<std::uint32_t> arrivals(o.players);
    std::iota(arrivals.begin(), arrivals.end(), 0u);
    RandomStream random(o.seed, order, stream_id("shapley.order"));
    for (std::size_t i = arrivals.size(); i > 1; --i) {
      std::swap(arrivals[i - 1], arrivals[random.below(i)]);
    }
    std::uint64_t mask = 0;
    double before = value(mask);
    for (const std::uint32_t player : arrivals) {
      if (o.tolerance > 0 && before >= all - o.tolerance && before <= all + o.tolerance) break;
      mask |= std::uint64_t{1} << player;
      const double after = value(mask);
      out.values[player] += (after - before) / o.orders;
      before = after;
    }
  }
  out.evaluations = known.size();
  return out;
}

}  // namespace orrery::model
