#include "gpu/cpu/f32_network.h"

#include <algorithm>

#include "engine/base/ensure.h"
#include "gpu/api/f32_rows.h"

namespace orrery::gpu {
namespace {

constexpr exact::Solo kSolo;  // a row is one lane's

std::int32_t row_length(std::size_t n) { return static_cast<std::int32_t>(n); }

void gate_row(const float* __restrict gate_up, std::size_t n, float* __restrict act) {
  for (std::size_t i = 0; i < n; ++i) act[i] = gate_forward(gate_up[i], gate_up[n + i]);
}

void gate_row_backward(const float* __restrict dact, std::size_t n, float* __restrict gate_up) {
  float* __restrict up = gate_up + n;
  for (std::size_t i = 0; i < n; ++i) gate_backward(dact[i], gate_up[i], up[i]);
}

}  // namespace

F32Network::F32Network(const ModelConfig& config, Kernel kernel, Parallel* parallel,
                       std::size_t share_from)
    : config_(config),
      layout_(config),
      parallel_(parallel != nullptr ? *parallel : serial_),
      share_from_(share_from),
      gemm_(kernel, &parallel_, share_from),
      scratch_(parallel_.width()),
      layers_(config.layers) {
  ENSURE(validate(config).has_value(), "a valid model config");
  for (Scratch& s : scratch_) s.gemm = std::make_unique<F32Gemm>(kernel);
  const RopeTables tables = make_rope_tables(config.context, config.head_dim() / 2);
  for (const std::int32_t c : tables.cosine) cosine_.push_back(static_cast<float>(c) * 0x1p-30f);
  for (const std::int32_t s : tables.sine) sine_.push_back(static_cast<float>(s) * 0x1p-30f);
}

// An element of a row costs about ten multiply-adds.
template <class Function>
void F32Network::each_row(Function&& function) {
  Parallel& parallel = 10 * rows_ * config_.hidden < share_from_ ? serial_ : parallel_;
  parallel.each_part([&](std::uint32_t part) {
    const PartRange mine = part_range(static_cast<std::uint32_t>(rows_), part, parallel.width());
    for (std::size_t r = mine.begin; r < mine.end; ++r) function(r);
  });
}

template <class Function>
void F32Network::each_head(Function&& function) {
  const std::uint32_t items = sequences_ * config_.heads;
  const std::size_t work = rows_ * length_ * config_.dim;
  Parallel& parallel = work < share_from_ ? serial_ : parallel_;
  parallel.each_part([&](std::uint32_t part) {
    const PartRange mine = part_range(items, part, parallel.width());
    for (std::uint32_t i = mine.begin; i < mine.end; ++i) {
      function(i / config_.heads, i % config_.heads, scratch_[part]);
    }
  });
}

float F32Network::loss(const F32Model& model, const TokenBatch& batch) {
  const std::uint32_t counted = forward(model, batch);
  std::vector<float> copy(config_.vocab);
  double sum = 0;
  for (std::size_t r = 0; r < rows_; ++r) {
    if (batch.targets[r] == kNoTarget) continue;
    std::copy_n(logits_.begin() + static_cast<std::ptrdiff_t>(r * config_.vocab), config_.vocab,
                copy.begin());
    sum += cross_entropy(kSolo, {row_length(config_.vocab), batch.targets[r], 1.0f}, copy.data());
  }
  return static_cast<float>(sum / static_cast<double>(counted));
}

float F32Network::gradient(const F32Model& model, const TokenBatch& batch, float weight,
                           std::span<float> gradient) {
  ENSURE(gradient.size() == layout_.size, "a gradient for each parameter");
  const std::uint32_t counted = forward(model, batch);
  const float share = weight / static_cast<float>(counted);
  std::vector<float> losses(rows_);
  each_row([&](std::size_t r) {
    float* row = logits_.data() + r * config_.vocab;
    if (batch.targets[r] == kNoTarget) {
      std::fill_n(row, config_.vocab, 0.0f);
    } else {
      losses[r] = cross_entropy(kSolo, {row_length(config_.vocab), batch.targets[r], share}, row);
    }
  });
  double sum = 0;
  for (const float l : losses) sum += l;

  const std::size_t dim = config_.dim;
  const Linear head{model.values.data() + layout_.head, config_.vocab, dim};
  weight_gradient(head, logits_.data(), final_.data(), gradient.data() + layout_.head);
  backward(head, logits_.data(), dnarrow_.data());
  std::fill(dstream_.begin(), dstream_.end(), 0.0f);
  norm_backward({stream_.data(), final_inverse_.data(), model.values.data() + layout_.final_norm},
                gradient.data() + layout_.final_norm);
  for (std::size_t l = layers_.size(); l-- > 0;) backward_layer(model, l, gradient);
  for (std::size_t r = 0; r < rows_; ++r) {
    float* row = gradient.data() + layout_.embedding + batch.inputs[r] * dim;
    for (std::size_t i = 0; i < dim; ++i) row[i] += dstream_[r * dim + i];
  }
  return static_cast<float>(sum / static_cast<double>(counted));
}

void F32Network::resize(const TokenBatch& batch) {
  sequences_ = batch.sequences;
  length_ = batch.length;
  rows_ = std::size_t{sequences_} * length_;
  const std::size_t dim = config_.dim;
  const std::size_t hidden = config_.hidden;
  for (Layer& layer : layers_) {
    for (auto* v : {&layer.input, &layer.norm1, &layer.attended, &layer.middle, &layer.norm2}) {
      v->resize(rows_ * dim);
    }
    layer.inverse1.resize(rows_);
    layer.inverse2.resize(rows_);
    layer.qkv.resize(rows_ * 3 * dim);
    layer.weights.resize(std::size_t{sequences_} * config_.heads * length_ * length_);
    layer.gate_up.resize(rows_ * 2 * hidden);
    layer.act.resize(rows_ * hidden);
  }
  for (auto* v : {&stream_, &final_, &dstream_, &dnarrow_}) v->resize(rows_ * dim);
  final_inverse_.resize(rows_);
  logits_.resize(rows_ * config_.vocab);
  dwide_.resize(rows_ * std::max(3 * dim, 2 * hidden));
  for (Scratch& s : scratch_) s.scores.resize(std::size_t{length_} * length_);
}

std::uint32_t F32Network::forward(const F32Model& model, const TokenBatch& batch) {
  ENSURE(model.config == config_ && model.values.size() == layout_.size, "a model of this shape");
  const std::uint32_t counted = counted_targets(batch, config_);
  resize(batch);
  const std::size_t dim = config_.dim;
  for (std::size_t r = 0; r < rows_; ++r) {
    std::copy_n(model.values.data() + layout_.embedding + batch.inputs[r] * dim, dim,
                stream_.data() + r * dim);
  }
  for (std::size_t l = 0; l < layers_.size(); ++l) forward_layer(model, l);
  const float* gain = model.values.data() + layout_.final_norm;
  each_row([&](std::size_t r) {
    final_inverse_[r] = rms_norm(kSolo, &stream_[r * dim], gain, row_length(dim), &final_[r * dim]);
  });
  apply({model.values.data() + layout_.head, config_.vocab, dim}, final_.data(), logits_.data());
  return counted;
}

void F32Network::forward_layer(const F32Model& model, std::size_t l) {
  Layer& layer = layers_[l];
  const LayerOffsets& at = layout_.layers[l];
  const float* w = model.values.data();
  const std::size_t dim = config_.dim;
  const std::size_t hidden = config_.hidden;
  layer.input = stream_;
  each_row([&](std::size_t r) {
    layer.inverse1[r] = rms_norm(kSolo, &layer.input[r * dim], w + at.attention_norm,
                                 row_length(dim), &layer.norm1[r * dim]);
  });
  apply({w + at.qkv, 3 * dim, dim}, layer.norm1.data(), layer.qkv.data());
  rotate(layer.qkv.data(), 1.0f);
  attention(layer);
  apply({w + at.out, dim, dim}, layer.attended.data(), dnarrow_.data());
  each_row([&](std::size_t r) {
    for (std::size_t i = r * dim; i < (r + 1) * dim; ++i) {
      layer.middle[i] = layer.input[i] + dnarrow_[i];
    }
    layer.inverse2[r] = rms_norm(kSolo, &layer.middle[r * dim], w + at.mlp_norm, row_length(dim),
                                 &layer.norm2[r * dim]);
  });
  apply({w + at.gate_up, 2 * hidden, dim}, layer.norm2.data(), layer.gate_up.data());
  each_row([&](std::size_t r) {
    gate_row(&layer.gate_up[r * 2 * hidden], hidden, &layer.act[r * hidden]);
  });
  apply({w + at.down, dim, hidden}, layer.act.data(), dnarrow_.data());
  each_row([&](std::size_t r) {
    for (std::size_t i = r * dim; i < (r + 1) * dim; ++i) {
      stream_[i] = layer.middle[i] + dnarrow_[i];
    }
  });
}

void F32Network::backward_layer(const F32Model& model, std::size_t l, std::span<float> gradient) {
  Layer& layer = layers_[l];
  const LayerOffsets& at = layout_.layers[l];
  const float* w = model.values.data();
  float* g = gradient.data();
  const std::size_t dim = config_.dim;
  const std::size_t hidden = config_.hidden;
  const Linear down{w + at.down, dim, hidden};
  weight_gradient(down, dstream_.data(), layer.act.data(), g + at.down);
  backward(down, dstream_.data(), dwide_.data());
  each_row([&](std::size_t r) {
    gate_row_backward(&dwide_[r * hidden], hidden, &layer.gate_up[r * 2 * hidden]);
  });
  const Linear gate_up{w + at.gate_up, 2 * hidden, dim};
  weight_gradient(gate_up, layer.gate_up.data(), layer.norm2.data(), g + at.gate_up);
  backward(gate_up, layer.gate_up.data(), dnarrow_.data());
  norm_backward({layer.middle.data(), layer.inverse2.data(), w + at.mlp_norm}, g + at.mlp_norm);
  const Linear out{w + at.out, dim, dim};
  weight_gradient(out, dstream_.data(), layer.attended.data(), g + at.out);
  backward(out, dstream_.data(), dnarrow_.data());
  attention_backward(layer);  // dnarrow_ -> dwide_
  rotate(dwide_.data(), -1.0f);
  const Linear qkv{w + at.qkv, 3 * dim, dim};
  weight_gradient(qkv, dwide_.data(), layer.norm1.data(), g + at.qkv);
  backward(qkv, dwide_.data(), dnarrow_.data());
  norm_backward({layer.input.data(), layer.inverse1.data(), w + at.attention_norm},
                g + at.attention_norm);
}

void F32Network::norm_backward(const Norm& norm, float* __restrict dgain) {
  const std::size_t dim = config_.dim;
  for (std::size_t r = 0; r < rows_; ++r) {
    const float* x = norm.x + r * dim;
    const float* dy = dnarrow_.data() + r * dim;
    rms_norm_backward(kSolo, {x, norm.gain, norm.inverse[r], dy}, row_length(dim),
                      dstream_.data() + r * dim);
    for (std::size_t i = 0; i < dim; ++i) dgain[i] += gain_slope(dy[i], x[i], norm.inverse[r]);
  }
}

void F32Network::rotate(float* qkv, float direction) {
  const std::size_t dim = config_.dim;
  const std::size_t half = config_.head_dim() / 2;
  each_row([&](std::size_t r) {
    const std::size_t angles = r % length_ * half;
    const float* cosine = &cosine_[angles];
    const float* sine = &sine_[angles];
    float* row = qkv + r * 3 * dim;
    for (std::size_t x = 0; x < 2 * dim; x += 2 * half) {
      float* __restrict pairs = row + x;
      for (std::size_t i = 0; i < half; ++i) {
        rotate_pair(cosine[i], sine[i] * direction, pairs[i], pairs[i + half]);
      }
    }
  });
}

void F32Network::attention(Layer& layer) {
  const std::size_t dim = config_.dim;
  const std::size_t width = config_.head_dim();
  const float scale = 1.0f / __builtin_sqrtf(static_cast<float>(width));
  each_head([&](std::uint32_t sequence, std::uint32_t head, Scratch& scratch) {
    const float* q = layer.qkv.data() + std::size_t{sequence} * length_ * 3 * dim + head * width;
    const MatrixView keys{q + dim, 1, 3 * dim};  // transposed
    const MatrixView values{q + 2 * dim, 3 * dim, 1};
    const std::size_t square = std::size_t{length_} * length_;
    float* p = layer.weights.data() + (std::size_t{sequence} * config_.heads + head) * square;
    scratch.gemm->multiply({length_, length_, width, {q, 3 * dim, 1}, keys, p, length_, false});
    for (std::size_t t = 0; t < length_; ++t) {
      masked_softmax(kSolo, {row_length(t + 1), row_length(length_), scale}, p + t * length_);
    }
    float* out = layer.attended.data() + std::size_t{sequence} * length_ * dim + head * width;
    scratch.gemm->multiply({length_, width, length_, by_rows(p, length_), values, out, dim, false});
  });
}

void F32Network::attention_backward(Layer& layer) {
  const std::size_t dim = config_.dim;
  const std::size_t width = config_.head_dim();
  const float scale = 1.0f / __builtin_sqrtf(static_cast<float>(width));
  each_head([&](std::uint32_t sequence, std::uint32_t head, Scratch& scratch) {
    const std::size_t first = std::size_t{sequence} * length_;
    const float* q = layer.qkv.data() + first * 3 * dim + head * width;
    const float* dout = dnarrow_.data() + first * dim + head * width;
    float* dq = dwide_.data() + first * 3 * dim + head * width;
    const std::size_t square = std::size_t{length_} * length_;
    const float* p = layer.weights.data() + (std::size_t{sequence} * config_.heads + head) * square;
    float* ds = scratch.scores.data();
    F32Gemm& gemm = *scratch.gemm;
    gemm.multiply(
        {length_, length_, width, {dout, dim, 1}, {q + 2 * dim, 1, 3 * dim}, ds, length_, false});
    gemm.multiply({length_,
                   width,
                   length_,
                   transposed(p, length_),
                   {dout, dim, 1},
                   dq + 2 * dim,
                   3 * dim,
                   false});
    for (std::size_t t = 0; t < length_; ++t) {
      softmax_backward(kSolo, {row_length(t + 1), row_length(length_), scale}, p + t * length_,
                       ds + t * length_);
    }
    gemm.multiply(
        {length_, width, length_, by_rows(ds, length_), {q + dim, 3 * dim, 1}, dq, 3 * dim, false});
    gemm.multiply({length_,
                   width,
                   length_,
                   transposed(ds, length_),
                   {q, 3 * dim, 1},
                   dq + dim,
                   3 * dim,
                   false});
  });
}

void F32Network::apply(const Linear& l, const float* x, float* y) {
  gemm_.multiply({rows_, l.out, l.in, by_rows(x, l.in), transposed(l.w, l.in), y, l.out, false});
}

void F32Network::backward(const Linear& l, const float* dy, float* dx) {
  gemm_.multiply({rows_, l.in, l.out, by_rows(dy, l.out), by_rows(l.w, l.in), dx, l.in, false});
}

void F32Network::weight_gradient(const Linear& l, const float* dy, const float* x, float* dw) {
  gemm_.multiply({l.out, l.in, rows_, transposed(dy, l.out), by_rows(x, l.in), dw, l.in, true});
}

}  // namespace orrery::gpu
