// The two look-up tables of exact-i8 and the functions that interpolate in them. The entries come
// from integer series at compile time (tables.cc): no mathematical library takes part, so they
// cannot differ between machines.
#pragma once

#include <cstdint>

#include "gpu/api/exact/fixed.h"

namespace orrery::gpu::exact {

inline constexpr int kExp2Entries = 257;      // 2^-(i/256) in Q30, i = 0..256
inline constexpr int kSigmoidEntries = 1025;  // sigmoid(i/64) in Q28, i = 0..1024; the last is 1

const std::int32_t* exp2_table();
const std::int32_t* sigmoid_table();

// 2^-d in Q30 for d >= 0 in Q16, zero past d = 31. Linear interpolation: at most 1e-6 off. The
// product stays in 32 bits (step * 255 < 2^30), which lets compilers vectorise it.
ORRERY_HOST_DEVICE constexpr std::int32_t exp2_negative(std::uint32_t d,
                                                        const std::int32_t* table) {
  const int whole = static_cast<int>(d >> 16);
  if (whole > 30) return 0;
  const auto i = (d >> 8) & 255;
  const auto fraction = static_cast<std::int32_t>(d & 255);
  const std::int32_t step = table[i] - table[i + 1];
  const std::int32_t v = table[i] - ((step * fraction + 128) >> 8);
  return (v + ((1 << whole) >> 1)) >> whole;  // rsh in 32 bits
}

// x * sigmoid(x), both Q16. The table covers |x| < 16, past which sigmoid is 0 or 1 to within 2e-7.
ORRERY_HOST_DEVICE constexpr std::int32_t silu(std::int32_t x, const std::int32_t* table) {
  constexpr std::int32_t kOne = 1 << 28;
  const auto a = static_cast<std::uint32_t>(magnitude(x));
  std::int32_t g = kOne;
  if (a < (16u << 16)) {
    const auto i = a >> 10;
    const auto fraction = static_cast<std::int32_t>(a & 1023);
    g = table[i] + (((table[i + 1] - table[i]) * fraction + 512) >> 10);
  }
  if (x < 0) g = kOne - g;
  return static_cast<std::int32_t>(rsh(std::int64_t{x} * g, 28));
}

}  // namespace orrery::gpu::exact
