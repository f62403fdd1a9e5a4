// Distributions over durations and counts, described as data and sampled with integers only.
// The sampler is a table of 1,024 quantiles with linear interpolation, built by fixed-point
// arithmetic, so that the same bits come out of every compiler and libm.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/base/result.h"

namespace orrery {

enum class DistributionKind : std::uint8_t {
  kConst,      // a
  kUniform,    // a .. b
  kNormal,     // mean a, standard deviation b
  kLognormal,  // median a, sigma (Q32, of the underlying normal)
  kExp,        // mean a
  kPareto,     // minimum a, alpha in sigma (Q32)
};

// `a`, `b`, `min`, `max` are in the unit of the sampled quantity (nanoseconds for durations, units
// for counts). Samples are clamped to [min, max].
struct DistributionSpec {
  DistributionKind kind = DistributionKind::kConst;
  std::int64_t a = 0;
  std::int64_t b = 0;
  std::int64_t shape_q32 = 0;
  std::int64_t min = 0;
  std::int64_t max = INT64_MAX;
  bool operator==(const DistributionSpec&) const = default;
};

class Distribution {
 public:
  // kInvalidArgument if parameters are out of range (negative spread, min > max, alpha <= 0).
  static Result<Distribution> make(const DistributionSpec& spec);

  // Maps a uniform 64-bit draw to a sample; monotone in the draw.
  std::int64_t at(std::uint64_t draw) const;
  // Smallest possible sample: the look-ahead of conservative parallel windows.
  std::int64_t minimum() const { return quantiles_.front(); }

 private:
  std::vector<std::int64_t> quantiles_;  // kPoints + 1 values, or 1 for a constant
};

}  // namespace orrery
