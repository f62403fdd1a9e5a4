// The two look-up tables of exact-i8 and the functions that interpolate in them. The entries come
// from integer series at compile time (tables.cc): no mathematical library takes part, so they
// cannot differ between machines.
#pragma once

#include <cstdint>

#include "gpu/api/exact/fixed.h"

namespace orrery::gpu::exact {

inline constexpr int kExp2Entries = 257;  // 2^-(i/256) in Q30, i = 0..256
inline constexpr int kSigmoidEntries =
    1026;  // sigmoid(i/64) in Q28; the last two, i >= 1024, are 1

const std::int32_t* exp2_table();
const std::int32_t* sigmoid_table();
// Phi(i/64) in Q28 in the tanh form of GPT-2: sigmoid(2 sqrt(2/pi) (x + 0.044715 x^3)); the same
// number of entries.
const std::int32_t* gelu_table();

// 2^-d in Q30 for d >= 0 in Q16, zero past d = 31. Linear interpolation: at most 1e-6 off. The
// product stays in 32 bits (step * 255 < 2^30), which lets compilers vectorise it.
ORRERY_HOST_DEVICE constexpr std::int32_t exp2_negative(std::uint32_t d,
                                                        const std::int32_t* table) {
  const auto whole = static_cast<std::int32_t>(d >> 16);
  const auto i = static_cast<std::int32_t>((d >> 8) & 255);
  const auto fraction = static_cast<std::int32_t>(d & 255);
  const std::int32_t step = table[i] - table[i + 1];
  const std::int32_t v = table[i] - ((step * fraction + 128) >> 8);
  const std::int32_t shift = whole > 30 ? 30 : whole;
  const std::int32_t rounded = (v + ((1 << shift) >> 1)) >> shift;  // rsh in 32 bits
  return whole > 30 ? 0 : rounded;
}

// x * g(x), both Q16, for the table of a function g with g(-x) = 1 - g(x): SiLU with the sigmoid's,
// GELU with gelu_table(). The table covers |x| < 16, past which g is 0 or 1 to within 2e-7.
ORRERY_HOST_DEVICE constexpr std::int32_t silu(std::int32_t x, const std::int32_t* table) {
  constexpr std::int32_t kOne = 1 << 28;
  constexpr std::uint32_t kEnd = 16u << 16;
  const std::uint32_t sign = x < 0 ? ~0u : 0u;
  const std::uint32_t size = (static_cast<std::uint32_t>(x) ^ sign) - sign;  // |x|, also of -2^31
  const std::uint32_t a = size < kEnd ? size : kEnd;
  const auto i = static_cast<std::int32_t>(a >> 10);
  const auto fraction = static_cast<std::int32_t>(a & 1023);
  const std::int32_t g = table[i] + (((table[i + 1] - table[i]) * fraction + 512) >> 10);
  const std::int32_t sided = x < 0 ? kOne - g : g;
  return static_cast<std::int32_t>((std::int64_t{x} * sided + (1 << 27)) >> 28);
}

}  // namespace orrery::gpu::exact
