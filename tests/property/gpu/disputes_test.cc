// Disputes over whole executions end at one element, and the honest side wins every one.
// ORRERY_DISPUTES sets how many are played (default 300; 10000 before a release: a minute).
#include <gtest/gtest.h>

#include <algorithm>

#include "gpu/api/seeded_model.h"
#include "gpu/cpu/cpu_backend.h"
#include "gpu/cpu/layer_check.h"
#include "harness/model/random_disputes.h"
#include "tests/property/asked.h"

namespace orrery::model {
namespace {

std::uint32_t wanted() { return static_cast<std::uint32_t>(asked("ORRERY_DISPUTES", 300)); }

TEST(Disputes, AreWonByTheHonestSideWhateverTheLieIs) {
  const RandomDisputes options{.count = wanted()};
  const DisputeReport report = play(options);
  EXPECT_EQ(report.played, options.count);
  EXPECT_EQ(report.honest_won, report.played);
  EXPECT_GE(report.at_an_element, report.played * 9 / 10);
  EXPECT_LE(report.most_rounds, 1u + 6 + 1 + 1 + 1) << "48 leaves";
  const gpu::ModelConfig& c = options.config;
  EXPECT_LE(report.most_multiplications,
            std::max(3 * c.dim + 2 * (c.dim + 2) + 4, 2 * options.positions * c.head_dim()))
      << "two dot products, or one head";
  EXPECT_LT(report.median_step_ms, 10) << "what a step may take on a chain";
}

TEST(Disputes, OfGpt2ModelsAreWonByTheHonestSideToo) {
  RandomDisputes options{.count = wanted()};
  options.config.family = gpu::Family::kGpt2;
  const DisputeReport report = play(options);
  EXPECT_EQ(report.played, options.count);
  EXPECT_EQ(report.honest_won, report.played);
  EXPECT_GE(report.at_an_element, report.played * 9 / 10);
  EXPECT_LT(report.median_step_ms, 10);
}

constexpr gpu::Family kFamilies[] = {gpu::Family::kLlama, gpu::Family::kGpt2};

gpu::ModelArtefact seeded(gpu::Family family, std::uint64_t seed) {
  gpu::ModelConfig config = RandomDisputes{}.config;
  config.family = family;
  return gpu::make_seeded_model(config, seed);
}

void nobody_lies(const gpu::ModelArtefact& model) {
  const auto run = gpu::CpuBackend().execute(model, as_bytes("tides"), {.max_tokens = 4}, 1, true);
  std::vector<std::uint32_t> tokens{gpu::kTokenBos, 't', 'i', 'd', 'e', 's'};
  while (tokens.size() < run->result.prompt_tokens + run->result.generated_tokens - 1) {
    tokens.push_back(run->result.output[tokens.size() - 6]);
  }
  const FaithfulTo side(model, run->transcript);
  const gpu::Narrowing narrowed = gpu::narrow(model, tokens, side, side);
  EXPECT_EQ(narrowed.liar, gpu::Liar::kNobody);
  EXPECT_FALSE(narrowed.step);
  // A transcript of other tokens, or of fewer, is refused as it is opened.
  const auto other =
      gpu::CpuBackend().execute(model, as_bytes("stars"), {.max_tokens = 4}, 1, true);
  const FaithfulTo copy(model, other->transcript);
  EXPECT_EQ(gpu::narrow(model, tokens, side, copy).liar, gpu::Liar::kSecond);
  const auto shorter =
      gpu::CpuBackend().execute(model, as_bytes("tid"), {.max_tokens = 4}, 1, true);
  const FaithfulTo fewer(model, shorter->transcript);
  EXPECT_EQ(gpu::narrow(model, tokens, fewer, side).liar, gpu::Liar::kFirst);
}

TEST(Disputes, WithoutADifferenceNobodyLies) {
  for (const gpu::Family family : kFamilies) nobody_lies(seeded(family, 3));
}

void sampled_tokens_are_settled(const gpu::ModelArtefact& model) {
  const gpu::SamplingParams params{
      .max_tokens = 8, .temperature = gpu::kTemperatureOne, .stop_on_eos = false};
  const auto run = gpu::CpuBackend().execute(model, as_bytes("why"), params, 9, true);
  std::vector<std::uint8_t> sampled;
  for (std::uint32_t i = 0; i < run->result.generated_tokens; ++i) {
    const std::uint32_t position = run->result.prompt_tokens - 1 + i;
    const auto row = run->transcript.row(position, model.config.layers - 1);
    const std::uint32_t token = gpu::judge_token(model, row, params, 9, position);
    if (token < 256) sampled.push_back(static_cast<std::uint8_t>(token));
  }
  EXPECT_EQ(Bytes(sampled.begin(), sampled.end()), run->result.output);
}

TEST(Disputes, OverASampledTokenAreSettledFromTheLastRow) {
  for (const gpu::Family family : kFamilies) sampled_tokens_are_settled(seeded(family, 4));
}

// The rows that entered and left a layer of an execution.
std::vector<std::vector<std::int32_t>> rows_of(const gpu::Transcript& t, std::uint32_t layer) {
  std::vector<std::vector<std::int32_t>> rows;
  for (std::uint32_t p = 0; p < t.leaves() / 3; ++p) {
    const auto row = t.row(p, layer);
    rows.emplace_back(row.begin(), row.end());
  }
  return rows;
}

void accepts_only_the_workers_products(const gpu::ModelArtefact& model) {
  const auto run = gpu::CpuBackend().execute(model, as_bytes("moon"), {.max_tokens = 6}, 1, true);
  const auto input = rows_of(run->transcript, 0);
  auto output = rows_of(run->transcript, 1);
  const gpu::LayerProducts products = gpu::layer_products(model, 1, input);
  const gpu::LayerCheck check(model, 1, 77);
  EXPECT_TRUE(check.accepts(input, products, output));
  for (auto part : {&gpu::LayerProducts::qkv, &gpu::LayerProducts::out,
                    &gpu::LayerProducts::gate_up, &gpu::LayerProducts::down}) {
    gpu::LayerProducts wrong = products;
    (wrong.*part)[(wrong.*part).size() / 2] += 1;
    EXPECT_FALSE(check.accepts(input, wrong, output));
    (wrong.*part).pop_back();
    EXPECT_FALSE(check.accepts(input, wrong, output));
  }
  output[2][3] += 1;
  EXPECT_FALSE(check.accepts(input, products, output));
  const gpu::ModelArtefact other = seeded(model.config.family, 6);
  output[2][3] -= 1;
  EXPECT_FALSE(check.accepts(input, gpu::layer_products(other, 1, input), output));
}

TEST(LayerCheck, AcceptsTheWorkersProductsAndNoOthers) {
  for (const gpu::Family family : kFamilies) accepts_only_the_workers_products(seeded(family, 5));
}

}  // namespace
}  // namespace orrery::model
