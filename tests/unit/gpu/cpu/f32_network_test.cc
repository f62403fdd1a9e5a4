#include "gpu/cpu/f32_network.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <vector>

#include "engine/base/random.h"

namespace orrery::gpu {
namespace {

constexpr ModelConfig kConfig{.dim = 24, .hidden = 40, .layers = 2, .heads = 2, .context = 16};
constexpr std::uint32_t kSequences = 3;
constexpr std::uint32_t kLength = 11;

struct Tokens {
  std::vector<std::uint32_t> inputs;
  std::vector<std::uint32_t> targets;
  TokenBatch batch() const { return {inputs, targets, kSequences, kLength}; }
};

Tokens some_tokens() {
  RandomStream random(4, 0, stream_id("tokens"));
  Tokens t;
  for (std::uint32_t i = 0; i < kSequences * kLength; ++i) {
    t.inputs.push_back(static_cast<std::uint32_t>(random.below(kByteVocab)));
    t.targets.push_back(i % 5 == 0 ? kNoTarget
                                   : static_cast<std::uint32_t>(random.below(kByteVocab)));
  }
  return t;
}

// Weights large enough that every nonlinearity matters.
F32Model bold_model() {
  F32Model model = make_f32_model(kConfig, 6);
  for (const TensorSlot& slot : F32Layout(kConfig).slots) {
    if (slot.rows == 0) continue;
    for (std::size_t i = 0; i < slot.size(); ++i) model.values[slot.offset + i] *= 12;
  }
  return model;
}

// Runs parts one after another, last part first: another order than any threads would keep.
class Backwards final : public Parallel {
 public:
  std::uint32_t width() const override { return 3; }
  void run(Task task, void* context) override {
    for (std::uint32_t part = 3; part-- > 0;) task(context, part);
  }
};

TEST(F32Network, TheGradientIsTheSlopeOfTheLossForEveryKindOfParameter) {
  const F32Model model = bold_model();
  const Tokens tokens = some_tokens();
  F32Network network(kConfig, available_kernels().back());
  std::vector<float> gradient(model.values.size());
  const float loss = network.gradient(model, tokens.batch(), 1.0f, gradient);
  EXPECT_FLOAT_EQ(network.loss(model, tokens.batch()), loss);
  for (const TensorSlot& slot : F32Layout(kConfig).slots) {
    // The steepest entry of the tensor: finite differences of floats see nothing smaller.
    std::size_t at = slot.offset;
    for (std::size_t i = 0; i < slot.size(); ++i) {
      if (std::abs(gradient[slot.offset + i]) > std::abs(gradient[at])) at = slot.offset + i;
    }
    ASSERT_NE(gradient[at], 0.0f) << slot.name;
    const float step = 0.02f;
    F32Model moved = model;
    moved.values[at] = model.values[at] + step;
    const double above = network.loss(moved, tokens.batch());
    moved.values[at] = model.values[at] - step;
    const double below = network.loss(moved, tokens.batch());
    const double slope = (above - below) / (2 * step);
    EXPECT_NEAR(slope, gradient[at], 0.02 * std::abs(gradient[at]) + 2e-4) << slot.name;
  }
}

TEST(F32Network, KernelsAndPartsCannotBeSeenInLossOrGradient) {
  const F32Model model = bold_model();
  const Tokens tokens = some_tokens();
  std::vector<std::uint32_t> want;
  for (const Kernel kernel : available_kernels()) {
    Backwards backwards;
    for (Parallel* parallel :
         {static_cast<Parallel*>(nullptr), static_cast<Parallel*>(&backwards)}) {
      F32Network network(kConfig, kernel, parallel, 0);
      std::vector<float> gradient(model.values.size());
      const float loss = network.gradient(model, tokens.batch(), 0.5f, gradient);
      std::vector<std::uint32_t> got{std::bit_cast<std::uint32_t>(loss)};
      for (const float g : gradient) got.push_back(std::bit_cast<std::uint32_t>(g));
      if (want.empty()) want = got;
      ASSERT_EQ(got, want) << static_cast<int>(kernel);
    }
  }
}

TEST(F32Network, SequencesOfABatchDoNotMix) {
  const F32Model model = bold_model();
  Tokens tokens = some_tokens();
  F32Network network(kConfig, Kernel::kPortable);
  network.loss(model, tokens.batch());
  const std::vector<float> before(network.logits().begin(), network.logits().end());
  tokens.inputs[kLength] ^= 1;  // first token of the second sequence
  network.loss(model, tokens.batch());
  const auto after = network.logits();
  const std::size_t row = kConfig.vocab;
  EXPECT_TRUE(std::equal(before.begin(), before.begin() + kLength * row, after.begin()));
  EXPECT_FALSE(std::equal(before.begin() + kLength * row, before.begin() + 2 * kLength * row,
                          after.begin() + kLength * row));
}

}  // namespace
}  // namespace orrery::gpu
