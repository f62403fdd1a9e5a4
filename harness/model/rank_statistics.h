// Statistics of measured quality: rank correlation, reliability, confidence intervals. Doubles:
// read by people, no part of any digest.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace orrery::model {

// Ranks from 0, equal values share the mean of theirs.
std::vector<double> ranks(std::span<const double> values);

// Spearman's rank correlation, in [-1, 1]; 0 if either side is constant. Lengths are equal and at
// least 2 (ENSURE).
double spearman(std::span<const double> a, std::span<const double> b);

// Reliability of a mean of `times` as many measurements as those that correlate with `r`:
// Spearman (1910) and Brown (1910). r in (-1, 1]; 0 for r <= 0.
double spearman_brown(double r, double times);

struct Interval {
  double low = 0;
  double high = 0;
};

double mean(std::span<const double> values);  // 0 of none

// The middle 95 % of a statistic over 2,000 samples drawn from [0, n) with replacement: Efron's
// percentile bootstrap. {0, 0} if n is 0.
using Statistic = std::function<double(std::span<const std::size_t> sample)>;
Interval bootstrap(std::size_t n, std::uint64_t seed, const Statistic& statistic);
// Of the mean.
Interval bootstrap_mean(std::span<const double> values, std::uint64_t seed);

}  // namespace orrery::model
