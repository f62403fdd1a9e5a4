// Whole decodes on an accelerator against the portable CPU decoder; shared by the test on the host
// and the one on a device.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <span>
#include <string>
#include <vector>

#include "engine/base/random.h"
#include "gpu/api/seeded_model.h"
#include "gpu/cpu/batch_decoder.h"
#include "gpu/cpu/cpu_backend.h"
#include "gpu/cuda/device_decoder.h"

namespace orrery::gpu {

inline constexpr std::uint32_t kDevicePositions = 48;
inline constexpr std::uint32_t kDeviceSequences = 32;

// Both families; widths that fill words, tiles and vector registers and widths that do not.
inline std::vector<ModelConfig> device_shapes() {
  return {{.dim = 64, .hidden = 96, .layers = 2, .heads = 2, .context = kDevicePositions},
          {.dim = 60, .hidden = 100, .layers = 2, .heads = 6, .context = kDevicePositions},
          {.dim = 36,
           .hidden = 1030,  // two tiles of outputs, the second nearly empty
           .layers = 1,
           .heads = 1,
           .context = kDevicePositions,
           .vocab = 300},
          {.dim = 64,
           .hidden = 128,
           .layers = 2,
           .heads = 4,
           .context = kDevicePositions,
           .family = Family::kGpt2},
          {.dim = 30,
           .hidden = 50,
           .layers = 2,
           .heads = 3,
           .context = kDevicePositions,
           .vocab = 259,
           .family = Family::kGpt2}};
}

// A seeded model; GPT-2's is filled here, with biases and positions, one so large that values are
// clamped.
inline ModelArtefact device_test_model(const ModelConfig& config) {
  if (config.family == Family::kLlama) return make_seeded_model(config, config.dim);
  ModelArtefact model = empty_artefact(config);
  RandomStream random(5, config.dim, stream_id("gpt2 test"));
  const auto fill = [&](auto& values, std::int64_t most) {
    for (auto& v : values) {
      const auto drawn = static_cast<std::int64_t>(random.below(2 * most + 1)) - most;
      v = static_cast<std::remove_reference_t<decltype(v)>>(drawn);
    }
  };
  const auto fill_matrix = [&](QuantMatrix& m) {
    std::vector<std::int8_t> row(m.cols());
    for (std::uint32_t n = 0; n < m.rows(); ++n) {
      fill(row, 127);
      m.set_row(n, row, exact::soft(std::uint64_t{1} << 40 | random.below(1 << 30), -51));
    }
  };
  fill(model.embedding, 1 << 17);
  fill(model.positions, 1 << 16);
  for (LayerWeights& layer : model.layers) {
    fill(layer.attention_norm, 20'000);
    fill(layer.mlp_norm, 20'000);
    for (auto* bias : {&layer.bias.attention_norm, &layer.bias.qkv, &layer.bias.out,
                       &layer.bias.mlp_norm, &layer.bias.gate_up, &layer.bias.down}) {
      fill(*bias, 1 << 15);
    }
    layer.bias.qkv[2 * config.dim + 1] = 1 << 22;  // values of 64 leave the range of Q10
    for (auto* m : {&layer.qkv, &layer.out, &layer.gate_up, &layer.down}) fill_matrix(*m);
  }
  fill(model.final_norm, 20'000);
  fill(model.final_norm_bias, 1 << 15);
  fill_matrix(model.head);
  return model;
}

struct DeviceWay {
  std::uint32_t batch;
  std::uint32_t piece;  // tokens of a sequence a step: 1 decodes, more prefill
  std::uint32_t block;  // positions
};

inline std::vector<DeviceWay> device_ways() {
  std::vector<DeviceWay> ways;
  for (const std::uint32_t batch : {1u, 3u, 7u, 32u}) {
    for (const std::uint32_t piece : {1u, 5u, 32u}) {
      for (const std::uint32_t block : {4u, 16u, 32u, 64u}) ways.push_back({batch, piece, block});
    }
  }
  return ways;
}

// Other tokens for each sequence and pass.
inline std::vector<std::uint32_t> device_tokens(std::uint32_t sequence, std::uint32_t vocab,
                                                std::uint32_t pass) {
  RandomStream random(3 + pass, sequence, stream_id("tokens"));
  std::vector<std::uint32_t> tokens(kDevicePositions);
  for (auto& t : tokens) t = static_cast<std::uint32_t>(random.below(vocab));
  return tokens;
}

// What a sequence leaves behind: the digest of logits, residual row and best token of each
// position, then the transcript's root and the clamps.
struct Outcome {
  std::vector<Hash256> positions;
  Hash256 root;
  std::uint64_t clamps = 0;
};
using Outcomes = std::vector<Outcome>;

inline Hash256 outcome_of(std::span<const std::int32_t> logits,
                          std::span<const std::int32_t> residual) {
  const auto bytes = [](std::span<const std::int32_t> v) {
    return ByteView(reinterpret_cast<const std::uint8_t*>(v.data()), v.size_bytes());
  };
  return Sha256().update(bytes(logits)).update(bytes(residual)).finish();
}

// The reference: no batch, no prefill, no vector code.
inline Outcomes decode_on_cpu(const ModelArtefact& model, std::uint32_t pass = 0) {
  Outcomes outcomes;
  for (std::uint32_t s = 0; s < kDeviceSequences; ++s) {
    BatchDecoder decoder(model, Kernel::kPortable, {.max_rows = 1, .max_length = kDevicePositions});
    Sequence state(model.config, kDevicePositions);
    Transcript transcript(model.config.layers, model.config.dim, false);
    Outcome outcome;
    for (const std::uint32_t token : device_tokens(s, model.config.vocab, pass)) {
      const Feed feed{&state, {&token, 1}, &transcript};
      decoder.step({&feed, 1});
      const std::uint32_t row = 0;
      decoder.project_logits({&row, 1});
      outcome.positions.push_back(outcome_of(decoder.logits(0), decoder.residual(0)));
    }
    outcome.root = transcript.root();
    outcome.clamps = state.clamps;
    outcomes.push_back(outcome);
  }
  return outcomes;
}

// One decode of way.batch sequences; returns its token steps. Fatal failures stop at the first
// difference.
inline std::uint64_t expect_equal_outcomes(Accelerator& accelerator, const ModelArtefact& model,
                                           const DeviceWay& way, const Outcomes& want,
                                           std::uint32_t pass = 0) {
  std::uint64_t steps = 0;
  const auto run = [&] {
    const std::uint32_t max_rows = way.batch * way.piece;
    const auto on_device = DeviceModel::make(accelerator, model);
    ASSERT_TRUE(on_device) << on_device.error().message;
    const auto made = DeviceDecoder::make(accelerator, **on_device,
                                          {.max_rows = max_rows,
                                           .max_length = kDevicePositions,
                                           .sequences = way.batch,
                                           .block = way.block});
    ASSERT_TRUE(made) << made.error().message;
    DeviceDecoder& decoder = **made;
    std::vector<std::vector<std::uint32_t>> tokens;
    std::vector<Transcript> transcripts;
    for (std::uint32_t s = 0; s < way.batch; ++s) {
      ASSERT_EQ(decoder.open(), s);
      tokens.push_back(device_tokens(s, model.config.vocab, pass));
      transcripts.emplace_back(model.config.layers, model.config.dim, false);
    }
    for (std::uint32_t at = 0; at < kDevicePositions; at += way.piece) {
      const std::uint32_t count = std::min(way.piece, kDevicePositions - at);
      std::vector<DeviceFeed> feeds;
      for (std::uint32_t s = 0; s < way.batch; ++s) {
        feeds.push_back({s, std::span(tokens[s]).subspan(at, count), &transcripts[s]});
      }
      ASSERT_TRUE(decoder.step(feeds));
      std::vector<std::uint32_t> rows(decoder.rows());
      for (std::uint32_t r = 0; r < rows.size(); ++r) rows[r] = r;
      ASSERT_TRUE(decoder.project_logits(rows));
      for (std::uint32_t r = 0; r < rows.size(); ++r, ++steps) {
        const auto logits = decoder.logits(r);
        const auto residual = decoder.residual(r);
        ASSERT_TRUE(logits && residual);
        ASSERT_EQ(outcome_of(*logits, *residual), want[r / count].positions[at + r % count])
            << "dim " << model.config.dim << " batch " << way.batch << " piece " << way.piece
            << " block " << way.block << " sequence " << r / count << " position "
            << at + r % count;
        ASSERT_EQ(decoder.best(r),
                  std::max_element(logits->begin(), logits->end()) - logits->begin());
      }
    }
    for (std::uint32_t s = 0; s < way.batch; ++s) {
      ASSERT_EQ(transcripts[s].root(), want[s].root);
      ASSERT_EQ(*decoder.clamps(s), want[s].clamps);
    }
  };
  run();
  return steps;
}

}  // namespace orrery::gpu
