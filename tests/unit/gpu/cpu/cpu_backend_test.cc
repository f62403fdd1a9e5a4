#include "gpu/cpu/cpu_backend.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "gpu/api/seeded_model.h"

namespace orrery::gpu {
namespace {

constexpr ModelConfig kConfig{.dim = 64, .hidden = 192, .layers = 2, .heads = 4, .context = 64};
constexpr SamplingParams kGreedy{.max_tokens = 24, .stop_on_eos = false};

InferenceResult run(const ModelArtefact& model, std::string_view prompt,
                    const SamplingParams& params, std::uint64_t seed = 1,
                    Kernel kernel = available_kernels().back()) {
  auto result = CpuBackend(kernel).generate(model, as_bytes(prompt), params, seed);
  EXPECT_TRUE(result) << result.error().message;
  return *result;
}

TEST(CpuBackend, OneGenerationIsPinnedToTheBit) {
  const ModelArtefact model = make_seeded_model(kConfig, 7);
  EXPECT_EQ(to_hex(model.digest()),
            "35be85a5914150c1a476542769fe17bdc1c7ddc0ee05953d17ee7bac8a24d6b0");
  const SamplingParams warm{.max_tokens = 20,
                            .temperature = 52'429,
                            .top_k = 40,
                            .top_p = kTopPOne / 10 * 9,
                            .stop_on_eos = false};
  EXPECT_EQ(to_hex(run(model, "The orrery turns", warm, 11).digest()),
            "54bad43fa36558efee6f4c8208a23a81fc9431f2aa1818f5db09bca4de0b36c1");
  EXPECT_EQ(to_hex(run(model, "The orrery turns", kGreedy).digest()),
            "02ce4a33fbb0ef10bc92a498bccc85e6a7020f95f67486e7bd303fe02a9a409a");
}

TEST(CpuBackend, EveryKernelGivesTheSameResult) {
  const ModelArtefact model = make_seeded_model(kConfig, 7);
  const InferenceResult want = run(model, "same", kGreedy, 1, Kernel::kPortable);
  for (const Kernel kernel : available_kernels()) {
    EXPECT_EQ(run(model, "same", kGreedy, 1, kernel), want);
  }
}

TEST(CpuBackend, ASecondExecutionOfAShippedArtefactAgrees) {
  const ModelArtefact model = make_seeded_model(kConfig, 8);
  const ModelArtefact shipped = *ModelArtefact::decode(model.encode());
  EXPECT_EQ(run(shipped, "hello", kGreedy), run(model, "hello", kGreedy));
}

TEST(CpuBackend, OutputDependsOnPromptAndVariesInItself) {
  const ModelArtefact model = make_seeded_model(kConfig, 9);
  std::set<std::string> outputs;
  std::size_t distinct =
      0;  // of 24 bytes, summed over prompts; a random network loops now and then
  for (const auto* prompt : {"", "a", "b", "hello", "hellp", "The quick brown fox"}) {
    const InferenceResult r = run(model, prompt, kGreedy);
    outputs.emplace(as_text(r.output));
    distinct += std::set<std::uint8_t>(r.output.begin(), r.output.end()).size();
    const auto printable =
        std::count_if(r.output.begin(), r.output.end(), [](int c) { return c >= ' ' && c <= '~'; });
    EXPECT_GE(printable, 16) << prompt;
    EXPECT_EQ(r.clamps, 0u);
  }
  EXPECT_EQ(outputs.size(), 6u);
  EXPECT_GE(distinct, 6u * 8);
}

TEST(CpuBackend, SamplingSeedDecidesOnlyWhenTemperatureIsPositive) {
  const ModelArtefact model = make_seeded_model(kConfig, 9);
  const SamplingParams warm{.max_tokens = 24, .temperature = kTemperatureOne, .stop_on_eos = false};
  EXPECT_EQ(run(model, "seed", kGreedy, 1), run(model, "seed", kGreedy, 2));
  EXPECT_EQ(run(model, "seed", warm, 1), run(model, "seed", warm, 1));
  EXPECT_NE(run(model, "seed", warm, 1).output, run(model, "seed", warm, 2).output);
}

TEST(CpuBackend, OneChangedWeightChangesTheTranscript) {
  const ModelArtefact model = make_seeded_model(kConfig, 10);
  const InferenceResult honest = run(model, "weights", kGreedy);
  ModelArtefact other = model;
  other.embedding[std::size_t{'w'} * 64 + 5] += 1;
  EXPECT_NE(run(other, "weights", kGreedy).transcript_root, honest.transcript_root);
}

TEST(CpuBackend, CountsTokensAndWork) {
  const ModelArtefact model = make_seeded_model(kConfig, 11);
  const InferenceResult r = run(model, "12345", kGreedy);
  EXPECT_EQ(r.prompt_tokens, 6u);
  EXPECT_EQ(r.generated_tokens, 24u);
  EXPECT_EQ(r.work_units, work_units(kConfig, 6, 24));
}

TEST(CpuBackend, StopsAtEosOnlyWhenAsked) {
  const ModelArtefact model = make_seeded_model(kConfig, 12);
  SamplingParams p{.max_tokens = 40, .temperature = 3 * kTemperatureOne, .stop_on_eos = true};
  int stopped = 0;
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    p.stop_on_eos = true;
    const InferenceResult early = run(model, "stop", p, seed);
    if (early.generated_tokens == 40) continue;
    ++stopped;
    EXPECT_LT(early.output.size(), early.generated_tokens);
    p.stop_on_eos = false;
    const InferenceResult late = run(model, "stop", p, seed);
    EXPECT_EQ(late.generated_tokens, 40u);
    ASSERT_GE(late.output.size(), early.output.size());
    EXPECT_TRUE(std::equal(early.output.begin(), early.output.end(), late.output.begin()));
  }
  EXPECT_GT(stopped, 0);
}

TEST(CpuBackend, FillsTheContextAndRefusesLongerPrompts) {
  const ModelArtefact model = make_seeded_model(kConfig, 13);
  const SamplingParams many{.max_tokens = 1000, .stop_on_eos = false};
  EXPECT_EQ(run(model, std::string(63, 'x'), many).generated_tokens, 1u);
  EXPECT_EQ(run(model, std::string(60, 'x'), many).generated_tokens, 4u);
  const CpuBackend backend;
  const auto too_long = backend.generate(model, as_bytes(std::string(64, 'x')), many, 1);
  ASSERT_FALSE(too_long);
  EXPECT_EQ(too_long.error().code, ErrorCode::kInvalidArgument);
  EXPECT_FALSE(backend.generate(model, as_bytes("x"), {.max_tokens = 0}, 1));
}

TEST(CpuBackend, EveryLayerOfEveryTokenCanBeOpened) {
  const ModelArtefact model = make_seeded_model(kConfig, 14);
  const auto run = CpuBackend().execute(model, as_bytes("ab"), {.max_tokens = 3}, 1, true);
  ASSERT_TRUE(run);
  const std::vector<std::uint32_t> tokens{kTokenBos, 'a', 'b', run->result.output[0],
                                          run->result.output[1]};
  ASSERT_EQ(run->transcript.leaves(), tokens.size() * 2);
  for (std::uint32_t p = 0; p < tokens.size(); ++p) {
    for (std::uint32_t l = 0; l < 2; ++l) {
      EXPECT_TRUE(verify_row(run->result.transcript_root,
                             {p, l, tokens[p], run->transcript.row(p, l)}, 2,
                             run->transcript.prove(p, l)));
    }
  }
}

TEST(CpuBackend, ModelsThatLeaveTheirRangesAreClampedCountedAndStillExact) {
  ModelArtefact model = make_seeded_model(kConfig, 15);
  for (std::uint32_t n = 0; n < 192; ++n) {  // queries, keys, values 4096 times too large
    std::vector<std::int8_t> row(64);
    for (std::uint32_t k = 0; k < 64; ++k) row[k] = model.layers[1].qkv.at(n, k);
    exact::SoftScale scale = model.layers[1].qkv.scales()[n];
    scale.e += 12;
    model.layers[1].qkv.set_row(n, row, scale);
  }
  const InferenceResult want = run(model, "big", kGreedy, 1, Kernel::kPortable);
  EXPECT_GT(want.clamps, 0u);
  EXPECT_EQ(run(model, "big", kGreedy), want);
}

TEST(CpuBackend, ArtefactsOfArbitraryValidBytesExecute) {
  // The worst that a decoder lets through: extreme embeddings, gains, exponents and zero scales.
  ModelArtefact model = make_seeded_model(kConfig, 16);
  for (std::size_t i = 0; i < model.embedding.size(); ++i) {
    model.embedding[i] = i % 3 == 0 ? INT32_MIN : i % 3 == 1 ? INT32_MAX : 0;
  }
  std::fill(model.layers[0].attention_norm.begin(), model.layers[0].attention_norm.end(),
            INT16_MIN);
  std::fill(model.final_norm.begin(), model.final_norm.end(), 0);
  const std::vector<std::int8_t> row(64, -127);
  for (std::uint32_t n = 0; n < 192; ++n) {
    const std::int32_t e = n % 2 == 0 ? kMaxScaleExponent : -kMaxScaleExponent;
    model.layers[0].qkv.set_row(n, row, {0x7fffffffu, e});
    model.layers[0].gate_up.set_row(n, row, {0x7fffffffu, e});
    model.layers[1].gate_up.set_row(n, row, {});
  }
  const InferenceResult portable = run(model, "x", kGreedy, 1, Kernel::kPortable);
  EXPECT_GT(portable.clamps, 0u);
  EXPECT_EQ(run(model, "x", kGreedy), portable);
}

}  // namespace
}  // namespace orrery::gpu
