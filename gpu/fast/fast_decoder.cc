// y = W x + b for all rows at once through Eigen; the rest is written out. With P for the positions
// already cached, row r of an append stands at position P + r and sees the positions up to its own.
#include <Eigen/Core>
#include <cmath>
#include <numbers>

#include "engine/base/ensure.h"
#include "gpu/fast/fast_model.h"

namespace orrery::gpu {
namespace {

using Matrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using View = Eigen::Map<Matrix, 0, Eigen::OuterStride<>>;
using ConstView = Eigen::Map<const Matrix, 0, Eigen::OuterStride<>>;

ConstView view(const float* data, std::size_t rows, std::size_t cols, std::size_t step) {
  return {data, static_cast<Eigen::Index>(rows), static_cast<Eigen::Index>(cols),
          Eigen::OuterStride<>(static_cast<Eigen::Index>(step))};
}
View view(float* data, std::size_t rows, std::size_t cols, std::size_t step) {
  return {data, static_cast<Eigen::Index>(rows), static_cast<Eigen::Index>(cols),
          Eigen::OuterStride<>(static_cast<Eigen::Index>(step))};
}

constexpr float kEpsilon = 1e-5f;
constexpr double kRotaryBase = 10'000;

void round_all(AlignedVector<float>& values) {
  for (float& v : values) v = from_bf16(to_bf16(v));
}

FastModel narrowed(FastModel model) {
  const auto norm = [](FastNorm& n) {
    round_all(n.gain);
    round_all(n.bias);
  };
  const auto linear = [](FastLinear& l) {
    round_all(l.weight);
    round_all(l.bias);
  };
  round_all(model.embedding);
  round_all(model.positions);
  round_all(model.head);
  norm(model.final_norm);
  for (FastLayer& layer : model.layers) {
    norm(layer.attention_norm);
    norm(layer.mlp_norm);
    for (FastLinear* l : {&layer.qkv, &layer.out, &layer.gate_up, &layer.down}) linear(*l);
  }
  return model;
}

float gelu(float x) {  // the tanh form
  const float inner = std::sqrt(2 / std::numbers::pi_v<float>) * (x + 0.044715f * x * x * x);
  return 0.5f * x * (1 + std::tanh(inner));
}

// Softmax of the first `seen` entries; the rest become zero.
void masked_softmax(std::span<float> row, std::size_t seen, float scale) {
  float top = row[0];
  for (std::size_t i = 1; i < seen; ++i) top = std::max(top, row[i]);
  float sum = 0;
  for (std::size_t i = 0; i < seen; ++i) sum += row[i] = std::exp((row[i] - top) * scale);
  for (std::size_t i = 0; i < row.size(); ++i) row[i] = i < seen ? row[i] / sum : 0.0f;
}

}  // namespace

FastDecoder::FastDecoder(const FastModel& model, FastPrecision precision, FastProducts* products)
    : model_(&model), precision_(precision), products_(products) {
  if (precision == FastPrecision::kBf16) {
    narrowed_ = narrowed(model);
    model_ = &narrowed_;
  }
  const std::size_t size = std::size_t{model.config.context} * model.config.dim;
  caches_.resize(model.config.layers);
  for (Cache& cache : caches_) {
    cache.keys.resize(size);
    cache.values.resize(size);
  }
}

void FastDecoder::append(std::span<const std::uint32_t> tokens) {
  const ModelConfig& c = model_->config;
  ENSURE(!tokens.empty() && tokens.size() <= c.context - position_, "tokens fit into the context");
  const std::size_t d = c.dim;
  rows_ = tokens.size();
  std::vector<float> x(rows_ * d), y(rows_ * d);
  AlignedVector<float> wide, narrow;
  for (std::size_t r = 0; r < rows_; ++r) {
    ENSURE(tokens[r] < c.vocab, "a token of the vocabulary");
    for (std::size_t i = 0; i < d; ++i) {
      x[r * d + i] = model_->embedding[tokens[r] * d + i];
      if (c.family == Family::kGpt2) x[r * d + i] += model_->positions[(position_ + r) * d + i];
    }
  }
  rounded(x);
  const std::size_t wide_size = c.family == Family::kGpt2 ? c.hidden : 2 * c.hidden;
  for (std::size_t l = 0; l < model_->layers.size(); ++l) {
    const FastLayer& layer = model_->layers[l];
    norm(layer.attention_norm, x, y);
    apply(layer.qkv, 3 * d, y, wide);
    if (c.family == Family::kLlama) rotate(wide);
    for (std::size_t r = 0; r < rows_; ++r) {
      const auto row = wide.begin() + static_cast<std::ptrdiff_t>(r * 3 * d);
      const auto to = static_cast<std::ptrdiff_t>((position_ + r) * d);
      std::copy_n(row + static_cast<std::ptrdiff_t>(d), d, caches_[l].keys.begin() + to);
      std::copy_n(row + static_cast<std::ptrdiff_t>(2 * d), d, caches_[l].values.begin() + to);
    }
    attend(caches_[l], wide, y);
    apply(layer.out, d, y, narrow);
    add(narrow, x);
    norm(layer.mlp_norm, x, y);
    apply(layer.gate_up, wide_size, y, wide);
    std::vector<float> act(rows_ * c.hidden);
    activate(wide, act);
    apply(layer.down, d, act, narrow);
    add(narrow, x);
  }
  hidden_.resize(rows_ * d);
  norm(model_->final_norm, x, hidden_);
  position_ += static_cast<std::uint32_t>(rows_);
}

std::vector<float> FastDecoder::logits() {
  std::vector<float> out(rows_ * model_->config.vocab);
  multiply(model_->head, hidden_, out);
  return out;
}

void FastDecoder::multiply(std::span<const float> weights, std::span<const float> x,
                           std::span<float> y) {
  const std::size_t inputs = x.size() / rows_, outputs = y.size() / rows_;
  if (products_ == nullptr) {
    view(y.data(), rows_, outputs, outputs).noalias() =
        view(x.data(), rows_, inputs, inputs) *
        view(weights.data(), outputs, inputs, inputs).transpose();
    return;
  }
  if (!status_) return;
  status_ =
      products_->multiply({weights.data(), x.data(), y.data(), static_cast<std::uint32_t>(outputs),
                           static_cast<std::uint32_t>(inputs), static_cast<std::uint32_t>(rows_)});
}

// RMSNorm without, LayerNorm with a bias.
void FastDecoder::norm(const FastNorm& by, std::span<const float> x, std::span<float> y) const {
  const std::size_t d = by.gain.size();
  for (std::size_t r = 0; r < rows_; ++r) {
    const float* in = &x[r * d];
    float* out = &y[r * d];
    float mean = 0, squares = 0;
    if (!by.bias.empty()) {
      for (std::size_t i = 0; i < d; ++i) mean += in[i];
      mean /= static_cast<float>(d);
    }
    for (std::size_t i = 0; i < d; ++i) squares += (in[i] - mean) * (in[i] - mean);
    const float inverse = 1 / std::sqrt(squares / static_cast<float>(d) + kEpsilon);
    for (std::size_t i = 0; i < d; ++i) {
      out[i] = (in[i] - mean) * inverse * by.gain[i] + (by.bias.empty() ? 0.0f : by.bias[i]);
    }
  }
  rounded(y);
}

void FastDecoder::apply(const FastLinear& linear, std::size_t outputs, std::span<const float> x,
                        AlignedVector<float>& y) {
  y.resize(rows_ * outputs);
  multiply(linear.weight, x, y);
  if (!linear.bias.empty()) {
    view(y.data(), rows_, outputs, outputs).rowwise() += Eigen::Map<const Eigen::RowVectorXf>(
        linear.bias.data(), static_cast<Eigen::Index>(outputs));
  }
  rounded(y);
}

// Halves of each head of queries and keys turn against each other: pairs (i, i + half).
void FastDecoder::rotate(std::span<float> qkv) const {
  const ModelConfig& c = model_->config;
  const std::size_t d = c.dim, width = c.head_dim(), half = width / 2;
  for (std::size_t r = 0; r < rows_; ++r) {
    for (std::size_t i = 0; i < half; ++i) {
      const double angle =
          static_cast<double>(position_ + r) *
          std::pow(kRotaryBase, -static_cast<double>(i) / static_cast<double>(half));
      const auto cosine = static_cast<float>(std::cos(angle));
      const auto sine = static_cast<float>(std::sin(angle));
      for (std::size_t head = 0; head < 2 * d; head += width) {
        float& a = qkv[r * 3 * d + head + i];
        float& b = qkv[r * 3 * d + head + i + half];
        const float turned = a * cosine - b * sine;
        b = a * sine + b * cosine;
        a = turned;
      }
    }
  }
  rounded(qkv);
}

void FastDecoder::attend(const Cache& cache, std::span<const float> qkv,
                         std::span<float> out) const {
  const ModelConfig& c = model_->config;
  const std::size_t d = c.dim, width = c.head_dim(), length = position_ + rows_;
  const float scale = 1 / std::sqrt(static_cast<float>(width));
  Matrix weights(static_cast<Eigen::Index>(rows_), static_cast<Eigen::Index>(length));
  for (std::size_t head = 0; head < d; head += width) {
    weights.noalias() = view(qkv.data() + head, rows_, width, 3 * d) *
                        view(cache.keys.data() + head, length, width, d).transpose();
    for (std::size_t r = 0; r < rows_; ++r) {
      masked_softmax({weights.data() + r * length, length}, position_ + r + 1, scale);
    }
    rounded({weights.data(), rows_ * length});
    view(out.data() + head, rows_, width, d).noalias() =
        weights * view(cache.values.data() + head, length, width, d);
  }
  rounded(out);
}

void FastDecoder::activate(std::span<const float> wide, std::span<float> act) const {
  const std::size_t hidden = model_->config.hidden;
  for (std::size_t r = 0; r < rows_; ++r) {
    for (std::size_t i = 0; i < hidden; ++i) {
      if (model_->config.family == Family::kGpt2) {
        act[r * hidden + i] = gelu(wide[r * hidden + i]);
        continue;
      }
      const float gate = wide[r * 2 * hidden + i];
      act[r * hidden + i] = gate / (1 + std::exp(-gate)) * wide[r * 2 * hidden + hidden + i];
    }
  }
  rounded(act);
}

void FastDecoder::add(std::span<const float> y, std::span<float> x) const {
  for (std::size_t i = 0; i < x.size(); ++i) x[i] += y[i];
  rounded(x);
}

void FastDecoder::rounded(std::span<float> values) const {
  if (precision_ != FastPrecision::kBf16) return;
  for (float& v : values) v = from_bf16(to_bf16(v));
}

}  // namespace orrery::gpu
