// Softmax and the weighted sum of values for one (query, head). Two passes over the keys, maximum
// then sum: rescaling on the way would round, and make results depend on the order of tiles.
#pragma once

#include <cstdint>

#include "gpu/api/exact/fixed.h"
#include "gpu/api/exact/group.h"
#include "gpu/api/exact/tables.h"

namespace orrery::gpu::exact {

// Longest context: |sum p * v| <= (2^15 + T/2) * 2^15 stays inside int32.
inline constexpr std::int32_t kMaxContext = 32'768;
static_assert(((std::int64_t{1} << 15) + kMaxContext / 2) * (1 << 15) <= INT32_MAX);

// Values are kept as int16 Q10 (range +-32).
inline constexpr int kValueBits = 10;

ORRERY_HOST_DEVICE constexpr std::int16_t value_q10(std::int32_t x, std::uint64_t& clamps) {
  const std::int64_t y = rsh(x, 16 - kValueBits);
  const std::int64_t low = y < INT16_MIN ? INT16_MIN : y;
  const std::int64_t z = low > INT16_MAX ? INT16_MAX : low;
  clamps += z != y;
  return static_cast<std::int16_t>(z);
}

// Turns n >= 1 base-2 logits in Q16 into weights in Q15, in place; returns their sum P >= 1, which
// may differ from 2^15 by rounding, so callers divide by P. e_j = 2^-(max - z_j) in Q30,
// p_j = rsh(e_j * floor(2^62 / sum e), 47); e_j <= sum e keeps the product at most 2^62.
template <class Group>
ORRERY_HOST_DEVICE constexpr std::int32_t softmax_q15(const Group& group, std::int32_t* z,
                                                      std::int32_t n, const std::int32_t* table) {
  constexpr std::uint32_t kSign = std::uint32_t{1} << 31;  // maps the order of int32 to uint32's
  const std::uint32_t ordered =
      group.max(n, [&](std::int32_t j) { return static_cast<std::uint32_t>(z[j]) ^ kSign; });
  const std::uint32_t top = ordered ^ kSign;
  const auto sum = group.template sum<std::uint64_t>(n, [&](std::int32_t j) {
    z[j] = exp2_negative(top - static_cast<std::uint32_t>(z[j]), table);
    return static_cast<std::uint64_t>(z[j]);
  });
  const auto inverse = static_cast<std::int64_t>((std::uint64_t{1} << 62) / sum);
  return group.template sum<std::int32_t>(n, [&](std::int32_t j) {
    z[j] = static_cast<std::int32_t>(rsh(z[j] * inverse, 47));
    return z[j];
  });
}
ORRERY_HOST_DEVICE constexpr std::int32_t softmax_q15(std::int32_t* z, std::int32_t n,
                                                      const std::int32_t* table) {
  return softmax_q15(Solo{}, z, n, table);
}

// o / P from Q25 to Q16, halves away from zero: o = sum p_j * v_j.
ORRERY_HOST_DEVICE constexpr std::int32_t weighted_mean(std::int32_t o, std::int32_t total) {
  const auto scaled = static_cast<std::int64_t>(magnitude(o)) << (16 - kValueBits);
  const std::int64_t y = (scaled + total / 2) / total;
  return static_cast<std::int32_t>(o < 0 ? -y : y);
}

}  // namespace orrery::gpu::exact
