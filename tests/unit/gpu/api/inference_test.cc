#include "gpu/api/inference.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "engine/base/codec.h"

namespace orrery::gpu {
namespace {

// Natural logarithms of weights, in Q16.
std::vector<std::int32_t> logits_of(const std::vector<double>& weights) {
  std::vector<std::int32_t> z;
  for (double w : weights) z.push_back(static_cast<std::int32_t>(std::lround(std::log(w) * 65536)));
  return z;
}

std::vector<int> histogram(const std::vector<std::int32_t>& z, const SamplingParams& p, int draws) {
  std::vector<int> counts(z.size());
  for (int i = 0; i < draws; ++i) ++counts[sample_token(z, p, 99, static_cast<std::uint64_t>(i))];
  return counts;
}

TEST(Sampler, GreedyTakesTheLowestIndexAmongEquals) {
  const std::vector<std::int32_t> z{-5, 70'000, 3, 70'000, 70'000};
  EXPECT_EQ(sample_token(z, {.temperature = 0}, 1, 0), 1u);
  EXPECT_EQ(sample_token(std::vector<std::int32_t>(9, INT32_MIN), {.temperature = 0}, 1, 0), 0u);
}

TEST(Sampler, DrawsAreAFunctionOfSeedAndPosition) {
  const auto z = logits_of(std::vector<double>(50, 1.0));
  const SamplingParams p{.temperature = kTemperatureOne};
  std::vector<std::uint32_t> a, b, other;
  for (std::uint64_t i = 0; i < 40; ++i) {
    a.push_back(sample_token(z, p, 5, i));
    b.push_back(sample_token(z, p, 5, i));
    other.push_back(sample_token(z, p, 6, i));
  }
  EXPECT_EQ(a, b);
  EXPECT_NE(a, other);
  EXPECT_GT(*std::max_element(a.begin(), a.end()), *std::min_element(a.begin(), a.end()));
}

TEST(Sampler, FrequenciesFollowTheSoftmaxAtThreeTemperatures) {
  const std::vector<double> weights{8, 1, 4, 4, 2, 1, 0.5, 0.5};
  constexpr int kDraws = 40'000;
  for (const double temperature : {0.5, 1.0, 2.0}) {
    const SamplingParams p{.temperature =
                               static_cast<std::uint32_t>(temperature * kTemperatureOne)};
    const auto counts = histogram(logits_of(weights), p, kDraws);
    double sum = 0;
    for (double w : weights) sum += std::pow(w, 1 / temperature);
    double chi_square = 0;
    for (std::size_t i = 0; i < weights.size(); ++i) {
      const double expected = kDraws * std::pow(weights[i], 1 / temperature) / sum;
      chi_square += std::pow(counts[i] - expected, 2) / expected;
    }
    EXPECT_LT(chi_square, 24.3) << temperature;  // 7 degrees of freedom, p = 0.001
  }
}

TEST(Sampler, TopKKeepsTheLikeliestWithTiesToTheLowestIds) {
  const auto counts =
      histogram(logits_of({1, 3, 2, 3, 2}), {.temperature = kTemperatureOne, .top_k = 3}, 3000);
  EXPECT_EQ(counts[0], 0);
  EXPECT_GT(counts[1], 0);
  EXPECT_GT(counts[2], 0);
  EXPECT_GT(counts[3], 0);
  EXPECT_EQ(counts[4], 0);
}

TEST(Sampler, TopPKeepsTheLeastPrefixOfThatMass) {
  const auto z = logits_of({1, 4, 2, 3});  // shares 0.1 0.4 0.2 0.3
  const auto at = [](double p) { return static_cast<std::uint64_t>(p * kTopPOne); };
  auto counts = histogram(z, {.temperature = kTemperatureOne, .top_p = at(0.65)}, 3000);
  EXPECT_EQ(counts[0], 0);
  EXPECT_EQ(counts[2], 0);
  EXPECT_NEAR(counts[1] / 3000.0, 4.0 / 7, 0.05);
  counts = histogram(z, {.temperature = kTemperatureOne, .top_p = at(0.75)}, 3000);
  EXPECT_EQ(counts[0], 0);
  EXPECT_GT(counts[2], 0);
  counts = histogram(z, {.temperature = kTemperatureOne, .top_p = 1}, 300);
  EXPECT_EQ(counts[1], 300);
}

TEST(Sampler, TopPStopsAtExactlyItsMass) {
  const std::vector<std::int32_t> z(4, 0);
  const auto counts = histogram(z, {.temperature = kTemperatureOne, .top_p = kTopPOne / 2}, 300);
  EXPECT_EQ(counts[0] + counts[1], 300);
  const auto more = histogram(z, {.temperature = kTemperatureOne, .top_p = kTopPOne / 2 + 1}, 300);
  EXPECT_GT(more[2], 0);
  EXPECT_EQ(more[3], 0);
}

TEST(Sampler, EveryTemperatureTakesExtremeLogits) {
  const std::vector<std::int32_t> z{INT32_MIN, INT32_MAX, INT32_MIN, 0};
  for (const std::uint32_t t : {1u, 65'536u, 100 * kTemperatureOne}) {
    for (std::uint64_t i = 0; i < 50; ++i) {
      EXPECT_EQ(sample_token(z, {.temperature = t}, 3, i), 1u);
    }
  }
}

TEST(SamplingParams, RoundTripAndRefuseWhatIsOutOfRange) {
  const SamplingParams p{
      .max_tokens = 7, .temperature = 9, .top_k = 3, .top_p = 5, .stop_on_eos = false};
  EXPECT_EQ(SamplingParams::decode(p.encode()), p);
  EXPECT_FALSE(validate({.max_tokens = 0}));
  EXPECT_FALSE(validate({.max_tokens = 32'769}));
  EXPECT_FALSE(validate({.temperature = 100 * kTemperatureOne + 1}));
  EXPECT_FALSE(validate({.top_k = 65'537}));
  EXPECT_FALSE(validate({.top_p = 0}));
  EXPECT_FALSE(validate({.top_p = kTopPOne + 1}));
  EXPECT_FALSE(SamplingParams::decode(SamplingParams{.max_tokens = 0}.encode()));
  Bytes bytes = p.encode();
  bytes.back() = 2;
  EXPECT_FALSE(SamplingParams::decode(bytes));
  for (std::size_t n = 0; n < bytes.size(); ++n) {
    EXPECT_FALSE(SamplingParams::decode(ByteView(bytes).first(n)));
  }
}

InferenceResult some_result() {
  InferenceResult r;
  r.output = {1, 2, 3};
  r.prompt_tokens = 4;
  r.generated_tokens = 5;
  r.transcript_root.bytes[7] = 9;
  r.work_units = 11;
  r.clamps = 13;
  return r;
}

TEST(InferenceResult, RoundTripsAndItsDigestCoversEveryField) {
  const InferenceResult r = some_result();
  EXPECT_EQ(InferenceResult::decode(r.encode()), r);
  const auto changes = [&](auto change) {
    InferenceResult other = r;
    change(other);
    return other.digest() != r.digest();
  };
  EXPECT_TRUE(changes([](InferenceResult& x) { x.output[1] = 0; }));
  EXPECT_TRUE(changes([](InferenceResult& x) { x.prompt_tokens++; }));
  EXPECT_TRUE(changes([](InferenceResult& x) { x.generated_tokens++; }));
  EXPECT_TRUE(changes([](InferenceResult& x) { x.transcript_root.bytes[31] = 1; }));
  EXPECT_TRUE(changes([](InferenceResult& x) { x.work_units++; }));
  EXPECT_TRUE(changes([](InferenceResult& x) { x.clamps++; }));
}

TEST(InferenceResult, DecoderRefusesMalformedBytes) {
  Bytes bytes = some_result().encode();
  for (std::size_t n = 0; n < bytes.size(); ++n) {
    EXPECT_FALSE(InferenceResult::decode(ByteView(bytes).first(n)));
  }
  Writer huge;
  huge.u16(1).u32(UINT32_MAX);
  EXPECT_FALSE(InferenceResult::decode(huge.view()));
  InferenceResult impossible = some_result();
  impossible.generated_tokens = 2;
  EXPECT_FALSE(InferenceResult::decode(impossible.encode()));
}

TEST(WorkUnits, EqualTheSumOverPositionsAndLayers) {
  const ModelConfig c{.dim = 12, .hidden = 18, .layers = 2, .heads = 3, .context = 99};
  std::uint64_t sum = 0;
  for (std::uint64_t position = 0; position < 10 + 5 - 1; ++position) {
    for (std::uint32_t l = 0; l < c.layers; ++l) {
      sum += 3 * 12 * 12 + 12 * 12 + 2 * 18 * 12 + 12 * 18;  // matrices
      sum += 2 * 12 * (position + 1);                        // attention
    }
  }
  sum += 5 * 258 * 12;
  EXPECT_EQ(work_units(c, 10, 5), sum);
  EXPECT_EQ(work_units(c, 0, 5), 0u);
  EXPECT_EQ(work_units(c, 5, 0), 0u);
}

}  // namespace
}  // namespace orrery::gpu
