// quantise_model(), declared in f32_model.h.
#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>

#include "gpu/cpu/f32_model.h"

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

class Quantiser {
 public:
  explicit Quantiser(const F32Model& model) : model_(model), layout_(model.config) {}

  Status finite() const {
    for (const TensorSlot& slot : layout_.slots) {
      for (std::size_t i = 0; i < slot.size(); ++i) {
        if (std::isfinite(model_.values[slot.offset + i])) continue;
        return fail(ErrorCode::kInvalidArgument,
                    fmt::format("{} has an entry that is not a number, at {}", slot.name, i));
      }
    }
    return {};
  }

  Status embedding(ModelArtefact& out) const {
    for (std::size_t i = 0; i < out.embedding.size(); ++i) {
      const double value = static_cast<double>(model_.values[layout_.embedding + i]) * 65536;
      if (magnitude(value) >= kMaxQ16) {
        return fail(ErrorCode::kInvalidArgument,
                    fmt::format("embedding entry {} is beyond 32768, the range of exact-i8", i));
      }
      out.embedding[i] = static_cast<std::int32_t>(round_even(value));
    }
    return {};
  }

  // Gains in Q14; returns the power of two that they were divided by.
  int gains(std::size_t offset, std::vector<std::int16_t>& out) const {
    double top = 0;
    for (std::size_t i = 0; i < out.size(); ++i) {
      top = std::max(top, magnitude(model_.values[offset + i]));
    }
    int halvings = 0;
    double unit = 16384;
    for (; top * unit > INT16_MAX; unit /= 2) ++halvings;
    for (std::size_t i = 0; i < out.size(); ++i) {
      out[i] = static_cast<std::int16_t>(round_even(model_.values[offset + i] * unit));
    }
    return halvings;
  }

  // doublings: of the scales. A row of scale below the smallest exponent becomes zero.
  Status matrix(std::size_t offset, int doublings, QuantMatrix& out) const {
    std::vector<std::int8_t> q(out.cols());
    for (std::uint32_t n = 0; n < out.rows(); ++n) {
      const float* w = model_.values.data() + offset + std::size_t{n} * out.cols();
      double top = 0;
      for (std::uint32_t k = 0; k < out.cols(); ++k) top = std::max(top, magnitude(w[k]));
      exact::SoftScale scale;
      if (top > 0) {
        scale = soft_scale(top / 127);
        scale.e += doublings;
      }
      if (scale.e > kMaxScaleExponent) {
        return fail(ErrorCode::kInvalidArgument, "weights beyond the exponents of exact-i8");
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

  const F32Layout& layout() const { return layout_; }

 private:
  const F32Model& model_;
  F32Layout layout_;
};

}  // namespace

Result<ModelArtefact> quantise_model(const F32Model& model) {
  TRY(validate(model.config));
  const Quantiser from(model);
  const F32Layout& layout = from.layout();
  if (model.values.size() != layout.size) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("the model's shape implies {} parameters, not {}", layout.size,
                            model.values.size()));
  }
  TRY(from.finite());
  ModelArtefact out = empty_artefact(model.config);
  TRY(from.embedding(out));
  for (std::size_t l = 0; l < layout.layers.size(); ++l) {
    const LayerOffsets& at = layout.layers[l];
    LayerWeights& layer = out.layers[l];
    const int attention = from.gains(at.attention_norm, layer.attention_norm);
    TRY(from.matrix(at.qkv, attention, layer.qkv));
    TRY(from.matrix(at.out, 0, layer.out));
    const int mlp = from.gains(at.mlp_norm, layer.mlp_norm);
    TRY(from.matrix(at.gate_up, mlp, layer.gate_up));
    TRY(from.matrix(at.down, 0, layer.down));
  }
  const int final_norm = from.gains(layout.final_norm, out.final_norm);
  TRY(from.matrix(layout.head, final_norm, out.head));
  return out;
}

}  // namespace orrery::gpu
