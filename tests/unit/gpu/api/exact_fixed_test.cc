#include "gpu/api/exact/fixed.h"

#include <gtest/gtest.h>

#include <cmath>

#include "engine/base/random.h"

namespace orrery::gpu::exact {
namespace {

double real(SoftScale s) { return std::ldexp(static_cast<double>(s.m), s.e); }

TEST(ExactFixed, RshRoundsHalvesUpOnBothSidesOfZero) {
  EXPECT_EQ(rsh(5, 1), 3);
  EXPECT_EQ(rsh(-5, 1), -2);
  EXPECT_EQ(rsh(6, 2), 2);
  EXPECT_EQ(rsh(-6, 2), -1);
  EXPECT_EQ(rsh(-7, 2), -2);
  EXPECT_EQ(rsh(7, 0), 7);
  EXPECT_EQ(rsh(-3, -4), -48);
  EXPECT_EQ(rsh(std::int64_t{1} << 61, 62), 1);
}

TEST(ExactFixed, IsqrtIsTheFloorOfTheRoot) {
  RandomStream random(1, 0, stream_id("isqrt"));
  for (int i = 0; i < 20'000; ++i) {
    const std::uint64_t v = random.next() >> random.below(64);
    const std::uint64_t r = isqrt64(v);
    EXPECT_LE(static_cast<u128>(r) * r, v);
    EXPECT_GT(static_cast<u128>(r + 1) * (r + 1), v);
  }
  EXPECT_EQ(isqrt64(0), 0u);
  EXPECT_EQ(isqrt64(UINT64_MAX), UINT32_MAX);
}

TEST(ExactFixed, SoftScalesKeep31Bits) {
  RandomStream random(2, 0, stream_id("soft"));
  for (int i = 0; i < 20'000; ++i) {
    const std::uint64_t a = (random.next() >> 2 >> random.below(60)) | 1;
    const std::uint64_t b = (random.next() >> 2 >> random.below(60)) | 1;
    const SoftScale x = soft(a, -7);
    const SoftScale y = soft(b, 11);
    EXPECT_EQ(x.m >> 30, 1u);
    EXPECT_NEAR(real(x) / std::ldexp(static_cast<double>(a), -7), 1, 0x1p-31);
    EXPECT_NEAR(real(soft_mul(x, y)) / (real(x) * real(y)), 1, 0x1p-31);
    EXPECT_NEAR(real(soft_inverse(x)) * real(x), 1, 0x1p-29);
    EXPECT_NEAR(real(soft_sqrt(a)) / std::sqrt(static_cast<double>(a)), 1, 0x1p-29);
  }
}

TEST(ExactFixed, SoftRoundingThatCarriesStaysNormalised) {
  const SoftScale s = soft((std::uint64_t{1} << 40) - 1, 0);
  EXPECT_EQ(s, (SoftScale{1u << 30, 10}));
  EXPECT_EQ(soft(0, 5), SoftScale{});
}

TEST(ExactFixed, RequantiseFollowsTheRealProductWithinHalfAStep) {
  RandomStream random(3, 0, stream_id("requantise"));
  for (int i = 0; i < 20'000; ++i) {
    const auto acc = static_cast<std::int32_t>(random.next());
    const SoftScale row{static_cast<std::uint32_t>(1u << 30 | random.below(1u << 30)), -52};
    const SoftScale col{static_cast<std::uint32_t>(1u << 30 | random.below(1u << 30)), -40};
    const double want = acc * real(row) * real(col) * 65536;
    EXPECT_NEAR(static_cast<double>(requantise(acc, row, col)), want,
                0.5 + std::abs(want) * 0x1p-30);
  }
}

TEST(ExactFixed, RequantiseIsDefinedAtEveryExponent) {
  const SoftScale top{0x7fffffffu, 0};
  for (std::int32_t e = -600; e <= 600; ++e) {
    const SoftScale col{0x7fffffffu, e};
    std::uint64_t clamps = 0;
    const std::int32_t high = saturate32(requantise(INT32_MAX, top, col), clamps);
    const std::int32_t low = saturate32(requantise(INT32_MIN, top, col), clamps);
    EXPECT_GE(high, 0);
    EXPECT_LE(low, 0);
    if (e > -46) {
      EXPECT_EQ(high, INT32_MAX);
    }
    if (e < -140) {
      EXPECT_EQ(high, 0);
    }
  }
  EXPECT_EQ(requantise(0, top, SoftScale{1u << 30, 500}), 0);
  EXPECT_EQ(requantise(77, top, SoftScale{}), 0);
}

TEST(ExactFixed, SaturationClampsAndCounts) {
  std::uint64_t clamps = 0;
  EXPECT_EQ(saturate32(INT32_MAX, clamps), INT32_MAX);
  EXPECT_EQ(saturate32(INT32_MIN, clamps), INT32_MIN);
  EXPECT_EQ(clamps, 0u);
  EXPECT_EQ(saturate32(std::int64_t{INT32_MAX} + 1, clamps), INT32_MAX);
  EXPECT_EQ(saturate32(INT64_MIN, clamps), INT32_MIN);
  EXPECT_EQ(clamps, 2u);
}

}  // namespace
}  // namespace orrery::gpu::exact
