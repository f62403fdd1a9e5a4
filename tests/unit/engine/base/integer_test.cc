#include "engine/base/integer.h"

#include <gtest/gtest.h>

#include "engine/base/random.h"

namespace orrery {
namespace {

TEST(Integer, MulDivAgreesWithSmallArithmeticAndRoundsAsNamed) {
  EXPECT_EQ(to_decimal(mul_div_floor(10, 10, 3)), "33");
  EXPECT_EQ(to_decimal(mul_div_ceil(10, 10, 3)), "34");
  EXPECT_EQ(to_decimal(mul_div_ceil(9, 10, 3)), "30");
}

TEST(Integer, MulDivKeepsTheFull256BitProduct) {
  const u128 big = kMaxU128;
  EXPECT_EQ(mul_div_floor(big, big, big), big);
  EXPECT_EQ(mul_div_floor(big, 7, 8), big / 8 * 7 + (big % 8) * 7 / 8);
  EXPECT_THROW(mul_div_floor(big, 2, 1), EnsureFailure);
  EXPECT_THROW(mul_div_floor(1, 1, 0), EnsureFailure);
}

TEST(Integer, MulDivReconstructsRandomProducts) {
  RandomStream random(7, 0, stream_id("integer_test"));
  for (int i = 0; i < 2000; ++i) {
    const u128 a = static_cast<u128>(random.next()) << 64 | random.next();
    const u128 d = (static_cast<u128>(random.next()) << 64 | random.next()) >> random.below(100);
    if (d == 0) continue;
    const u128 b = random.next() % (static_cast<std::uint64_t>(std::min<u128>(d, UINT64_MAX)) | 1);
    if (b > d) continue;
    const u128 low = mul_div_floor(a, b, d);
    const u128 high = mul_div_ceil(a, b, d);
    EXPECT_LE(high - low, 1u);
    // floor*d <= a*b < (floor+1)*d, checked modulo 2^128 through the remainder.
    const u128 remainder = a * b - low * d;
    EXPECT_LT(remainder, d);
    EXPECT_EQ(remainder == 0, high == low);
  }
}

TEST(Integer, SquareRootIsTheFloor) {
  EXPECT_EQ(isqrt(0), 0u);
  EXPECT_EQ(isqrt(15), 3u);
  EXPECT_EQ(isqrt(16), 4u);
  EXPECT_EQ(isqrt(kMaxU128), UINT64_MAX);
}

TEST(Integer, DecimalTextRoundTripsAndRefusesOtherSpellings) {
  EXPECT_EQ(parse_decimal("1000000000000000000000000000"),
            static_cast<u128>(1'000'000'000'000'000'000) * 1'000'000'000);
  EXPECT_EQ(to_decimal(*parse_decimal("340282366920938463463374607431768211455")),
            "340282366920938463463374607431768211455");
  EXPECT_FALSE(parse_decimal("340282366920938463463374607431768211456"));
  EXPECT_FALSE(parse_decimal(""));
  EXPECT_FALSE(parse_decimal("01"));
  EXPECT_FALSE(parse_decimal("-1"));
  EXPECT_EQ(to_decimal(static_cast<i128>(-12)), "-12");
}

TEST(Philox, MatchesThePublishedVectors) {
  using A4 = std::array<std::uint32_t, 4>;
  EXPECT_EQ(philox4x32({0, 0, 0, 0}, {0, 0}), (A4{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(philox4x32({~0u, ~0u, ~0u, ~0u}, {~0u, ~0u}),
            (A4{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(philox4x32({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
            (A4{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

}  // namespace
}  // namespace orrery
