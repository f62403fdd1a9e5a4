// Checked wide integers for money and work: 128-bit values, 256-bit products, the rounding rule in
// the name of each division. Nothing here wraps silently.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "engine/base/ensure.h"

namespace orrery {

using u128 = unsigned __int128;
using i128 = __int128;

inline constexpr u128 kMaxU128 = ~static_cast<u128>(0);

constexpr std::optional<u128> checked_add(u128 a, u128 b) {
  u128 sum = 0;
  if (__builtin_add_overflow(a, b, &sum)) return std::nullopt;
  return sum;
}
constexpr std::optional<u128> checked_sub(u128 a, u128 b) {
  if (b > a) return std::nullopt;
  return a - b;
}
constexpr std::optional<u128> checked_mul(u128 a, u128 b) {
  u128 product = 0;
  if (__builtin_mul_overflow(a, b, &product)) return std::nullopt;
  return product;
}

// floor(a*b/d) and ceil(a*b/d) with a 256-bit product. ENSUREs d > 0 and that the quotient fits.
u128 mul_div_floor(u128 a, u128 b, u128 d);
u128 mul_div_ceil(u128 a, u128 b, u128 d);

// floor(sqrt(n)).
std::uint64_t isqrt(u128 n);

std::string to_decimal(u128 value);
std::string to_decimal(i128 value);
// Digits only, no sign, no leading zero (but "0"); nothing on overflow.
std::optional<u128> parse_decimal(std::string_view text);

}  // namespace orrery
