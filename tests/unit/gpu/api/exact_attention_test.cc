#include "gpu/api/exact/attention.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "engine/base/random.h"

namespace orrery::gpu::exact {
namespace {

TEST(ExactAttention, SoftmaxIsWithinThreeHundredThousandths) {
  for (const std::int32_t n : {1, 2, 64, 512, 4096}) {
    RandomStream random(static_cast<std::uint64_t>(n), 0, stream_id("softmax"));
    std::vector<std::int32_t> z(static_cast<std::size_t>(n));
    for (auto& v : z) v = static_cast<std::int32_t>(random.below(12 << 16)) - (6 << 16);
    std::vector<double> want;
    double sum = 0;
    for (std::int32_t v : z) sum += want.emplace_back(std::exp2(v * 0x1p-16));
    const std::int32_t total = softmax_q15(z.data(), n, exp2_table());
    EXPECT_NEAR(total * 0x1p-15, 1, 6e-3);  // rounding of n weights; callers divide by the total
    for (std::size_t j = 0; j < z.size(); ++j) EXPECT_NEAR(z[j] * 0x1p-15, want[j] / sum, 3e-5);
  }
}

TEST(ExactAttention, SoftmaxOfTheLongestContextIsUniformAndPositive) {
  std::vector<std::int32_t> z(kMaxContext, INT32_MIN);
  EXPECT_EQ(softmax_q15(z.data(), kMaxContext, exp2_table()), kMaxContext);
  EXPECT_EQ(z.front(), 1);
  std::vector<std::int32_t> far{INT32_MIN, INT32_MAX};
  EXPECT_EQ(softmax_q15(far.data(), 2, exp2_table()), 1 << 15);
  EXPECT_EQ(far[0], 0);
}

TEST(ExactAttention, WeightedMeanRoundsSymmetrically) {
  EXPECT_EQ(weighted_mean(1 << 25, 1 << 15), 1 << 16);
  for (std::int32_t o : {1, 255, 256, 257, 768, 123'456'789, 1'610'612'735}) {
    EXPECT_EQ(weighted_mean(-o, 32'760), -weighted_mean(o, 32'760));
    EXPECT_NEAR(weighted_mean(o, 32'760), o * 64.0 / 32'760, 0.5);
  }
}

TEST(ExactAttention, ValuesSaturateAt16BitsAndCount) {
  std::uint64_t clamps = 0;
  EXPECT_EQ(value_q10(1 << 16, clamps), 1 << 10);
  EXPECT_EQ(value_q10(-31 << 16, clamps), -31 << 10);
  EXPECT_EQ(clamps, 0u);
  EXPECT_EQ(value_q10(32 << 16, clamps), INT16_MAX);
  EXPECT_EQ(value_q10(INT32_MIN, clamps), INT16_MIN);
  EXPECT_EQ(clamps, 2u);
}

}  // namespace
}  // namespace orrery::gpu::exact
