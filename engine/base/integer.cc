#include "engine/base/integer.h"

#include <algorithm>

namespace orrery {
namespace {

struct U256 {
  u128 hi;
  u128 lo;
};

U256 multiply(u128 a, u128 b) {
  const u128 mask = ~static_cast<std::uint64_t>(0);
  const u128 a0 = a & mask, a1 = a >> 64, b0 = b & mask, b1 = b >> 64;
  const u128 p00 = a0 * b0, p01 = a0 * b1, p10 = a1 * b0, p11 = a1 * b1;
  const u128 mid = (p00 >> 64) + (p01 & mask) + (p10 & mask);
  return {p11 + (p01 >> 64) + (p10 >> 64) + (mid >> 64), (mid << 64) | (p00 & mask)};
}

struct Division {
  u128 quotient;
  u128 remainder;
};

// Schoolbook binary long division; d > n.hi is required, so the quotient fits 128 bits.
Division divide(U256 n, u128 d) {
  u128 remainder = n.hi;
  u128 quotient = 0;
  for (int i = 127; i >= 0; --i) {
    const bool carry = (remainder >> 127) != 0;
    remainder = (remainder << 1) | ((n.lo >> i) & 1);
    quotient <<= 1;
    if (carry || remainder >= d) {
      remainder -= d;
      quotient |= 1;
    }
  }
  return {quotient, remainder};
}

Division mul_div(u128 a, u128 b, u128 d) {
  ENSURE(d != 0, "division by zero");
  const U256 product = multiply(a, b);
  if (product.hi == 0) return {product.lo / d, product.lo % d};
  ENSURE(product.hi < d, "quotient exceeds 128 bits");
  return divide(product, d);
}

}  // namespace

u128 mul_div_floor(u128 a, u128 b, u128 d) { return mul_div(a, b, d).quotient; }

u128 mul_div_ceil(u128 a, u128 b, u128 d) {
  const Division result = mul_div(a, b, d);
  if (result.remainder == 0) return result.quotient;
  ENSURE(result.quotient != kMaxU128, "quotient exceeds 128 bits");
  return result.quotient + 1;
}

std::uint64_t isqrt(u128 n) {
  u128 low = 0;
  u128 high = (static_cast<u128>(1) << 64) - 1;
  while (low < high) {
    const u128 mid = low + (high - low + 1) / 2;
    if (mid * mid <= n) {
      low = mid;
    } else {
      high = mid - 1;
    }
  }
  return static_cast<std::uint64_t>(low);
}

std::string to_decimal(u128 value) {
  std::string digits;
  do {
    digits.push_back(static_cast<char>('0' + static_cast<int>(value % 10)));
    value /= 10;
  } while (value != 0);
  std::reverse(digits.begin(), digits.end());
  return digits;
}

std::string to_decimal(i128 value) {
  if (value >= 0) return to_decimal(static_cast<u128>(value));
  return "-" + to_decimal(static_cast<u128>(0) - static_cast<u128>(value));
}

std::optional<u128> parse_decimal(std::string_view text) {
  if (text.empty() || (text.size() > 1 && text[0] == '0')) return std::nullopt;
  u128 value = 0;
  for (char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    const auto scaled = checked_mul(value, 10);
    if (!scaled) return std::nullopt;
    const auto sum = checked_add(*scaled, static_cast<u128>(c - '0'));
    if (!sum) return std::nullopt;
    value = *sum;
  }
  return value;
}

}  // namespace orrery
