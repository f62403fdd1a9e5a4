// exact-i8 against the same (dequantised) model in double precision: what quantising activations,
// keys, queries and probabilities costs.
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "engine/base/random.h"
#include "gpu/api/seeded_model.h"
#include "gpu/cpu/decoder.h"

namespace orrery::gpu {
namespace {

using Real = std::vector<double>;

double real(exact::SoftScale s) { return std::ldexp(static_cast<double>(s.m), s.e); }

Real times(const QuantMatrix& matrix, const Real& x) {
  Real y(matrix.rows());
  for (std::uint32_t n = 0; n < matrix.rows(); ++n) {
    for (std::uint32_t k = 0; k < matrix.cols(); ++k) y[n] += matrix.at(n, k) * x[k];
    y[n] *= real(matrix.scales()[n]);
  }
  return y;
}

Real norm(const Real& x, const std::vector<std::int16_t>& gain) {
  double squares = 0;
  for (double v : x) squares += v * v;
  const double inverse = 1 / std::sqrt(squares / static_cast<double>(x.size()) + 1e-5);
  Real y(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) y[i] = x[i] * inverse * gain[i] / 16384.0;
  return y;
}

class RealDecoder {
 public:
  explicit RealDecoder(const ModelArtefact& model)
      : model_(model), keys_(model.config.layers), values_(model.config.layers) {}

  Real append(std::uint32_t token) {
    const ModelConfig& c = model_.config;
    Real x(c.dim);
    for (std::uint32_t i = 0; i < c.dim; ++i) x[i] = model_.embedding[token * c.dim + i] / 65536.0;
    for (std::uint32_t l = 0; l < c.layers; ++l) {
      const LayerWeights& w = model_.layers[l];
      add(x, times(w.out, attend(l, times(w.qkv, norm(x, w.attention_norm)))));
      Real gate_up = times(w.gate_up, norm(x, w.mlp_norm));
      for (std::uint32_t i = 0; i < c.hidden; ++i) {
        gate_up[i] *= gate_up[c.hidden + i] / (1 + std::exp(-gate_up[i]));
      }
      gate_up.resize(c.hidden);
      add(x, times(w.down, gate_up));
    }
    ++position_;
    return times(model_.head, norm(x, model_.final_norm));
  }

 private:
  static void add(Real& x, const Real& y) {
    for (std::size_t i = 0; i < x.size(); ++i) x[i] += y[i];
  }

  void rotate(double* x) const {
    const std::uint32_t half = model_.config.head_dim() / 2;
    for (std::uint32_t i = 0; i < half; ++i) {
      const double angle = position_ * std::pow(10000.0, -static_cast<double>(i) / half);
      const double a = x[i];
      const double b = x[i + half];
      x[i] = a * std::cos(angle) - b * std::sin(angle);
      x[i + half] = a * std::sin(angle) + b * std::cos(angle);
    }
  }

  Real attend(std::uint32_t layer, Real qkv) {
    const std::uint32_t d = model_.config.dim;
    const std::uint32_t width = model_.config.head_dim();
    for (std::uint32_t start = 0; start < 2 * d; start += width) rotate(qkv.data() + start);
    keys_[layer].emplace_back(qkv.begin() + d, qkv.begin() + 2 * d);
    values_[layer].emplace_back(qkv.begin() + 2 * d, qkv.end());
    Real out(d);
    for (std::uint32_t start = 0; start < d; start += width) {
      double sum = 0;
      Real head(width);
      for (std::size_t t = 0; t < keys_[layer].size(); ++t) {
        double dot = 0;
        for (std::uint32_t i = 0; i < width; ++i)
          dot += qkv[start + i] * keys_[layer][t][start + i];
        const double weight = std::exp(dot / std::sqrt(static_cast<double>(width)));
        sum += weight;
        for (std::uint32_t i = 0; i < width; ++i) head[i] += weight * values_[layer][t][start + i];
      }
      for (std::uint32_t i = 0; i < width; ++i) out[start + i] = head[i] / sum;
    }
    return out;
  }

  const ModelArtefact& model_;
  std::vector<std::vector<Real>> keys_;
  std::vector<std::vector<Real>> values_;
  std::uint32_t position_ = 0;
};

// Relative rms error of the logits over a random sequence.
double logit_error(const ModelConfig& config, std::uint64_t seed) {
  const ModelArtefact model = make_seeded_model(config, seed);
  Decoder decoder(model, Kernel::kPortable, config.context);
  RealDecoder reference(model);
  RandomStream random(seed, 0, stream_id("tokens"));
  double error = 0;
  double size = 0;
  for (std::uint32_t i = 0; i < config.context; ++i) {
    const auto token = static_cast<std::uint32_t>(random.below(kByteVocab));
    decoder.append({&token, 1}, nullptr);
    const Real want = reference.append(token);
    const auto got = decoder.logits();
    for (std::size_t n = 0; n < want.size(); ++n) {
      error += std::pow(got[n] / 65536.0 - want[n], 2);
      size += want[n] * want[n];
    }
  }
  EXPECT_EQ(decoder.clamps(), 0u);
  return std::sqrt(error / size);
}

// Random weights have no margin and amplify noise from layer to layer; measured 2.3 % and 5.6 %.
TEST(Accuracy, LogitsStayNearTheDoublePrecisionModel) {
  const double shallow = logit_error({64, 192, 2, 4, 48}, 1);
  const double deep = logit_error({96, 256, 6, 6, 48}, 2);
  RecordProperty("shallow_ppm", static_cast<int>(shallow * 1e6));
  RecordProperty("deep_ppm", static_cast<int>(deep * 1e6));
  EXPECT_LT(shallow, 0.03) << shallow;
  EXPECT_LT(deep, 0.07) << deep;
}

}  // namespace
}  // namespace orrery::gpu
