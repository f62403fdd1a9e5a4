#include "gpu/cpu/quantise.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <span>

#include "gpu/cpu/gpt2_model.h"

namespace orrery::gpu {
namespace {

constexpr double kMaxQ16 = 2147483647.0;

// To the nearest integer, halves to even; |x| < 2^53.
std::int64_t round_even(double x) {
  const auto whole = static_cast<std::int64_t>(x);  // towards zero
  const double rest = x - static_cast<double>(whole);
  const double size = rest < 0 ? -rest : rest;
  const bool away = size > 0.5 || (size == 0.5 && (whole & 1) != 0);
  return away ? whole + (rest < 0 ? -1 : 1) : whole;
}

double magnitude(double x) { return x < 0 ? -x : x; }

// m * 2^e of a positive, normal double, m of 31 bits, halves to even.
exact::SoftScale soft_scale(double v) {
  const auto bits = std::bit_cast<std::uint64_t>(v);
  const auto exponent = static_cast<std::int32_t>(bits >> 52) - 1023;
  const std::uint64_t mantissa = (bits & ((std::uint64_t{1} << 52) - 1)) | std::uint64_t{1} << 52;
  constexpr int kDropped = 52 - 30;
  std::uint64_t m = mantissa >> kDropped;
  const std::uint64_t rest = mantissa & ((1u << kDropped) - 1);
  constexpr std::uint64_t kHalf = 1u << (kDropped - 1);
  if (rest > kHalf || (rest == kHalf && (m & 1) != 0)) ++m;
  std::int32_t e = exponent - 30;
  if (m >> 31 != 0) m >>= 1, ++e;
  return {static_cast<std::uint32_t>(m), e};
}

// Each function names the tensor that it was given in its error.
using Values = std::span<const float>;

Status check_values(const char* name, Values values, std::size_t size) {
  if (values.size() != size) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("{} has {} entries, the shape implies {}", name, values.size(), size));
  }
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (std::isfinite(values[i])) continue;
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("{} has an entry that is not a number, at {}", name, i));
  }
  return {};
}

// Values in Q16, divided by 2^halvings.
Status to_q16(const char* name, Values values, int halvings, std::vector<std::int32_t>& out) {
  TRY(check_values(name, values, out.size()));
  double unit = 65536;
  for (int i = 0; i < halvings; ++i) unit /= 2;
  for (std::size_t i = 0; i < out.size(); ++i) {
    const double value = static_cast<double>(values[i]) * unit;
    if (magnitude(value) >= kMaxQ16) {
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("{} entry {} is beyond 32768, the range of exact-i8", name, i));
    }
    out[i] = static_cast<std::int32_t>(round_even(value));
  }
  return {};
}

// Gains in Q14; returns the power of two that they were divided by.
Result<int> to_gains(Values values, std::vector<std::int16_t>& out) {
  TRY(check_values("a norm", values, out.size()));
  double top = 0;
  for (const float v : values) top = std::max(top, magnitude(v));
  int halvings = 0;
  double unit = 16384;
  for (; top * unit > INT16_MAX; unit /= 2) ++halvings;
  for (std::size_t i = 0; i < out.size(); ++i) {
    out[i] = static_cast<std::int16_t>(round_even(values[i] * unit));
  }
  return halvings;
}

// doublings: of the scales. A row whose scale is below the smallest exponent becomes zero.
Status to_matrix(const char* name, Values values, int doublings, QuantMatrix& out) {
  TRY(check_values(name, values, std::size_t{out.rows()} * out.cols()));
  std::vector<std::int8_t> q(out.cols());
  for (std::uint32_t n = 0; n < out.rows(); ++n) {
    const float* w = values.data() + std::size_t{n} * out.cols();
    double top = 0;
    for (std::uint32_t k = 0; k < out.cols(); ++k) top = std::max(top, magnitude(w[k]));
    exact::SoftScale scale;
    if (top > 0) {
      scale = soft_scale(top / 127);
      scale.e += doublings;
    }
    if (scale.e > kMaxScaleExponent) {
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("{} has weights beyond the exponents of exact-i8", name));
    }
    if (scale.e < -kMaxScaleExponent) scale = {};
    for (std::uint32_t k = 0; k < out.cols(); ++k) {
      q[k] = scale.m == 0 ? std::int8_t{0}
                          : static_cast<std::int8_t>(round_even(127 * double{w[k]} / top));
    }
    out.set_row(n, q, scale);
  }
  return {};
}

Status quantise_layer(const Gpt2Layer& from, LayerWeights& to) {
  ASSIGN_OR_RETURN(const int attention, to_gains(from.attention_gain, to.attention_norm));
  TRY(to_q16("ln_1.bias", from.attention_bias, attention, to.bias.attention_norm));
  TRY(to_matrix("c_attn", from.qkv, attention, to.qkv));
  TRY(to_q16("c_attn.bias", from.qkv_bias, 0, to.bias.qkv));
  TRY(to_matrix("attn.c_proj", from.out, 0, to.out));
  TRY(to_q16("attn.c_proj.bias", from.out_bias, 0, to.bias.out));
  ASSIGN_OR_RETURN(const int mlp, to_gains(from.mlp_gain, to.mlp_norm));
  TRY(to_q16("ln_2.bias", from.mlp_bias, mlp, to.bias.mlp_norm));
  TRY(to_matrix("c_fc", from.up, mlp, to.gate_up));
  TRY(to_q16("c_fc.bias", from.up_bias, 0, to.bias.gate_up));
  TRY(to_matrix("mlp.c_proj", from.down, 0, to.down));
  return to_q16("mlp.c_proj.bias", from.down_bias, 0, to.bias.down);
}

}  // namespace

Result<ModelArtefact> quantise_model(const F32Model& model) {
  TRY(validate(model.config));
  const F32Layout layout(model.config);
  if (model.config.family != Family::kLlama || model.values.size() != layout.size) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("the model's shape implies {} parameters, not {}", layout.size,
                            model.values.size()));
  }
  const auto matrix = [&](std::size_t offset, const char* name, int doublings, QuantMatrix& to) {
    return to_matrix(name, Values(model.values).subspan(offset, std::size_t{to.rows()} * to.cols()),
                     doublings, to);
  };
  const auto gains = [&](std::size_t offset, std::vector<std::int16_t>& to) {
    return to_gains(Values(model.values).subspan(offset, to.size()), to);
  };
  ModelArtefact out = empty_artefact(model.config);
  TRY(to_q16("embedding", Values(model.values).subspan(layout.embedding, out.embedding.size()), 0,
             out.embedding));
  for (std::size_t l = 0; l < layout.layers.size(); ++l) {
    const LayerOffsets& at = layout.layers[l];
    LayerWeights& layer = out.layers[l];
    ASSIGN_OR_RETURN(const int attention, gains(at.attention_norm, layer.attention_norm));
    TRY(matrix(at.qkv, "q, k or v_proj", attention, layer.qkv));
    TRY(matrix(at.out, "o_proj", 0, layer.out));
    ASSIGN_OR_RETURN(const int mlp, gains(at.mlp_norm, layer.mlp_norm));
    TRY(matrix(at.gate_up, "gate or up_proj", mlp, layer.gate_up));
    TRY(matrix(at.down, "down_proj", 0, layer.down));
  }
  ASSIGN_OR_RETURN(const int final_norm, gains(layout.final_norm, out.final_norm));
  TRY(matrix(layout.head, "lm_head", final_norm, out.head));
  return out;
}

Result<ModelArtefact> quantise_model(const Gpt2Model& model) {
  TRY(validate(model.config));
  if (model.config.family != Family::kGpt2 || model.layers.size() != model.config.layers) {
    return fail(ErrorCode::kInvalidArgument, fmt::format("{} layers of GPT-2, the config says {}",
                                                         model.layers.size(), model.config.layers));
  }
  ModelArtefact out = empty_artefact(model.config);
  TRY(to_q16("embedding", model.embedding, 0, out.embedding));
  TRY(to_q16("positions", model.positions, 0, out.positions));
  for (std::size_t l = 0; l < model.layers.size(); ++l) {
    TRY(quantise_layer(model.layers[l], out.layers[l]));
  }
  ASSIGN_OR_RETURN(const int final_norm, to_gains(model.final_gain, out.final_norm));
  TRY(to_q16("ln_f.bias", model.final_bias, final_norm, out.final_norm_bias));
  TRY(to_matrix("lm_head", model.head, final_norm, out.head));
  return out;
}

}  // namespace orrery::gpu
