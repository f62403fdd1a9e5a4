#include "gpu/cpu/batch_decoder.h"

#include <algorithm>

#include "engine/base/ensure.h"
#include "gpu/api/exact/attention.h"
#include "gpu/api/exact/row.h"

namespace orrery::gpu {
namespace {

using exact::SoftScale;

// Outputs of a projection that are multiplied, scaled and added while they are in the cache.
constexpr std::uint32_t kPanelsAtOnce = 8;
// Below this many rows a part would cost more to hand over than to do.
constexpr std::uint32_t kRowsWorthSharing = 2;

constexpr std::size_t round_up(std::size_t n, std::size_t unit) {
  return (n + unit - 1) / unit * unit;
}

SoftScale attention_logit_scale(std::uint32_t head_dim) {
  return exact::soft_mul(exact::kLog2E, exact::soft_inverse(exact::soft_sqrt(head_dim)));
}

}  // namespace

BatchDecoder::BatchDecoder(const ModelArtefact& model, Kernel kernel, const Options& options)
    : model_(model),
      kernel_(kernel),
      ops_(row_kernels(kernel)),
      max_rows_(options.max_rows),
      dim_(model.config.dim),
      head_dim_(model.config.head_dim()),
      gpt2_(model.config.family == Family::kGpt2),
      logit_scale_(attention_logit_scale(head_dim_)),
      parallel_(options.parallel != nullptr ? *options.parallel : serial_) {
  const ModelConfig& c = model.config;
  ENSURE(max_rows_ >= 1, "a step takes at least one row");
  ENSURE(options.max_length >= 1 && options.max_length <= c.context, "a length within the context");
  const std::size_t widest_in = std::max<std::size_t>(dim_, c.hidden);
  in_stride_ = round_up(widest_in, 16);
  q_stride_ = round_up(widest_in, kCacheLine);
  out_stride_ = round_up(std::max<std::size_t>(3 * dim_, 2 * c.hidden), QuantMatrix::kPanel);
  logit_stride_ = round_up(c.vocab, QuantMatrix::kPanel);
  rows_.reserve(max_rows_);
  residual_.resize(max_rows_ * dim_);
  in_.resize(max_rows_ * in_stride_);
  out_.resize(max_rows_ * out_stride_);
  q_.resize(max_rows_ * q_stride_);
  q_scales_.resize(max_rows_);
  scratch_.resize(parallel_.width());
  for (Scratch& s : scratch_) {
    s.wide.resize(dim_);
    s.bytes.resize(2 * round_up(head_dim_, KvLayout::kGroup));
    s.value.resize(head_dim_);
    s.weights.resize(round_up(options.max_length, KvLayout::kKeyPanel));
    s.clamps.resize(max_rows_);
  }
}

void BatchDecoder::step(std::span<const Feed> feeds) {
  begin(feeds);
  for (std::uint32_t l = 0; l < model_.config.layers; ++l) {
    attention_block(l);
    mlp_block(model_.layers[l]);
    std::uint32_t row = 0;
    for (const Feed& feed : feeds) {
      for (std::size_t i = 0; i < feed.tokens.size(); ++i, ++row) {
        if (feed.transcript == nullptr) continue;
        feed.transcript->set({rows_[row].position, l, rows_[row].token, residual(row)});
      }
    }
  }
  std::vector<std::uint32_t> all(rows_.size());
  for (std::uint32_t r = 0; r < all.size(); ++r) all[r] = r;
  collect_clamps(all);
}

void BatchDecoder::begin(std::span<const Feed> feeds) {
  rows_.clear();
  feed_ends_.clear();
  for (const Feed& feed : feeds) {
    ENSURE(!feed.tokens.empty(), "a feed has tokens");
    ENSURE(rows_.size() + feed.tokens.size() <= max_rows_, "rows of one step fit");
    Sequence& sequence = *feed.sequence;
    const auto count = static_cast<std::uint32_t>(feed.tokens.size());
    ENSURE(count <= sequence.cache.capacity() - sequence.length, "positions left in the cache");
    ENSURE(sequence.length + count <= scratch_[0].weights.size(), "a sequence within max_length");
    sequence.cache.reserve(sequence.length + count);
    for (const std::uint32_t token : feed.tokens) {
      ENSURE(token < model_.config.vocab, "a token of the model's vocabulary");
      std::copy_n(model_.embedding.data() + token * dim_, dim_,
                  residual_.data() + rows_.size() * dim_);
      if (gpt2_) {
        scratch_[0].clamps[rows_.size()] += ops_.add(
            residual_.data() + rows_.size() * dim_,
            model_.positions.data() + sequence.length * dim_, static_cast<std::uint32_t>(dim_));
      }
      rows_.push_back({&sequence, sequence.length++, token});
    }
    feed_ends_.push_back(rows());
  }
}

template <class Function>
void BatchDecoder::each_row(std::uint32_t count, Function&& function) {
  if (count < kRowsWorthSharing || parallel_.width() == 1) {
    for (std::uint32_t r = 0; r < count; ++r) function(r, scratch_[0]);
    return;
  }
  parallel_.each_part([&](std::uint32_t part) {
    const PartRange range = part_range(count, part, parallel_.width());
    for (std::uint32_t r = range.begin; r < range.end; ++r) function(r, scratch_[part]);
  });
}

void BatchDecoder::attention_block(std::uint32_t layer) {
  const LayerWeights& weights = model_.layers[layer];
  norm_rows({weights.attention_norm, weights.bias.attention_norm});
  project({weights.qkv, weights.bias.qkv, {out_.data(), out_stride_}, false}, rows());
  // Heads are independent of each other, and so are sequences. Within one, all keys and values of
  // the step are stored first: later rows attend to earlier ones.
  const std::uint32_t heads = model_.config.heads;
  const std::uint32_t items = static_cast<std::uint32_t>(feed_ends_.size()) * heads;
  parallel_.each_part([&](std::uint32_t part) {
    const PartRange range = part_range(items, part, parallel_.width());
    for (std::uint32_t i = range.begin; i < range.end; ++i) {
      attend_head(layer, i / heads, i % heads, scratch_[part]);
    }
  });
  each_row(rows(), [&](std::uint32_t r, Scratch&) {
    q_scales_[r] = ops_.quantise(in_row(r), static_cast<std::uint32_t>(dim_), q_row(r));
  });
  project({weights.out, weights.bias.out, {out_.data(), out_stride_}, true}, rows());
}

void BatchDecoder::mlp_block(const LayerWeights& weights) {
  const std::uint32_t hidden = model_.config.hidden;
  norm_rows({weights.mlp_norm, weights.bias.mlp_norm});
  project({weights.gate_up, weights.bias.gate_up, {out_.data(), out_stride_}, false}, rows());
  each_row(rows(), [&](std::uint32_t r, Scratch& scratch) {
    const std::int32_t* gate = out_row(r);
    if (gpt2_) {
      ops_.gelu(gate, in_row(r), hidden);
    } else {
      scratch.clamps[r] += ops_.gate(gate, gate + hidden, in_row(r), hidden);
    }
    q_scales_[r] = ops_.quantise(in_row(r), hidden, q_row(r));
  });
  project({weights.down, weights.bias.down, {out_.data(), out_stride_}, true}, rows());
}

void BatchDecoder::norm_rows(const Norm& norm) {
  each_row(rows(), [&](std::uint32_t r, Scratch& scratch) { norm_row(norm, r, r, scratch); });
}

void BatchDecoder::norm_row(const Norm& norm, std::uint32_t row, std::uint32_t to,
                            Scratch& scratch) {
  const NormInput input{.x = residual_.data() + row * dim_,
                        .gain = norm.gain.data(),
                        .n = static_cast<std::uint32_t>(dim_),
                        .wide = scratch.wide.data()};
  if (!gpt2_) {
    q_scales_[to] = ops_.norm(input, q_row(to));
    return;
  }
  scratch.clamps[to] += ops_.layer_norm({input, norm.bias.data()}, in_row(to));
  q_scales_[to] = ops_.quantise(in_row(to), input.n, q_row(to));
}

void BatchDecoder::project(const Projection& projection, std::uint32_t rows) {
  parallel_.each_part([&](std::uint32_t part) {
    const PartRange range = part_range(projection.matrix.panels(), part, parallel_.width());
    for (std::uint32_t p = range.begin; p < range.end; p += kPanelsAtOnce) {
      project_part(projection, rows, {p, std::min(p + kPanelsAtOnce, range.end)}, scratch_[part]);
    }
  });
}

void BatchDecoder::project_part(const Projection& projection, std::uint32_t rows, PartRange panels,
                                Scratch& scratch) {
  const auto& [matrix, bias, out, to_residual] = projection;
  multiply(kernel_, matrix, {q_.data(), rows, static_cast<std::uint32_t>(q_stride_)}, panels,
           out.data, static_cast<std::uint32_t>(out.stride));
  const std::uint32_t first = panels.begin * QuantMatrix::kPanel;
  const std::uint32_t n = std::min(panels.end * QuantMatrix::kPanel, matrix.rows()) - first;
  for (std::uint32_t r = 0; r < rows; ++r) {
    std::int32_t* y = out.data + r * out.stride + first;
    std::uint64_t& clamps = scratch.clamps[r];
    clamps += ops_.requantise(
        {.values = y, .n = n, .row = q_scales_[r], .columns = matrix.scales().data() + first});
    if (!bias.empty()) clamps += ops_.add(y, bias.data() + first, n);
    if (to_residual) clamps += ops_.add(residual_.data() + r * dim_ + first, y, n);
  }
}

void BatchDecoder::attend_head(std::uint32_t layer, std::uint32_t feed, std::uint32_t head,
                               Scratch& scratch) {
  const std::uint32_t begin = feed == 0 ? 0 : feed_ends_[feed - 1];
  for (std::uint32_t r = begin; r < feed_ends_[feed]; ++r) store_head(layer, r, head, scratch);
  for (std::uint32_t r = begin; r < feed_ends_[feed]; ++r) attend_row(layer, r, head, scratch);
}

void BatchDecoder::store_head(std::uint32_t layer, std::uint32_t row, std::uint32_t head,
                              Scratch& scratch) {
  const std::uint32_t half = head_dim_ / 2;
  std::int32_t* query = out_row(row) + std::size_t{head} * head_dim_;
  std::int32_t* key = query + dim_;
  const std::int32_t* value = key + dim_;
  std::uint64_t& clamps = scratch.clamps[row];
  if (!gpt2_) {
    const std::size_t angles = std::size_t{rows_[row].position} * half;
    const std::int32_t* cosine = model_.rope.cosine.data() + angles;
    const std::int32_t* sine = model_.rope.sine.data() + angles;
    clamps += ops_.rotate(query, half, cosine, sine);
    clamps += ops_.rotate(key, half, cosine, sine);
  }
  auto* bytes = reinterpret_cast<std::uint8_t*>(scratch.bytes.data());
  const SoftScale scale = ops_.quantise(key, head_dim_, bytes);
  for (std::uint32_t i = 0; i < head_dim_; ++i) {
    bytes[i] ^= 0x80;  // back to int8
    scratch.value[i] = exact::value_q10(value[i], clamps);
  }
  rows_[row].sequence->cache.store(layer, head, rows_[row].position,
                                   {scratch.bytes.data(), scale, scratch.value.data()});
}

void BatchDecoder::attend_row(std::uint32_t layer, std::uint32_t row, std::uint32_t head,
                              Scratch& scratch) {
  const std::size_t start = std::size_t{head} * head_dim_;
  std::fill(scratch.bytes.begin(), scratch.bytes.end(), std::int8_t{0});
  auto* query = reinterpret_cast<std::uint8_t*>(scratch.bytes.data());
  const SoftScale scale = ops_.quantise(out_row(row) + start, head_dim_, query);
  for (std::uint32_t i = 0; i < head_dim_; ++i) query[i] ^= 0x80;
  scratch.clamps[row] += ops_.attend({.query = scratch.bytes.data(),
                                      .scale = exact::soft_mul(scale, logit_scale_),
                                      .cache = rows_[row].sequence->cache.head(layer, head),
                                      .count = rows_[row].position + 1,
                                      .width = head_dim_,
                                      .weights = scratch.weights.data()},
                                     in_row(row) + start);
}

void BatchDecoder::project_logits(std::span<const std::uint32_t> rows) {
  ENSURE(rows.size() <= max_rows_, "logits of at most max_rows rows");
  const auto count = static_cast<std::uint32_t>(rows.size());
  for (const std::uint32_t r : rows) ENSURE(r < rows_.size(), "a row of the last step");
  if (logits_.size() < count * logit_stride_) logits_.resize(count * logit_stride_);
  each_row(count, [&](std::uint32_t i, Scratch& scratch) {
    norm_row({model_.final_norm, model_.final_norm_bias}, rows[i], i, scratch);
  });
  const std::vector<std::int32_t> no_bias;
  project({model_.head, no_bias, {logits_.data(), logit_stride_}, false}, count);
  collect_clamps(rows);
}

void BatchDecoder::collect_clamps(std::span<const std::uint32_t> rows) {
  for (Scratch& scratch : scratch_) {
    for (std::size_t i = 0; i < rows.size(); ++i) {
      rows_[rows[i]].sequence->clamps += scratch.clamps[i];
      scratch.clamps[i] = 0;
    }
  }
}

}  // namespace orrery::gpu
