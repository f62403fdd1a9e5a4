#include "harness/model/rank_statistics.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "engine/base/ensure.h"
#include "engine/base/random.h"

namespace orrery::model {
namespace {

constexpr std::size_t kSamples = 2000;  // the ends of the interval move by less than 3 % of it

double pearson(std::span<const double> a, std::span<const double> b) {
  const double ma = mean(a);
  const double mb = mean(b);
  double ab = 0;
  double aa = 0;
  double bb = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    ab += (a[i] - ma) * (b[i] - mb);
    aa += (a[i] - ma) * (a[i] - ma);
    bb += (b[i] - mb) * (b[i] - mb);
  }
  return aa > 0 && bb > 0 ? ab / std::sqrt(aa * bb) : 0;
}

}  // namespace

std::vector<double> ranks(std::span<const double> values) {
  std::vector<std::size_t> order(values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return values[a] < values[b]; });
  std::vector<double> out(values.size());
  for (std::size_t i = 0; i < order.size();) {
    std::size_t end = i + 1;
    while (end < order.size() && values[order[end]] == values[order[i]]) ++end;
    for (std::size_t j = i; j < end; ++j) out[order[j]] = static_cast<double>(i + end - 1) / 2;
    i = end;
  }
  return out;
}

double spearman(std::span<const double> a, std::span<const double> b) {
  ENSURE(a.size() == b.size() && a.size() >= 2, "two lists of one length");
  return pearson(ranks(a), ranks(b));
}

double spearman_brown(double r, double times) {
  return r <= 0 ? 0 : times * r / (1 + (times - 1) * r);
}

double mean(std::span<const double> values) {
  if (values.empty()) return 0;
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

Interval bootstrap(std::size_t n, std::uint64_t seed, const Statistic& statistic) {
  if (n == 0) return {};
  RandomStream random(seed, 0, stream_id("statistics.bootstrap"));
  std::vector<double> values;
  std::vector<std::size_t> sample(n);
  for (std::size_t s = 0; s < kSamples; ++s) {
    for (std::size_t& i : sample) i = random.below(n);
    values.push_back(statistic(sample));
  }
  std::sort(values.begin(), values.end());
  return {values[kSamples / 40], values[kSamples - 1 - kSamples / 40]};
}

Interval bootstrap_mean(std::span<const double> values, std::uint64_t seed) {
  return bootstrap(values.size(), seed, [&](std::span<const std::size_t> sample) {
    double sum = 0;
    for (const std::size_t i : sample) sum += values[i];
    return sum / static_cast<double>(sample.size());
  });
}

}  // namespace orrery::model
