// Workers who do less than they were paid for, and what catches each: the digest of the result,
// a dispute down to one element that a referee recomputes, and a random check of a product.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "engine/base/random.h"
#include "gpu/api/seeded_model.h"
#include "gpu/cpu/cpu_backend.h"
#include "gpu/cpu/freivalds.h"
#include "gpu/cpu/layer_trace.h"

namespace orrery::gpu {
namespace {

constexpr ModelConfig kConfig{.dim = 64, .hidden = 160, .layers = 3, .heads = 4, .context = 64};
constexpr SamplingParams kParams{.max_tokens = 12, .stop_on_eos = false};
constexpr std::string_view kPrompt = "the orrery turns";

Execution run(const ModelArtefact& model, std::string_view prompt = kPrompt) {
  auto execution = CpuBackend().execute(model, as_bytes(prompt), kParams, 1, true);
  EXPECT_TRUE(execution) << execution.error().message;
  return std::move(*execution);
}

void change_rows(QuantMatrix& matrix, std::int8_t (*change)(std::int8_t)) {
  std::vector<std::int8_t> row(matrix.cols());
  for (std::uint32_t n = 0; n < matrix.rows(); ++n) {
    for (std::uint32_t k = 0; k < matrix.cols(); ++k) row[k] = change(matrix.at(n, k));
    matrix.set_row(n, row, matrix.scales()[n]);
  }
}

struct Cheater {
  std::string name;
  ModelArtefact model;
};

// Same shape as the honest model, less work or other weights behind it.
std::vector<Cheater> cheaters(const ModelArtefact& honest) {
  std::vector<Cheater> all;
  const auto zero = [](std::int8_t) { return std::int8_t{0}; };
  const auto int4 = [](std::int8_t w) { return static_cast<std::int8_t>(w / 16 * 16); };
  all.push_back({"skipped layer", honest});
  change_rows(all.back().model.layers[1].out, zero);
  change_rows(all.back().model.layers[1].down, zero);
  all.push_back({"no attention", honest});
  change_rows(all.back().model.layers[2].out, zero);
  all.push_back({"int4 weights", honest});
  for (LayerWeights& layer : all.back().model.layers) {
    for (QuantMatrix* m : {&layer.qkv, &layer.out, &layer.gate_up, &layer.down}) {
      change_rows(*m, int4);
    }
  }
  all.push_back({"another model", make_seeded_model(kConfig, 99)});
  all.push_back({"one weight", honest});
  QuantMatrix& gate = all.back().model.layers[2].gate_up;
  std::vector<std::int8_t> row(gate.cols());
  for (std::uint32_t k = 0; k < gate.cols(); ++k) row[k] = gate.at(5, k);
  row[7] = static_cast<std::int8_t>(row[7] > 0 ? row[7] - 1 : row[7] + 1);
  gate.set_row(5, row, gate.scales()[5]);
  return all;
}

// Rows that enter `layer` at positions 0 .. last, from the transcript of whoever ran.
std::vector<std::vector<std::int32_t>> layer_input(const ModelArtefact& model,
                                                   const Transcript& transcript,
                                                   const std::vector<std::uint32_t>& tokens,
                                                   std::uint32_t layer, std::uint32_t last) {
  std::vector<std::vector<std::int32_t>> rows;
  for (std::uint32_t p = 0; p <= last; ++p) {
    if (layer > 0) {
      const auto row = transcript.row(p, layer - 1);
      rows.emplace_back(row.begin(), row.end());
    } else {
      const auto* row = model.embedding.data() + std::size_t{tokens[p]} * model.config.dim;
      rows.emplace_back(row, row + model.config.dim);
    }
  }
  return rows;
}

std::vector<std::uint32_t> tokens_of(const Execution& e) {
  std::vector<std::uint32_t> tokens{kTokenBos};
  for (const char c : kPrompt) tokens.push_back(static_cast<std::uint8_t>(c));
  for (const std::uint8_t b : e.result.output) tokens.push_back(b);
  return tokens;
}

TEST(Cheaters, EachHasAnotherResultDigest) {
  const ModelArtefact honest = make_seeded_model(kConfig, 7);
  const Execution truth = run(honest);
  for (const Cheater& cheater : cheaters(honest)) {
    EXPECT_NE(run(cheater.model).result.digest(), truth.result.digest()) << cheater.name;
  }
  // Those who answer without the work behind it.
  InferenceResult forged = truth.result;
  forged.output[3] ^= 1;
  EXPECT_NE(forged.digest(), truth.result.digest()) << "flipped token";
  forged = truth.result;
  std::fill(forged.output.begin(), forged.output.end(), std::uint8_t{0});
  EXPECT_NE(forged.digest(), truth.result.digest()) << "zeros";
  EXPECT_NE(run(honest, "the orrery burns").result.digest(), truth.result.digest()) << "copied";
  EXPECT_NE(run(honest, kPrompt.substr(4)).result.digest(), truth.result.digest()) << "truncated";
}

TEST(Cheaters, ADisputeEndsAtOneElementThatTheRefereeRecomputes) {
  const ModelArtefact honest = make_seeded_model(kConfig, 7);
  const Execution truth = run(honest);
  const auto tokens = tokens_of(truth);
  for (const Cheater& cheater : cheaters(honest)) {
    if (cheater.name == "another model") continue;  // differs in the embedding already: leaf 0
    const Execution claim = run(cheater.model);
    ASSERT_EQ(claim.transcript.leaves(), truth.transcript.leaves());
    const auto leaf = first_differing_leaf(truth.transcript, claim.transcript);
    ASSERT_TRUE(leaf) << cheater.name;
    EXPECT_LE(leaf->rounds, 7u);  // 84 leaves
    const auto position = static_cast<std::uint32_t>(leaf->leaf / kConfig.layers);
    const auto layer = static_cast<std::uint32_t>(leaf->leaf % kConfig.layers);
    // All rows before the leaf are equal, so both sides' traces start from the same input.
    const auto input = layer_input(honest, claim.transcript, tokens, layer, position);
    ASSERT_EQ(input, layer_input(honest, truth.transcript, tokens, layer, position));
    const LayerTrace right = trace_layer(honest, layer, input);
    const LayerTrace wrong = trace_layer(cheater.model, layer, input);
    EXPECT_TRUE(std::ranges::equal(right.back(), truth.transcript.row(position, layer)));
    EXPECT_TRUE(std::ranges::equal(wrong.back(), claim.transcript.row(position, layer)));
    const auto at = first_difference(right, wrong);
    ASSERT_TRUE(at) << cheater.name;
    const Ruling ruling = judge_element(honest, layer, input, wrong, *at);
    const auto op = static_cast<std::size_t>(at->op);
    EXPECT_EQ(ruling.value, right[op][at->element]) << cheater.name << " " << op_name(at->op);
    EXPECT_NE(ruling.value, wrong[op][at->element]) << cheater.name;
    EXPECT_LE(ruling.multiplications, kConfig.hidden + 2) << op_name(at->op);
  }
}

// Forges one operation and continues honestly, which is the best a liar can do.
TEST(Cheaters, ALieInAnyOperationIsFoundThere) {
  const ModelArtefact honest = make_seeded_model(kConfig, 7);
  const Execution truth = run(honest);
  const auto input = layer_input(honest, truth.transcript, tokens_of(truth), 1, 9);
  const LayerTrace right = trace_layer(honest, 1, input);
  for (std::size_t op = 0; op < kLayerOps; ++op) {
    LayerTrace wrong = right;
    const auto element = static_cast<std::uint32_t>(right[op].size() - 3);
    for (std::size_t later = op; later < kLayerOps; ++later) wrong[later].back() += 5;
    wrong[op][element] += 1;
    const auto at = first_difference(right, wrong);
    ASSERT_TRUE(at);
    EXPECT_EQ(static_cast<std::size_t>(at->op), op);
    EXPECT_EQ(at->element, element);
    EXPECT_EQ(judge_element(honest, 1, input, wrong, *at).value, right[op][element]) << op;
    EXPECT_NE(trace_hash(at->op, 9, 1, right[op]), trace_hash(at->op, 9, 1, wrong[op]));
  }
}

TEST(Cheaters, StaleKeysOfAnotherPrefixAreFoundInTheHeads) {
  const ModelArtefact honest = make_seeded_model(kConfig, 7);
  const Execution truth = run(honest);
  const auto input = layer_input(honest, truth.transcript, tokens_of(truth), 1, 9);
  auto stale = input;
  std::swap(stale[2], stale[5]);
  const LayerTrace right = trace_layer(honest, 1, input);
  const LayerTrace wrong = trace_layer(honest, 1, stale);
  const auto at = first_difference(right, wrong);
  ASSERT_TRUE(at);
  EXPECT_EQ(at->op, LayerOp::kAttended);
  EXPECT_EQ(judge_element(honest, 1, input, wrong, *at).value,
            right[static_cast<std::size_t>(at->op)][at->element]);
}

class Freivalds : public testing::Test {
 protected:
  Freivalds() : matrix_(300, 200), rows_(kCount * 200), products_(kCount * 300) {
    std::vector<std::int8_t> row(200);
    for (std::uint32_t n = 0; n < 300; ++n) {
      for (auto& w : row) w = small();
      matrix_.set_row(n, row, {1u << 30, -30});
    }
    for (auto& a : rows_) a = small();
    multiply_with(matrix_, products_);
  }
  std::int8_t small() {
    return static_cast<std::int8_t>(static_cast<int>(random_.below(255)) - 127);
  }
  void multiply_with(const QuantMatrix& matrix, std::vector<std::int32_t>& out) const {
    for (std::uint32_t m = 0; m < kCount; ++m) {
      for (std::uint32_t n = 0; n < 300; ++n) {
        out[m * 300 + n] = 0;
        for (std::uint32_t k = 0; k < 200; ++k) {
          out[m * 300 + n] += rows_[m * 200 + k] * matrix.at(n, k);
        }
      }
    }
  }
  ProductClaim claim() const { return {rows_.data(), 200, products_.data(), 300, kCount}; }

  static constexpr std::uint32_t kCount = 16;
  RandomStream random_{3, 0, stream_id("freivalds test")};
  QuantMatrix matrix_;
  std::vector<std::int8_t> rows_;
  std::vector<std::int32_t> products_;
};

TEST_F(Freivalds, AcceptsTheTruthAndRejectsOneUnitInAnyProduct) {
  const FreivaldsKey key(matrix_, 42);
  EXPECT_TRUE(key.accepts(claim()));
  for (int round = 0; round < 200; ++round) {
    std::int32_t& product = products_[random_.below(products_.size())];
    const std::int32_t change = random_.below(2) == 0 ? 1 : -1;
    product += change;
    EXPECT_FALSE(key.accepts(claim()));
    product -= change;
  }
  EXPECT_TRUE(key.accepts(claim()));
  products_[5] = INT32_MIN;
  EXPECT_FALSE(key.accepts(claim()));
}

TEST_F(Freivalds, RejectsCoarserWeights) {
  QuantMatrix coarse = matrix_;
  change_rows(coarse, [](std::int8_t w) { return static_cast<std::int8_t>(w / 16 * 16); });
  multiply_with(coarse, products_);
  EXPECT_FALSE(FreivaldsKey(matrix_, 42).accepts(claim()));
  EXPECT_TRUE(FreivaldsKey(coarse, 42).accepts(claim()));
}

}  // namespace
}  // namespace orrery::gpu
