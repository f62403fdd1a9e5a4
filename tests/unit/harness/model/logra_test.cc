#include "harness/model/logra.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "engine/base/ensure.h"
#include "engine/base/random.h"
#include "gpu/cuda/host_accelerator.h"
#include "harness/model/gradient_rows.h"
#include "harness/model/rank_statistics.h"
#include "tests/unit/harness/model/tiny_texts.h"

namespace orrery::model {
namespace {

using testing::HasSubstr;

constexpr gpu::ModelConfig kConfig{.dim = 48, .hidden = 96, .layers = 2, .heads = 2, .context = 32};

std::vector<float> random_gradient(std::uint64_t seed) {
  RandomStream random(seed, 0, stream_id("test.gradient"));
  const gpu::F32Layout layout(kConfig);
  std::vector<float> out(layout.size);
  for (const gpu::TensorSlot& slot : layout.slots) {
    if (slot.rows == 0) continue;  // gains are not projected
    for (std::size_t i = 0; i < slot.size(); ++i) {
      out[slot.offset + i] = static_cast<float>(random.below(2001)) / 1000.0f - 1.0f;
    }
  }
  return out;
}

double dot(std::span<const float> a, std::span<const float> b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += static_cast<double>(a[i]) * b[i];
  return sum;
}
double cosine(std::span<const float> a, std::span<const float> b) {
  return dot(a, b) / std::sqrt(dot(a, a) * dot(b, b));
}

TEST(LograProjection, TakesTheHighestRankThatFits) {
  for (const std::size_t width : {1'000u, 5'000u}) {
    const auto made = LograProjection::make(kConfig, {.width = width});
    ASSERT_TRUE(made);
    EXPECT_LE(made->width(), width);
    const auto blocks = made->blocks();
    EXPECT_EQ(std::accumulate(blocks.begin(), blocks.end(), std::size_t{0}), made->width());
    const auto more = LograProjection::make(kConfig, {.rank = made->rank() + 1, .width = width});
    ASSERT_FALSE(more);
    EXPECT_THAT(more.error().message, HasSubstr(std::to_string(width)));
  }
  EXPECT_FALSE(LograProjection::make(kConfig, {.rank = 65}));
  EXPECT_FALSE(LograProjection::make(kConfig, {.width = 10}));  // more matrices than that
}

TEST(LograProjection, KeepsAnglesOnAverageOverSigns) {
  const auto a = random_gradient(1);
  auto b = random_gradient(2);
  for (std::size_t i = 0; i < b.size(); ++i) b[i] = 0.6f * a[i] + 0.8f * b[i];
  std::vector<double> seen;
  for (std::uint64_t seed = 1; seed <= 8; ++seed) {
    auto projection = LograProjection::make(kConfig, {.seed = seed});
    std::vector<float> pa(projection->width());
    std::vector<float> pb(projection->width());
    projection->project(a, pa);
    projection->project(b, pb);
    seen.push_back(cosine(pa, pb));
  }
  // About 16,000 numbers: a standard deviation of 0.01 each.
  EXPECT_NEAR(mean(seen), cosine(a, b), 0.015);
}

TEST(LograProjection, LeavesSidesAloneThatAreNoLongerThanTheRank) {
  const gpu::ModelConfig tiny{.dim = 8, .hidden = 16, .layers = 1, .heads = 1, .context = 8};
  auto projection = LograProjection::make(tiny, {.rank = 8});
  ASSERT_TRUE(projection);
  const gpu::F32Layout layout(tiny);
  std::vector<float> gradient(layout.size);
  // Queries: 8 x 8, the first matrix after the embedding (8 x 8 when projected).
  const std::size_t at = layout.layers[0].qkv;
  for (std::size_t i = 0; i < 64; ++i) gradient[at + i] = static_cast<float>(i + 1);
  std::vector<float> projected(projection->width());
  projection->project(gradient, projected);
  for (std::size_t i = 0; i < 64; ++i) EXPECT_EQ(projected[64 + i], static_cast<float>(i + 1));
}

TEST(Logra, IsNearTheInfluenceOfWholeGradients) {
  const TinyTexts tiny(kConfig);
  ScoreTable projected;
  GradientScores whole;
  ASSERT_TRUE(add_logra(tiny.model, tiny.texts(), {}, {}, projected));
  ASSERT_TRUE(add_checkpoint(tiny.model, tiny.texts(), {}, whole));
  for (std::size_t i = 0; i < projected.scores.size(); ++i) {
    const auto a = static_cast<double>(projected.scores[i]) * 0x1p-32;
    const auto b = static_cast<double>(whole.influence.scores[i]) * 0x1p-32;
    EXPECT_NEAR(a, b, 0.06) << i;
  }
}

TEST(DampedInfluence, HalvesWhatOneDocumentAloneSays) {
  GradientRows rows(2, 3);
  rows.row(0)[0] = 1.0f;
  rows.row(1)[0] = 0.6f;
  rows.row(1)[1] = 0.8f;
  const auto influence = damped_influence(rows, 1, {}, {});  // 0.6 / (1 + 1)
  ASSERT_TRUE(influence);
  ASSERT_EQ(influence->size(), 1u);
  EXPECT_NEAR(influence->front(), 0.3, 1e-7);
}

// More documents than numbers of a gradient, and fewer: two ways to one result.
TEST(Logra, SolvesOverColumnsWhatItSolvesOverDocuments) {
  GradientRows rows(14, 9);
  RandomStream random(3, 0, stream_id("test.rows"));
  for (float& v : rows.values) v = static_cast<float>(random.below(2001)) / 1000.0f - 1.0f;
  normalise(rows);
  GradientRows wide(14, 40);  // the same rows and zeros
  for (std::size_t i = 0; i < rows.count; ++i) {
    std::copy_n(rows.row(i).begin(), 9, wide.row(i).begin());
  }
  const auto columns = damped_influence(rows, 12, {}, {});
  const auto documents = damped_influence(wide, 12, {}, {});
  ASSERT_TRUE(columns && documents);
  ASSERT_EQ(columns->size(), 24u);
  for (std::size_t i = 0; i < columns->size(); ++i) {
    EXPECT_NEAR((*columns)[i], (*documents)[i], 1e-6);
  }
}

// Blocks that see nothing of each other: each is solved as if it were alone.
TEST(Logra, SolvesBlocksByThemselves) {
  GradientRows rows(14, 9);
  for (std::size_t i = 0; i < rows.count; ++i) {
    // Even texts have the first four columns, odd ones the others.
    for (std::size_t j = i % 2 * 4; j < (i % 2 == 0 ? 4 : 9); ++j) {
      rows.row(i)[j] = static_cast<float>((i * 7 + j * 5) % 11) - 5.0f;
    }
  }
  normalise(rows);
  const std::size_t blocks[] = {4, 5};
  const auto apart = damped_influence(rows, 12, blocks, {});
  const auto together = damped_influence(rows, 12, {}, {});
  ASSERT_TRUE(apart && together);
  for (std::size_t i = 0; i < apart->size(); ++i) EXPECT_NEAR((*apart)[i], (*together)[i], 1e-6);
  const std::size_t few[] = {4, 4};
  EXPECT_THROW((void)damped_influence(rows, 12, few, {}), EnsureFailure);
}

TEST(Logra, HasTheSameBitsOnAnAccelerator) {
  const TinyTexts tiny(kConfig);
  gpu::HostAccelerator host(4);
  ScoreTable cpu;
  ScoreTable device;
  ASSERT_TRUE(add_logra(tiny.model, tiny.texts(), {.rank = 8}, {}, cpu));
  ASSERT_TRUE(add_logra(tiny.model, tiny.texts(), {.rank = 8}, {nullptr, &host}, device));
  EXPECT_EQ(cpu.scores, device.scores);
}

}  // namespace
}  // namespace orrery::model
