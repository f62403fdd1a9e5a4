#include "harness/model/trak.h"

#include <gtest/gtest.h>

#include <cmath>

#include "engine/base/random.h"
#include "gpu/cpu/f32_network.h"
#include "harness/model/thread_pool.h"
#include "tests/unit/harness/model/tiny_texts.h"

namespace orrery::model {
namespace {

std::vector<float> random_row(std::uint64_t seed, std::size_t n) {
  RandomStream random(seed, 0, stream_id("test.row"));
  std::vector<float> out;
  for (std::size_t i = 0; i < n; ++i) {
    out.push_back(static_cast<float>(random.below(2001)) / 1000.0f - 1.0f);
  }
  return out;
}

double dot(const std::vector<std::int32_t>& a, const std::vector<std::int32_t>& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += static_cast<double>(a[i]) * b[i];
  return sum;
}

TEST(TrakProjection, KeepsAnglesAsJohnsonAndLindenstraussPromise) {
  const TrakOptions options{.width = 1024};
  const std::size_t n = 3000;
  const auto a = random_row(1, n);
  auto b = random_row(2, n);
  for (std::size_t i = 0; i < n; ++i) b[i] = 0.6f * a[i] + 0.8f * b[i];
  double ab = 0, aa = 0, bb = 0;
  for (std::size_t i = 0; i < n; ++i) {
    ab += static_cast<double>(a[i]) * b[i];
    aa += static_cast<double>(a[i]) * a[i];
    bb += static_cast<double>(b[i]) * b[i];
  }
  const auto pa = project(a, options);
  const auto pb = project(b, options);
  const double projected = dot(pa, pb) / std::sqrt(dot(pa, pa) * dot(pb, pb));
  // Standard deviation of a projected cosine: at most 1 / sqrt(width) = 0.03.
  EXPECT_NEAR(projected, ab / std::sqrt(aa * bb), 0.09);
  EXPECT_NE(project(a, {.width = 1024, .seed = 2}), pa);
}

TEST(TrakProjection, IsLinearInTheQuantisedGradient) {
  const TrakOptions options{.width = 128};
  std::vector<float> first(50);
  first[3] = 1.0f;
  std::vector<float> second(50);
  second[7] = 1.0f;
  std::vector<float> both = first;
  both[7] = -1.0f;
  const auto a = project(first, options);
  const auto b = project(second, options);
  const auto c = project(both, options);
  for (std::size_t k = 0; k < c.size(); ++k) {
    EXPECT_EQ(std::abs(a[k]), 127);
    EXPECT_EQ(c[k], a[k] - b[k]);
  }
}

TinyTexts tiny() {
  return TinyTexts({.dim = 16, .hidden = 32, .layers = 1, .heads = 2, .context = 32});
}

TEST(Trak, GivesAQueryThatIsADocumentToThatDocument) {
  const TinyTexts bed = tiny();
  ScoreTable table;
  ASSERT_TRUE(add_trak(bed.model, bed.texts(), {}, {}, table));
  EXPECT_EQ(ranking(table.of(0)).front(), 0u);
  EXPECT_GT(table.of(0)[0], 2 * std::abs(table.of(0)[1]));
}

TEST(Trak, ScoresAreTheSameBitsOnAnyNumberOfThreadsAndAddUpOverModels) {
  const TinyTexts bed = tiny();
  ThreadPool pool(2);
  ScoreTable one;
  ScoreTable two;
  ASSERT_TRUE(add_trak(bed.model, bed.texts(), {}, {}, one));
  ASSERT_TRUE(add_trak(bed.model, bed.texts(), {}, {&pool}, two));
  EXPECT_EQ(one.scores, two.scores);
  ASSERT_TRUE(add_trak(bed.model, bed.texts(), {}, {&pool}, two));
  for (std::size_t i = 0; i < one.scores.size(); ++i) EXPECT_EQ(two.scores[i], 2 * one.scores[i]);
}

TEST(Trak, RefusesWhatDoesNotFit) {
  const TinyTexts bed = tiny();
  ScoreTable table;
  const CheckpointTexts texts = bed.texts();
  EXPECT_FALSE(add_trak(bed.model, texts, {.width = 100}, {}, table));
  EXPECT_FALSE(add_trak(bed.model, texts, {.width = 8192}, {}, table));
  EXPECT_FALSE(add_trak(bed.model, {{}, bed.queries}, {}, {}, table));
  table = {1, 1, {0}};
  EXPECT_FALSE(add_trak(bed.model, texts, {}, {}, table));
}

}  // namespace
}  // namespace orrery::model
