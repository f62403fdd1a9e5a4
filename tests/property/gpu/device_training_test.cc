// Loss and gradient from an accelerator against the processor's: equal in every bit, on the CPU
// with one lane and with emulated ones, and on a CUDA device where there is one.
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "engine/base/random.h"
#include "gpu/cpu/f32_network.h"
#include "gpu/cuda/cuda_device.h"
#include "gpu/cuda/device_network.h"
#include "gpu/cuda/host_accelerator.h"
#include "harness/model/trainer.h"
#include "harness/model/zoo.h"

namespace orrery::gpu {
namespace {

struct Way {
  std::string name;
  std::unique_ptr<Accelerator> accelerator;
};

std::vector<Way> host_ways() {
  std::vector<Way> ways;
  for (const std::uint32_t lanes : {1u, 4u, 32u}) {
    ways.push_back({std::to_string(lanes) + " lanes", std::make_unique<HostAccelerator>(lanes)});
  }
  return ways;
}

// Heads of width 2, one head, widths that no tile and no warp divides, longer sums than a warp,
// more tokens than bytes.
std::vector<ModelConfig> configs() {
  return {{.dim = 24, .hidden = 40, .layers = 2, .heads = 2, .context = 16},
          {.dim = 6, .hidden = 1, .layers = 1, .heads = 3, .context = 40},
          {.dim = 22, .hidden = 37, .layers = 1, .heads = 1, .context = 9},
          {.dim = 70, .hidden = 101, .layers = 3, .heads = 5, .context = 70, .vocab = 301}};
}

struct Tokens {
  std::vector<std::uint32_t> inputs;
  std::vector<std::uint32_t> targets;
  std::uint32_t sequences;
  std::uint32_t length;

  TokenBatch batch() const { return {inputs, targets, sequences, length}; }
};

// Texts of uneven lengths, filled up with positions that do not count; now and then one inside.
// Few different tokens, so that rows meet in the gradient of the embedding.
Tokens some_tokens(const ModelConfig& config, std::uint32_t sequences, std::uint32_t length) {
  RandomStream random(sequences, length, stream_id("tokens"));
  Tokens t{{}, {}, sequences, length};
  for (std::uint32_t s = 0; s < sequences; ++s) {
    const std::uint64_t end = 1 + random.below(length);
    for (std::uint32_t i = 0; i < length; ++i) {
      const bool counts = i == 0 || (i < end && random.below(7) != 0);
      const auto any = [&](std::uint64_t of) {
        return static_cast<std::uint32_t>(config.vocab - 1 - random.below(of));
      };
      t.inputs.push_back(i < end ? any(9) : kTokenEos);
      t.targets.push_back(counts ? any(config.vocab) : kNoTarget);
    }
  }
  return t;
}

// Weights large enough that every nonlinearity matters, gains other than 1.
F32Model bold_model(const ModelConfig& config) {
  F32Model model = make_f32_model(config, 6);
  RandomStream random(8, 0, stream_id("gains"));
  for (const TensorSlot& slot : F32Layout(config).slots) {
    for (std::size_t i = 0; i < slot.size(); ++i) {
      float& v = model.values[slot.offset + i];
      v *= slot.rows == 0 ? static_cast<float>(random.below(1024)) * 0x1p-9f : 12.0f;
    }
  }
  return model;
}

using Bits = std::vector<std::uint32_t>;

Bits bits_of(float loss, std::span<const float> gradient) {
  Bits bits{std::bit_cast<std::uint32_t>(loss)};
  for (const float g : gradient) bits.push_back(std::bit_cast<std::uint32_t>(g));
  return bits;
}

// The tensor in which the first difference lies, for people.
std::string first_difference(const Bits& want, const Bits& got, const ModelConfig& config) {
  if (want[0] != got[0]) return "the loss";
  for (const TensorSlot& slot : F32Layout(config).slots) {
    for (std::size_t i = 0; i < slot.size(); ++i) {
      const std::size_t at = 1 + slot.offset + i;
      if (want[at] != got[at]) return slot.name + " entry " + std::to_string(i);
    }
  }
  return "none";
}

// Every config, several batches one after the other with one network, gradients added up.
void expect_the_bits_of_the_processor(const Way& way) {
  for (const ModelConfig& config : configs()) {
    const F32Model model = bold_model(config);
    F32Network processor(config, available_kernels().back());
    DeviceNetwork device(config, *way.accelerator);
    std::vector<float> want(model.values.size(), 0.25f);
    std::vector<float> got = want;
    struct Case {
      std::uint32_t sequences;
      std::uint32_t length;
      float weight;
    };
    for (const Case& c : {Case{3, 7, 1.0f}, Case{1, config.context, 0.37f}, Case{5, 1, -2.5f},
                          Case{2, config.context, 1.0f}, Case{4, 3, 1e-3f}}) {
      const Tokens tokens = some_tokens(config, c.sequences, c.length);
      const auto loss = device.loss(model, tokens.batch());
      ASSERT_TRUE(loss) << loss.error().message;
      EXPECT_EQ(std::bit_cast<std::uint32_t>(*loss),
                std::bit_cast<std::uint32_t>(processor.loss(model, tokens.batch())));
      const float expected = processor.gradient(model, tokens.batch(), c.weight, want);
      const auto made = device.add_gradient(model, tokens.batch(), c.weight, got);
      ASSERT_TRUE(made) << made.error().message;
      const std::string where =
          first_difference(bits_of(expected, want), bits_of(*made, got), config);
      ASSERT_EQ(where, "none") << way.name << ", dim " << config.dim << ", " << c.sequences
                               << " texts of " << c.length;
    }
  }
}

TEST(DeviceTraining, LossAndGradientHaveTheBitsOfTheProcessor) {
  for (const Way& way : host_ways()) expect_the_bits_of_the_processor(way);
}

TEST(DeviceTraining, LossAndGradientHaveTheBitsOfTheProcessorOnCuda) {
  auto cuda = open_cuda_accelerator();
  if (!cuda) GTEST_SKIP() << cuda.error().message;
  expect_the_bits_of_the_processor({"cuda", std::move(*cuda)});
}

TEST(DeviceTraining, RowsWithoutATargetAddNothing) {
  const ModelConfig config = configs()[0];
  const F32Model model = bold_model(config);
  HostAccelerator accelerator;
  DeviceNetwork device(config, accelerator);
  Tokens tokens = some_tokens(config, 2, 6);
  std::fill(tokens.targets.begin() + 1, tokens.targets.end(), kNoTarget);
  std::vector<float> gradient(model.values.size());
  ASSERT_TRUE(device.add_gradient(model, tokens.batch(), 1.0f, gradient));
  // Only the first position of the first text is asked: no other token's embedding moves.
  const float* embedding = gradient.data() + F32Layout(config).embedding;
  for (std::uint32_t t = 0; t < config.vocab; ++t) {
    const bool moved = std::any_of(embedding + t * config.dim, embedding + (t + 1) * config.dim,
                                   [](float v) { return v != 0; });
    EXPECT_EQ(moved, t == tokens.inputs[0]) << t;
  }
}

}  // namespace
}  // namespace orrery::gpu

namespace orrery::model {
namespace {

TrainOptions small_run() {
  return {.config = {.dim = 24, .hidden = 40, .layers = 2, .heads = 2, .context = 32},
          .steps = 10,
          .batch = 3,
          .length = 24,
          .warmup = 3,
          .optimizer = {}};
}

std::vector<std::uint32_t> data() {
  std::string text;
  for (int i = 0; i < 40; ++i) text += "and the planets go round and round, " + std::to_string(i);
  return token_stream(text);
}

// The digest after all steps, with gradients from there.
Hash256 trained(const TrainOptions& options, std::vector<std::uint32_t> stream,
                gpu::Accelerator* accelerator) {
  Trainer trainer = *Trainer::start(options, std::move(stream), nullptr);
  if (accelerator != nullptr) {
    trainer.take_gradients_from(std::make_unique<gpu::DeviceNetwork>(options.config, *accelerator));
  }
  while (!trainer.done()) {
    const auto loss = trainer.step();
    EXPECT_TRUE(loss) << loss.error().message;
    if (!loss) break;
  }
  return trainer.digest();
}

TEST(DeviceTraining, TenStepsOfAdamWGiveTheDigestOfTheProcessor) {
  const Hash256 want = trained(small_run(), data(), nullptr);
  for (const gpu::Way& way : gpu::host_ways()) {
    EXPECT_EQ(trained(small_run(), data(), way.accelerator.get()), want) << way.name;
  }
}

// The zoo's smallest model, its first steps; ORRERY_TRAINING_STEPS of them (default 20).
TEST(DeviceTraining, TheZoosSmallestModelTrainsToTheBitsOfTheProcessorOnCuda) {
  auto cuda = gpu::open_cuda_accelerator();
  if (!cuda) GTEST_SKIP() << cuda.error().message;
  TrainOptions options = zoo_entry("0.3M")->options;
  const char* steps = std::getenv("ORRERY_TRAINING_STEPS");
  options.steps = steps == nullptr ? 20 : static_cast<std::uint32_t>(std::atoi(steps));
  const auto stream = token_stream(zoo_corpus("small")->training);
  EXPECT_EQ(trained(options, stream, cuda->get()), trained(options, stream, nullptr));
}

}  // namespace
}  // namespace orrery::model
