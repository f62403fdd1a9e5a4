// Angles are kept in turns as 64-bit fractions: position * step wraps exactly where the circle
// does, so no argument reduction is ever needed.
#include "gpu/api/rope.h"

#include <array>

#include "engine/base/integer.h"

namespace orrery::gpu {
namespace {

constexpr std::uint64_t kOneQ62 = std::uint64_t{1} << 62;
// Digits of log2(10000) = 13.287712379549449..., of 2*pi = 6.283185307179586... and of its inverse.
constexpr u128 kLog2BaseQ58 = 3829922337353294528u;
constexpr std::uint64_t kTwoPiQ60 = 7244019458077122842u;
constexpr std::uint64_t kInverseTwoPiQ64 = 2935890503282001226u;

std::uint64_t mul_q62(std::uint64_t a, std::uint64_t b) {
  return static_cast<std::uint64_t>((static_cast<u128>(a) * b) >> 62);
}

// 2^-f for a Q62 fraction f in [0, 1): the product of 2^-(2^-k) over the bits set in f.
std::uint64_t exp2_fraction(std::uint64_t f) {
  std::uint64_t result = kOneQ62;
  std::uint64_t root = kOneQ62 / 2;  // 2^-1, square-rooted once a bit
  for (int bit = 61; bit >= 0; --bit) {
    root = isqrt(static_cast<u128>(root) << 62);
    if (f >> bit & 1) result = mul_q62(result, root);
  }
  return result;
}

// 10000^(-i/half) / 2*pi as a fraction of a turn.
std::uint64_t turns_per_position(std::uint32_t i, std::uint32_t half) {
  const u128 exponent = (kLog2BaseQ58 * i << 4) / half;  // Q62, below 14
  const auto whole = static_cast<int>(static_cast<std::uint64_t>(exponent >> 62));
  const std::uint64_t f = static_cast<std::uint64_t>(exponent) & (kOneQ62 - 1);
  return mul_q62(kInverseTwoPiQ64, exp2_fraction(f)) >> whole;
}

// Taylor series in Q60 for x in [0, pi/4]: terms shrink below 2^-60 before x^20.
struct Pair {
  std::int64_t cosine;
  std::int64_t sine;
};
Pair series(std::uint64_t x) {
  Pair p{0, 0};
  u128 term = u128{1} << 60;
  for (unsigned n = 0; term != 0; ++n) {
    const auto t = static_cast<std::int64_t>(static_cast<std::uint64_t>(term));
    const std::int64_t signed_term = n % 4 < 2 ? t : -t;
    (n % 2 == 0 ? p.cosine : p.sine) += signed_term;
    term = (term * x >> 60) / (n + 1);
  }
  return p;
}

}  // namespace

CosSin cos_sin(std::uint64_t turns) {
  // Octant symmetry: fold into [0, 1/8] of a turn, where the series is short.
  const auto octant = static_cast<unsigned>(turns >> 61);
  constexpr std::uint64_t kEighth = std::uint64_t{1} << 61;
  const std::uint64_t within = turns & (kEighth - 1);
  const std::uint64_t folded = octant % 2 == 0 ? within : kEighth - within;
  const Pair p = series(static_cast<std::uint64_t>(static_cast<u128>(folded) * kTwoPiQ60 >> 64));
  const bool swap = octant % 4 == 1 || octant % 4 == 2;
  std::int64_t cosine = swap ? p.sine : p.cosine;
  std::int64_t sine = swap ? p.cosine : p.sine;
  if (octant >= 2 && octant < 6) cosine = -cosine;
  if (octant >= 4) sine = -sine;
  constexpr std::int64_t kHalf = std::int64_t{1} << 29;
  return {static_cast<std::int32_t>((cosine + kHalf) >> 30),
          static_cast<std::int32_t>((sine + kHalf) >> 30)};
}

RopeTables make_rope_tables(std::uint32_t context, std::uint32_t half) {
  RopeTables tables;
  const std::size_t size = static_cast<std::size_t>(context) * half;
  tables.cosine.resize(size);
  tables.sine.resize(size);
  for (std::uint32_t i = 0; i < half; ++i) {
    const std::uint64_t step = turns_per_position(i, half);
    for (std::uint32_t position = 0; position < context; ++position) {
      const CosSin entry = cos_sin(step * position);
      const std::size_t at = static_cast<std::size_t>(position) * half + i;
      tables.cosine[at] = entry.cosine;
      tables.sine[at] = entry.sine;
    }
  }
  return tables;
}

}  // namespace orrery::gpu
