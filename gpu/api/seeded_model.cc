#include "gpu/api/seeded_model.h"

#include <string_view>
#include <vector>

#include "engine/base/ensure.h"
#include "engine/base/random.h"
#include "gpu/api/exact/row.h"

namespace orrery::gpu {
namespace {

constexpr int kWeightBits = 24;  // rows are drawn in Q24, then quantised
// Gains in Q8. Queries and keys above one sharpen attention; a head above one spreads the logits.
constexpr std::uint64_t kGainQkv = 384;   // 1.5
constexpr std::uint64_t kGainOut = 320;   // 1.25
constexpr std::uint64_t kGainUp = 384;    // 1.5
constexpr std::uint64_t kGainDown = 384;  // 1.5
constexpr std::uint64_t kGainHead = 384;  // 1.5
constexpr std::int32_t kPriorChannel = 0;

// Uniform values in [-amplitude, amplitude), in any Q format.
class UniformRow {
 public:
  UniformRow(std::uint64_t seed, std::string_view tensor, std::uint64_t layer)
      : random_(seed, layer, stream_id(tensor)) {}

  std::int32_t draw(std::uint64_t amplitude) {
    const auto u = static_cast<std::int64_t>(static_cast<std::int32_t>(random_.next() >> 32));
    return static_cast<std::int32_t>((u * static_cast<std::int64_t>(amplitude)) >> 31);
  }

 private:
  RandomStream random_;
};

// sqrt(3 / inputs) * gain in Q24: a uniform draw of that amplitude has variance gain^2 / inputs.
std::uint64_t amplitude(std::uint64_t inputs, std::uint64_t gain_q8) {
  return exact::isqrt64((std::uint64_t{3} << 48) / inputs) * gain_q8 >> 8;
}

// Logit of a byte in Q8 nats: about ln(frequency per thousand) in English text.
std::int32_t prior_logit(std::uint32_t token) {
  constexpr std::string_view kByFrequency = " etaoinshrdlcumwfgypbvk";
  if (token == kTokenEos) return 0;
  if (token >= 256) return -4 * 256;
  const char c = static_cast<char>(token);
  if (const auto rank = kByFrequency.find(c); rank != std::string_view::npos) {
    return 5 * 256 - static_cast<std::int32_t>(rank) * 28;
  }
  if (c >= 'a' && c <= 'z') return 256;
  if (c == '.' || c == ',' || c == '\n') return 2 * 256;
  if (c >= 'A' && c <= 'Z') return 256;
  if (c >= '0' && c <= '9') return 256;
  if (c > ' ' && c <= '~') return 0;
  return -4 * 256;
}

void fill_matrix(QuantMatrix& matrix, UniformRow& uniform, std::uint64_t gain_q8) {
  const std::uint64_t range = amplitude(matrix.cols(), gain_q8);
  std::vector<std::int32_t> row(matrix.cols());
  std::vector<std::int8_t> q(matrix.cols());
  for (std::uint32_t n = 0; n < matrix.rows(); ++n) {
    for (std::int32_t& w : row) w = uniform.draw(range);
    const auto scale = exact::quantise_row(row.data(), static_cast<std::int32_t>(row.size()),
                                           -kWeightBits, q.data());
    matrix.set_row(n, q, scale);
  }
}

// Keeps a layer from writing to the channel that carries the prior.
void silence_prior_row(QuantMatrix& matrix) {
  matrix.set_row(kPriorChannel, std::vector<std::int8_t>(matrix.cols()), {});
}

void fill_gains(std::vector<std::int16_t>& gains, UniformRow& uniform) {
  constexpr std::int32_t kOneQ14 = 1 << 14;
  for (std::int16_t& g : gains) g = static_cast<std::int16_t>(kOneQ14 + uniform.draw(kOneQ14 / 4));
}

// A quarter of a unit at most, and nothing on the channel that carries the prior.
void fill_biases(std::vector<std::int32_t>& biases, UniformRow& uniform) {
  for (std::int32_t& b : biases) b = uniform.draw(1u << 14);
  biases[kPriorChannel] = 0;
}

// What only family kGpt2 has: biases and positions.
void fill_gpt2(ModelArtefact& model, std::uint64_t seed) {
  for (std::uint32_t l = 0; l < model.config.layers; ++l) {
    UniformRow uniform(seed, "model.biases", l);
    LayerBiases& bias = model.layers[l].bias;
    for (auto* biases :
         {&bias.attention_norm, &bias.qkv, &bias.out, &bias.mlp_norm, &bias.gate_up, &bias.down}) {
      fill_biases(*biases, uniform);
    }
  }
  UniformRow uniform(seed, "model.biases", model.config.layers);
  fill_biases(model.final_norm_bias, uniform);
  UniformRow positions(seed, "model.positions", 0);
  for (std::size_t i = 0; i < model.positions.size(); ++i) {
    const std::int32_t value = positions.draw(1u << 14);
    model.positions[i] = i % model.config.dim == kPriorChannel ? 0 : value;
  }
}

void fill_embedding(ModelArtefact& model, std::uint64_t seed) {
  constexpr std::int32_t kOneQ16 = 1 << 16;
  UniformRow uniform(seed, "model.embedding", 0);
  const std::uint64_t range = amplitude(1, 256) >> (kWeightBits - 16);  // unit variance
  for (std::size_t i = 0; i < model.embedding.size(); ++i) {
    const std::int32_t value = uniform.draw(range);
    model.embedding[i] = i % model.config.dim == kPriorChannel ? 3 * kOneQ16 / 2 : value;
  }
}

void fill_head(ModelArtefact& model, std::uint64_t seed) {
  const ModelConfig& c = model.config;
  UniformRow uniform(seed, "model.head", 0);
  const std::uint64_t range = amplitude(c.dim, kGainHead);
  std::vector<std::int32_t> row(c.dim);
  std::vector<std::int8_t> q(c.dim);
  for (std::uint32_t n = 0; n < c.vocab; ++n) {
    for (std::int32_t& w : row) w = uniform.draw(range);
    row[kPriorChannel] = prior_logit(n) << (kWeightBits - 8);
    const auto scale =
        exact::quantise_row(row.data(), static_cast<std::int32_t>(c.dim), -kWeightBits, q.data());
    model.head.set_row(n, q, scale);
  }
}

}  // namespace

ModelArtefact make_seeded_model(const ModelConfig& config, std::uint64_t seed) {
  ENSURE(validate(config).has_value(), "a valid model config");
  ModelArtefact model = empty_artefact(config);
  fill_embedding(model, seed);
  for (std::uint32_t l = 0; l < config.layers; ++l) {
    LayerWeights& layer = model.layers[l];
    UniformRow norms(seed, "model.norms", l);
    UniformRow qkv(seed, "model.qkv", l);
    UniformRow out(seed, "model.out", l);
    UniformRow gate_up(seed, "model.gate_up", l);
    UniformRow down(seed, "model.down", l);
    fill_gains(layer.attention_norm, norms);
    fill_gains(layer.mlp_norm, norms);
    fill_matrix(layer.qkv, qkv, kGainQkv);
    fill_matrix(layer.out, out, kGainOut);
    fill_matrix(layer.gate_up, gate_up, kGainUp);
    fill_matrix(layer.down, down, kGainDown);
    silence_prior_row(layer.out);
    silence_prior_row(layer.down);
  }
  UniformRow norms(seed, "model.norms", config.layers);
  fill_gains(model.final_norm, norms);
  fill_head(model, seed);
  if (config.family == Family::kGpt2) fill_gpt2(model, seed);
  return model;
}

}  // namespace orrery::gpu
