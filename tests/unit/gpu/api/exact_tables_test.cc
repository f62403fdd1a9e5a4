#include "gpu/api/exact/tables.h"

#include <gtest/gtest.h>

#include <cmath>

#include "gpu/api/rope.h"

namespace orrery::gpu {
namespace {

// Entries are correctly rounded: the distance to the real value is at most half a unit.
TEST(ExactTables, Exp2EntriesAreCorrectlyRounded) {
  for (int i = 0; i < exact::kExp2Entries; ++i) {
    const long double want = std::exp2(-i / 256.0L) * (1 << 30);
    EXPECT_LE(std::abs(want - exact::exp2_table()[i]), 0.5001L) << i;
  }
}

TEST(ExactTables, SigmoidEntriesAreCorrectlyRoundedBelowSixteen) {
  for (int i = 0; i < 1024; ++i) {
    const long double want = 1 / (1 + std::exp(-i / 64.0L)) * (1 << 28);
    EXPECT_LE(std::abs(want - exact::sigmoid_table()[i]), 0.5001L) << i;
  }
  EXPECT_EQ(exact::sigmoid_table()[1024], 1 << 28);
  EXPECT_EQ(exact::sigmoid_table()[1025], 1 << 28);
}

TEST(ExactTables, Exp2IsWithinOneMillionthAndNeverIncreases) {
  std::int32_t last = INT32_MAX;
  for (std::uint32_t d = 0; d < (33u << 16); d += 13) {
    const std::int32_t v = exact::exp2_negative(d, exact::exp2_table());
    EXPECT_NEAR(v * 0x1p-30, std::exp2(-(d * 0x1p-16)), 1e-6);
    EXPECT_LE(v, last);
    last = v;
  }
  EXPECT_EQ(exact::exp2_negative(0, exact::exp2_table()), 1 << 30);
  EXPECT_EQ(exact::exp2_negative(UINT32_MAX, exact::exp2_table()), 0);
}

TEST(ExactTables, SiluIsWithinOneAndAHalfStepsOfQ16) {
  for (std::int32_t x = -20 << 16; x < 20 << 16; x += 7) {
    const double v = x * 0x1p-16;
    EXPECT_NEAR(exact::silu(x, exact::sigmoid_table()) * 0x1p-16, v / (1 + std::exp(-v)), 2.3e-5);
  }
  EXPECT_EQ(exact::silu(INT32_MIN, exact::sigmoid_table()), 0);
  EXPECT_EQ(exact::silu(INT32_MAX, exact::sigmoid_table()), INT32_MAX);
}

TEST(ExactTables, GeluEntriesAreWithinOneUnitAndTheFunctionNearTheRealOne) {
  const auto phi = [](long double x) {
    return 1 / (1 + std::exp(-2 * std::sqrt(2 / 3.14159265358979323846L) *
                             (x + 0.044715L * x * x * x)));
  };
  for (int i = 0; i < exact::kSigmoidEntries; ++i) {
    EXPECT_LE(std::abs(phi(i / 64.0L) * (1 << 28) - exact::gelu_table()[i]), 1.0L) << i;
  }
  for (std::int32_t x = -20 << 16; x < 20 << 16; x += 7) {
    const double v = x * 0x1p-16;
    EXPECT_NEAR(exact::silu(x, exact::gelu_table()) * 0x1p-16, static_cast<double>(v * phi(v)),
                4.5e-5);
  }
}

TEST(ExactTables, CosSinIsCorrectlyRoundedInEveryOctant) {
  constexpr long double kTurn = 6.283185307179586476925286766559L;
  for (std::uint64_t t = 0; t < 4096; ++t) {
    const std::uint64_t turns = t * (UINT64_MAX / 4096) + t * t;
    const CosSin v = cos_sin(turns);
    const long double angle = std::ldexp(static_cast<long double>(turns), -64) * kTurn;
    EXPECT_LE(std::abs(std::cos(angle) * (1 << 30) - v.cosine), 0.501L) << t;
    EXPECT_LE(std::abs(std::sin(angle) * (1 << 30) - v.sine), 0.501L) << t;
  }
}

TEST(ExactTables, RopeTablesTurnByPowersOfTheBase) {
  constexpr std::uint32_t kContext = 4096;
  constexpr std::uint32_t kHalf = 24;
  const RopeTables tables = make_rope_tables(kContext, kHalf);
  for (std::uint32_t position = 0; position < kContext; position += 37) {
    for (std::uint32_t i = 0; i < kHalf; ++i) {
      const long double angle = position * std::pow(10000.0L, -static_cast<long double>(i) / kHalf);
      const std::size_t at = position * kHalf + i;
      EXPECT_NEAR(tables.cosine[at] * 0x1p-30, static_cast<double>(std::cos(angle)), 1e-9);
      EXPECT_NEAR(tables.sine[at] * 0x1p-30, static_cast<double>(std::sin(angle)), 1e-9);
    }
  }
}

}  // namespace
}  // namespace orrery::gpu
