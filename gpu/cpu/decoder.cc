#include "gpu/cpu/decoder.h"

#include <algorithm>

#include "engine/base/ensure.h"
#include "gpu/api/exact/attention.h"
#include "gpu/api/exact/row.h"

namespace orrery::gpu {
namespace {

using exact::SoftScale;

constexpr std::size_t round_up(std::size_t n, std::size_t unit) {
  return (n + unit - 1) / unit * unit;
}

SoftScale attention_logit_scale(std::uint32_t head_dim) {
  return exact::soft_mul(exact::kLog2E, exact::soft_inverse(exact::soft_sqrt(head_dim)));
}

}  // namespace

Decoder::Decoder(const ModelArtefact& model, Kernel kernel, std::uint32_t capacity)
    : model_(model),
      kernel_(kernel),
      row_ops_(row_kernels(kernel)),
      capacity_(capacity),
      dim_(model.config.dim),
      head_dim_(model.config.head_dim()),
      logit_scale_(attention_logit_scale(head_dim_)) {
  const ModelConfig& c = model.config;
  ENSURE(capacity >= 1 && capacity <= c.context, "the cache fits the model's context");
  const std::size_t rows = std::min(capacity, kMaxBatchRows);
  const std::size_t widest_out = std::max<std::size_t>({3 * dim_, 2 * c.hidden, c.vocab});
  in_stride_ = round_up(std::max<std::size_t>(dim_, c.hidden), QuantMatrix::kGroup);
  out_stride_ = round_up(widest_out, QuantMatrix::kPanel);
  cache_.resize(c.layers);
  for (LayerCache& cache : cache_) {
    cache.keys.resize(capacity * dim_);
    cache.scales.resize(static_cast<std::size_t>(capacity) * c.heads);
    cache.values.resize(capacity * dim_);
  }
  residual_.resize(rows * dim_);
  in_.resize(rows * in_stride_);
  out_.resize(rows * out_stride_);
  q_.resize(rows * in_stride_);
  q_scales_.resize(rows);
  wide_.resize(dim_);
  query_.resize(head_dim_);
  weights_.resize(capacity);
}

void Decoder::append(std::span<const std::uint32_t> tokens, Transcript* transcript) {
  ENSURE(tokens.size() <= capacity_ - position_, "positions left in the cache");
  while (!tokens.empty()) {
    const auto batch = tokens.first(std::min<std::size_t>(tokens.size(), kMaxBatchRows));
    append_batch(batch, transcript);
    tokens = tokens.subspan(batch.size());
  }
}

void Decoder::append_batch(std::span<const std::uint32_t> tokens, Transcript* transcript) {
  rows_ = static_cast<std::uint32_t>(tokens.size());
  for (std::uint32_t r = 0; r < rows_; ++r) {
    ENSURE(tokens[r] < model_.config.vocab, "a token of the model's vocabulary");
    std::copy_n(model_.embedding.data() + tokens[r] * dim_, dim_, residual_row(r));
  }
  for (std::uint32_t l = 0; l < model_.config.layers; ++l) {
    attention_block(model_.layers[l], cache_[l], rows_);
    mlp_block(model_.layers[l], rows_);
    for (std::uint32_t r = 0; transcript != nullptr && r < rows_; ++r) {
      transcript->set({position_ + r, l, tokens[r], {residual_row(r), dim_}});
    }
  }
  position_ += rows_;
}

void Decoder::attention_block(const LayerWeights& weights, LayerCache& cache, std::uint32_t rows) {
  for (std::uint32_t r = 0; r < rows; ++r) quantise_norm(weights.attention_norm, r);
  project(weights.qkv, rows);
  // All keys and values of the batch first: later rows attend to earlier ones.
  for (std::uint32_t r = 0; r < rows; ++r) store_keys_values(cache, r);
  for (std::uint32_t r = 0; r < rows; ++r) attend(cache, r);
  for (std::uint32_t r = 0; r < rows; ++r) quantise_input(static_cast<std::uint32_t>(dim_), r);
  project(weights.out, rows);
  add_to_residual(rows);
}

void Decoder::mlp_block(const LayerWeights& weights, std::uint32_t rows) {
  const std::uint32_t hidden = model_.config.hidden;
  for (std::uint32_t r = 0; r < rows; ++r) quantise_norm(weights.mlp_norm, r);
  project(weights.gate_up, rows);
  for (std::uint32_t r = 0; r < rows; ++r) {
    const std::int32_t* gate = out_row(r);
    clamps_ += row_ops_.gate(gate, gate + hidden, in_row(r), hidden);
    quantise_input(hidden, r);
  }
  project(weights.down, rows);
  add_to_residual(rows);
}

void Decoder::store_keys_values(LayerCache& cache, std::uint32_t row) {
  const std::uint32_t position = position_ + row;
  const std::uint32_t half = head_dim_ / 2;
  const std::int32_t* cosine = model_.rope.cosine.data() + std::size_t{position} * half;
  const std::int32_t* sine = model_.rope.sine.data() + std::size_t{position} * half;
  std::int32_t* query = out_row(row);
  std::int32_t* key = query + dim_;
  const std::int32_t* value = key + dim_;
  for (std::uint32_t h = 0; h < model_.config.heads; ++h) {
    const std::size_t entry = std::size_t{h} * capacity_ + position;
    const std::size_t start = std::size_t{h} * head_dim_;
    exact::rotate_head(query + start, static_cast<std::int32_t>(half), cosine, sine, clamps_);
    exact::rotate_head(key + start, static_cast<std::int32_t>(half), cosine, sine, clamps_);
    cache.scales[entry] = exact::quantise_row(key + start, static_cast<std::int32_t>(head_dim_),
                                              -16, cache.keys.data() + entry * head_dim_);
    std::int16_t* stored = cache.values.data() + entry * head_dim_;
    for (std::uint32_t i = 0; i < head_dim_; ++i) {
      stored[i] = exact::value_q10(value[start + i], clamps_);
    }
  }
}

void Decoder::attend(const LayerCache& cache, std::uint32_t row) {
  HeadInput head{};
  head.query = query_.data();
  head.count = position_ + row + 1;
  head.width = head_dim_;
  head.weights = weights_.data();
  for (std::uint32_t h = 0; h < model_.config.heads; ++h) {
    const std::size_t first = std::size_t{h} * capacity_;
    const std::size_t start = std::size_t{h} * head_dim_;
    const SoftScale scale = row_ops_.quantise(out_row(row) + start, head_dim_, query_.data());
    head.scale = exact::soft_mul(scale, logit_scale_);
    head.keys = cache.keys.data() + first * head_dim_;
    head.key_scales = cache.scales.data() + first;
    head.values = cache.values.data() + first * head_dim_;
    clamps_ += row_ops_.attend(head, in_row(row) + start);
  }
}

void Decoder::quantise_norm(const std::vector<std::int16_t>& gain, std::uint32_t row) {
  q_scales_[row] = row_ops_.norm(residual_row(row), gain.data(), static_cast<std::uint32_t>(dim_),
                                 wide_.data(), q_.data() + row * in_stride_);
}

void Decoder::quantise_input(std::uint32_t width, std::uint32_t row) {
  q_scales_[row] = row_ops_.quantise(in_row(row), width, q_.data() + row * in_stride_);
}

void Decoder::project(const QuantMatrix& matrix, std::uint32_t rows) {
  // Inputs past the matrix's columns meet zero weights, so stale bytes there do not matter.
  multiply(kernel_, matrix, {q_.data(), rows, static_cast<std::uint32_t>(in_stride_)}, out_.data(),
           static_cast<std::uint32_t>(out_stride_));
  for (std::uint32_t r = 0; r < rows; ++r) {
    clamps_ += row_ops_.requantise(out_row(r), matrix.rows(), q_scales_[r], matrix.scales().data());
  }
}

void Decoder::add_to_residual(std::uint32_t rows) {
  for (std::uint32_t r = 0; r < rows; ++r) {
    clamps_ += row_ops_.add(residual_row(r), out_row(r), static_cast<std::uint32_t>(dim_));
  }
}

std::span<const std::int32_t> Decoder::residual() const {
  ENSURE(rows_ > 0, "a token was appended");
  return std::span(residual_).subspan((rows_ - 1) * dim_, dim_);
}

std::span<const std::int32_t> Decoder::logits() {
  ENSURE(rows_ > 0, "a token was appended");
  // The last row of the batch is normalised into the first row of the scratch.
  q_scales_[0] = row_ops_.norm(residual().data(), model_.final_norm.data(),
                               static_cast<std::uint32_t>(dim_), wide_.data(), q_.data());
  project(model_.head, 1);
  return {out_.data(), model_.config.vocab};
}

}  // namespace orrery::gpu
