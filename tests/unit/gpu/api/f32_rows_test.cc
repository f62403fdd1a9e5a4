#include "gpu/api/f32_rows.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

namespace orrery::gpu {
namespace {

constexpr exact::Solo kAlone;

TEST(F32Rows, TheOrderOfFloatsIsThatOfTheirIntegers) {
  const float infinity = std::numeric_limits<float>::infinity();
  const std::vector<float> rising{-infinity, -3e38f, -1.0f, -1e-40f, 0.0f,
                                  1e-40f,    0.5f,   1.0f,  3e38f,   infinity};
  for (std::size_t i = 0; i < rising.size(); ++i) {
    EXPECT_EQ(f32_of_ordered(ordered_f32(rising[i])), rising[i]);
    EXPECT_GT(ordered_f32(rising[i]), 0u);  // what Group::max takes for nothing
    if (i == 0) continue;
    EXPECT_LT(ordered_f32(rising[i - 1]), ordered_f32(rising[i]));
  }
  EXPECT_EQ(largest_f32(kAlone, rising.data() + 1, 3), -1e-40f);
}

TEST(F32Rows, WeightsOfAttentionSumToOneAndWhatIsMaskedGetsNone) {
  std::vector<float> row{1.0f, -2.0f, 0.5f, 9.0f, 9.0f};
  masked_softmax(kAlone, {3, 5, 0.5f}, row.data());
  EXPECT_NEAR(row[0] + row[1] + row[2], 1.0f, 1e-6f);
  EXPECT_NEAR(row[0] / row[1], std::exp(1.5f), 1e-5f);
  EXPECT_EQ(row[3], 0.0f);
  EXPECT_EQ(row[4], 0.0f);
}

TEST(F32Rows, LossAndItsSlopesAreThoseOfTheSoftmax) {
  std::vector<float> logits{0.3f, -1.0f, 2.0f};
  const double total = std::exp(0.3) + std::exp(-1.0) + std::exp(2.0);
  const float loss = cross_entropy(kAlone, {3, 0, 2.0f}, logits.data());
  EXPECT_NEAR(loss, std::log(total) - 0.3, 1e-6);
  EXPECT_NEAR(logits[0], 2 * (std::exp(0.3) / total - 1), 1e-6);
  EXPECT_NEAR(logits[1], 2 * std::exp(-1.0) / total, 1e-6);
  EXPECT_NEAR(logits[0] + logits[1] + logits[2], 0.0, 1e-6);
}

}  // namespace
}  // namespace orrery::gpu
