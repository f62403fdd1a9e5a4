#include "gpu/fast/fast_model.h"

#include <cmath>

namespace orrery::gpu {
namespace {

template <class From>
AlignedVector<float> copy(const From& from) {
  return AlignedVector<float>(from.begin(), from.end());
}

AlignedVector<float> slice(const F32Model& model, std::size_t offset, std::size_t count) {
  const auto from = model.values.begin() + static_cast<std::ptrdiff_t>(offset);
  return AlignedVector<float>(from, from + static_cast<std::ptrdiff_t>(count));
}

template <class From>
AlignedVector<float> scaled(const From& from, int fraction_bits) {
  AlignedVector<float> out;
  out.reserve(from.size());
  for (const auto v : from) out.push_back(std::ldexp(static_cast<float>(v), -fraction_bits));
  return out;
}

AlignedVector<float> values_of(const QuantMatrix& matrix) {
  AlignedVector<float> out;
  out.reserve(std::size_t{matrix.rows()} * matrix.cols());
  for (std::uint32_t n = 0; n < matrix.rows(); ++n) {
    const exact::SoftScale scale = matrix.scales()[n];
    const float factor =
        static_cast<float>(std::ldexp(static_cast<double>(scale.m), static_cast<int>(scale.e)));
    for (std::uint32_t k = 0; k < matrix.cols(); ++k) {
      out.push_back(factor * static_cast<float>(matrix.at(n, k)));
    }
  }
  return out;
}

constexpr int kGainBits = 14;
constexpr int kValueBits = 16;

}  // namespace

FastModel fast_model(const F32Model& model) {
  const ModelConfig& c = model.config;
  const F32Layout layout(c);
  const std::size_t d = c.dim;
  FastModel out{.config = c, .embedding = slice(model, layout.embedding, c.vocab * d)};
  for (const LayerOffsets& at : layout.layers) {
    out.layers.push_back({.attention_norm = {slice(model, at.attention_norm, d), {}},
                          .qkv = {slice(model, at.qkv, 3 * d * d), {}},
                          .out = {slice(model, at.out, d * d), {}},
                          .mlp_norm = {slice(model, at.mlp_norm, d), {}},
                          .gate_up = {slice(model, at.gate_up, 2 * c.hidden * d), {}},
                          .down = {slice(model, at.down, d * c.hidden), {}}});
  }
  out.final_norm = {slice(model, layout.final_norm, d), {}};
  out.head = slice(model, layout.head, c.vocab * d);
  return out;
}

FastModel fast_model(const Gpt2Model& model) {
  FastModel out{.config = model.config,
                .embedding = copy(model.embedding),
                .positions = copy(model.positions)};
  for (const Gpt2Layer& l : model.layers) {
    out.layers.push_back({.attention_norm = {copy(l.attention_gain), copy(l.attention_bias)},
                          .qkv = {copy(l.qkv), copy(l.qkv_bias)},
                          .out = {copy(l.out), copy(l.out_bias)},
                          .mlp_norm = {copy(l.mlp_gain), copy(l.mlp_bias)},
                          .gate_up = {copy(l.up), copy(l.up_bias)},
                          .down = {copy(l.down), copy(l.down_bias)}});
  }
  out.final_norm = {copy(model.final_gain), copy(model.final_bias)};
  out.head = copy(model.head);
  return out;
}

FastModel fast_model(const ModelArtefact& artefact) {
  FastModel out{.config = artefact.config,
                .embedding = scaled(artefact.embedding, kValueBits),
                .positions = scaled(artefact.positions, kValueBits)};
  const auto norm = [](const auto& gains, const auto& bias) {
    return FastNorm{scaled(gains, kGainBits), scaled(bias, kValueBits)};
  };
  const auto linear = [](const QuantMatrix& matrix, const auto& bias) {
    return FastLinear{values_of(matrix), scaled(bias, kValueBits)};
  };
  for (const LayerWeights& l : artefact.layers) {
    out.layers.push_back({.attention_norm = norm(l.attention_norm, l.bias.attention_norm),
                          .qkv = linear(l.qkv, l.bias.qkv),
                          .out = linear(l.out, l.bias.out),
                          .mlp_norm = norm(l.mlp_norm, l.bias.mlp_norm),
                          .gate_up = linear(l.gate_up, l.bias.gate_up),
                          .down = linear(l.down, l.bias.down)});
  }
  out.final_norm = norm(artefact.final_norm, artefact.final_norm_bias);
  out.head = values_of(artefact.head);
  return out;
}

}  // namespace orrery::gpu
