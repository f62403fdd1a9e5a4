// Fixed point and soft-float scales: the arithmetic from which every operation of the numeric class
// exact-i8 is made. Only +, -, x, shifts, compares and integer division, so any machine gives the
// same bits. Plain functions without library types: host and device code compile the same text.
//
// Notation: Qf is an integer that stands for value * 2^f.
#pragma once

#include <cstdint>

#if defined(__CUDACC__)
#define ORRERY_HOST_DEVICE __host__ __device__
#else
// Always inlined, so that a caller compiled for a wider instruction set vectorises these bodies.
#define ORRERY_HOST_DEVICE [[gnu::always_inline]]
#endif

// Devices keep arrays in registers only where every index is a constant.
#if defined(__CUDA_ARCH__)
#define ORRERY_UNROLL _Pragma("unroll")
#else
#define ORRERY_UNROLL
#endif

namespace orrery::gpu::exact {

// The one rounding rule: divide by 2^s, halves up; s in [-62, 62], negative s multiplies.
// |x| + 2^(s-1) must stay below 2^63.
ORRERY_HOST_DEVICE constexpr std::int64_t rsh(std::int64_t x, int s) {
  return s > 0 ? (x + (std::int64_t{1} << (s - 1))) >> s : x << -s;
}

// Number of significant bits; 0 for 0.
ORRERY_HOST_DEVICE constexpr int bit_length(std::uint64_t v) {
#if defined(__CUDA_ARCH__)
  return 64 - __clzll(static_cast<long long>(v));
#else
  return v == 0 ? 0 : 64 - __builtin_clzll(v);
#endif
}

ORRERY_HOST_DEVICE constexpr std::uint64_t magnitude(std::int64_t x) {
  return x < 0 ? 0 - static_cast<std::uint64_t>(x) : static_cast<std::uint64_t>(x);
}

// floor(sqrt(v)).
ORRERY_HOST_DEVICE constexpr std::uint64_t isqrt64(std::uint64_t v) {
  std::uint64_t root = 0;
  for (std::uint64_t bit = std::uint64_t{1} << 62; bit != 0; bit >>= 2) {
    if (v >= root + bit) {
      v -= root + bit;
      root = (root >> 1) + bit;
    } else {
      root >>= 1;
    }
  }
  return root;
}

// Clamps to int32 and counts the clamp. Counts are sums over elements, hence free of order.
ORRERY_HOST_DEVICE constexpr std::int32_t saturate32(std::int64_t y, std::uint64_t& clamps) {
  const std::int64_t low = y < INT32_MIN ? INT32_MIN : y;
  const std::int64_t z = low > INT32_MAX ? INT32_MAX : low;
  clamps += z != y ? 1u : 0u;
  return static_cast<std::int32_t>(z);
}

// A positive scale m * 2^e with m in [2^30, 2^31), or zero (m = 0, e = 0).
struct SoftScale {
  std::uint32_t m = 0;
  std::int32_t e = 0;
  friend constexpr bool operator==(const SoftScale&, const SoftScale&) = default;
};

// v * 2^e rounded to 31 bits; v < 2^62.
ORRERY_HOST_DEVICE constexpr SoftScale soft(std::uint64_t v, int e) {
  if (v == 0) return {};
  const int shift = bit_length(v) - 31;
  const auto m = static_cast<std::uint64_t>(rsh(static_cast<std::int64_t>(v), shift));
  if (m >> 31 != 0) return {static_cast<std::uint32_t>(m >> 1), e + shift + 1};
  return {static_cast<std::uint32_t>(m), e + shift};
}

ORRERY_HOST_DEVICE constexpr SoftScale soft_mul(SoftScale a, SoftScale b) {
  return soft(static_cast<std::uint64_t>(a.m) * b.m, a.e + b.e);
}

// 1 / a for a > 0: floor(2^61 / m) is off by less than one part in 2^30.
ORRERY_HOST_DEVICE constexpr SoftScale soft_inverse(SoftScale a) {
  return soft((std::uint64_t{1} << 61) / a.m, -61 - a.e);
}

// sqrt(v) for 0 < v < 2^62.
ORRERY_HOST_DEVICE constexpr SoftScale soft_sqrt(std::uint64_t v) {
  const int shift = (62 - bit_length(v)) & ~1;
  return soft(isqrt64(v << shift), -shift / 2);
}

// log2(e) = 1.44269504088896340736, to 31 bits.
inline constexpr SoftScale kLog2E{1549082005, -30};

// acc * row * col in Q16, unclamped: mc = rsh(m_row * m_col, 31) < 2^31, and |acc| < 2^31 keeps
// acc * mc below 2^62. A shift past 62 leaves nothing; a shift below 1 exceeds every Q16 value.
ORRERY_HOST_DEVICE constexpr std::int64_t requantise(std::int32_t acc, SoftScale row,
                                                     SoftScale col) {
  const std::int64_t mc =
      rsh(static_cast<std::int64_t>(static_cast<std::uint64_t>(row.m) * col.m), 31);
  const std::int64_t product = acc * mc;
  // Selections among 64-bit values rather than branches, so that loops over outputs vectorise.
  const std::int64_t shift = -(std::int64_t{row.e} + col.e + 47);
  const std::int64_t low = shift < 1 ? 1 : shift;
  const std::int64_t inside = low > 62 ? 62 : low;
  const std::int64_t y = ((product >> (inside - 1)) + 1) >> 1;  // rsh(product, inside)
  // The largest value of the product's sign, zero for zero.
  const std::int64_t huge = (INT64_MAX ^ (product >> 63)) & ((product | -product) >> 63);
  const std::int64_t bounded = shift < 1 ? huge : y;
  return shift > 62 ? 0 : bounded;
}

}  // namespace orrery::gpu::exact
