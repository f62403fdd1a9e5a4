// Reads as gpu/cpu/f32_network.cc does: the same passes in the same order.
#include "gpu/cuda/device_network.h"

#include <algorithm>

#include "engine/base/ensure.h"

namespace orrery::gpu {
namespace {

constexpr std::uint64_t kMostNumbers = std::uint64_t{1} << 31;  // items are counted in 32 bits

template <class T>
ByteView bytes_of(std::span<const T> values) {
  return {reinterpret_cast<const std::uint8_t*>(values.data()), values.size_bytes()};
}
std::span<std::uint8_t> writable_bytes_of(std::span<float> values) {
  return {reinterpret_cast<std::uint8_t*>(values.data()), values.size_bytes()};
}

bodies::Strided<const float> by_rows(const float* data, std::size_t cols) {
  return {data, cols, 1};
}
bodies::Strided<const float> transposed(const float* data, std::size_t cols) {
  return {data, 1, cols};
}
bodies::Strided<float> into(float* data, std::size_t cols) { return {data, cols, 1}; }

}  // namespace

DeviceNetwork::DeviceNetwork(const ModelConfig& config, Accelerator& accelerator)
    : config_(config), layout_(config), accelerator_(accelerator) {
  ENSURE(validate(config).has_value(), "a valid model config");
  const RopeTables tables = make_rope_tables(config.context, config.head_dim() / 2);
  for (const std::int32_t c : tables.cosine) cosine_.push_back(static_cast<float>(c) * 0x1p-30f);
  for (const std::int32_t s : tables.sine) sine_.push_back(static_cast<float>(s) * 0x1p-30f);
}

Result<float> DeviceNetwork::loss(const F32Model& model, const TokenBatch& batch) {
  const std::uint32_t counted = counted_targets(batch, config_);
  TRY(prepare(model, batch));
  forward();
  cross_entropy(1.0f);
  return mean_loss(counted);
}

Result<float> DeviceNetwork::add_gradient(const F32Model& model, const TokenBatch& batch,
                                          float weight, std::span<float> gradient) {
  ENSURE(gradient.size() == layout_.size, "a gradient for each parameter");
  const std::uint32_t counted = counted_targets(batch, config_);
  TRY(prepare(model, batch));
  accelerator_.upload(on_.gradient, bytes_of<float>(gradient));
  forward();
  cross_entropy(weight / static_cast<float>(counted));

  const Linear head{layout_.head, config_.vocab, config_.dim};
  weight_gradient(head, on_.logits, on_.final);
  backward(head, on_.logits, on_.narrow);
  accelerator_.run(bodies::Zeros{rows_ * config_.dim, on_.dstream});
  backward(Norm{layout_.final_norm, on_.stream, on_.final_inverse});
  for (std::size_t l = on_.layers.size(); l-- > 0;) backward_layer(l);
  accelerator_.run(bodies::EmbeddingGradient{on_.dstream, on_.tokens, rows_, config_.dim,
                                             config_.vocab, on_.gradient + layout_.embedding});
  accelerator_.download(writable_bytes_of(gradient), on_.gradient);
  return mean_loss(counted);
}

Status DeviceNetwork::prepare(const F32Model& model, const TokenBatch& batch) {
  ENSURE(model.config == config_ && model.values.size() == layout_.size, "a model of this shape");
  const std::uint64_t rows = std::uint64_t{batch.sequences} * batch.length;
  const std::uint64_t widest = std::max({3 * config_.dim, 2 * config_.hidden, config_.vocab});
  if (rows * std::max(widest, std::uint64_t{config_.heads} * batch.length) > kMostNumbers) {
    return fail(ErrorCode::kUnsupported, "the batch is too large for a device: take fewer texts");
  }
  sequences_ = batch.sequences;
  length_ = batch.length;
  rows_ = static_cast<std::uint32_t>(rows);
  const std::size_t bytes = carve(nullptr);
  if (bytes > arena_bytes_) {
    arena_bytes_ = 0;
    arena_ = Arena();  // first give back, then take
    ASSIGN_OR_RETURN(arena_, Arena::make(accelerator_, bytes));
    arena_bytes_ = bytes;
    carve(arena_.memory());
    accelerator_.upload(on_.cosine, bytes_of<float>(cosine_));
    accelerator_.upload(on_.sine, bytes_of<float>(sine_));
  }
  carve(arena_.memory());
  accelerator_.upload(on_.parameters, bytes_of<float>(model.values));
  accelerator_.upload(on_.tokens, bytes_of(batch.inputs));
  accelerator_.upload(on_.targets, bytes_of(batch.targets));
  return {};
}

std::size_t DeviceNetwork::carve(std::byte* base) {
  Carver carver(base);
  const auto take = [&](std::size_t count) { return carver.take<float>(count); };
  const std::size_t rows = rows_;
  const std::size_t dim = config_.dim;
  const std::size_t hidden = config_.hidden;
  const std::size_t squares = rows * config_.heads * length_;
  on_.cosine = take(cosine_.size());
  on_.sine = take(sine_.size());
  on_.parameters = take(layout_.size);
  on_.gradient = take(layout_.size);
  on_.tokens = carver.take<std::uint32_t>(rows);
  on_.targets = carver.take<std::uint32_t>(rows);
  on_.layers.resize(config_.layers);
  for (Layer& layer : on_.layers) {
    for (float** to : {&layer.input, &layer.norm1, &layer.attended, &layer.middle, &layer.norm2}) {
      *to = take(rows * dim);
    }
    layer.inverse1 = take(rows);
    layer.inverse2 = take(rows);
    layer.qkv = take(rows * 3 * dim);
    layer.weights = take(squares);
    layer.gate_up = take(rows * 2 * hidden);
    layer.act = take(rows * hidden);
  }
  for (float** to : {&on_.stream, &on_.final, &on_.dstream, &on_.narrow}) *to = take(rows * dim);
  on_.final_inverse = take(rows);
  on_.logits = take(rows * config_.vocab);
  on_.losses = take(rows);
  on_.wide = take(rows * std::max(3 * dim, hidden));
  on_.scores = take(squares);
  on_.turned = take(dim * std::max({rows, 3 * dim, 2 * hidden, std::size_t{config_.vocab}}));
  return carver.used();
}

// The mean is made here, in double precision and in the order of rows.
Result<float> DeviceNetwork::mean_loss(std::uint32_t counted) {
  std::vector<float> losses(rows_);
  accelerator_.download(writable_bytes_of(losses), on_.losses);
  TRY(accelerator_.finish());
  double sum = 0;
  for (const float l : losses) sum += l;
  return static_cast<float>(sum / static_cast<double>(counted));
}

void DeviceNetwork::cross_entropy(float weight) {
  accelerator_.run(
      bodies::CrossEntropyRows{on_.targets, rows_, config_.vocab, weight, on_.logits, on_.losses});
}

void DeviceNetwork::forward() {
  float* first = on_.layers.front().input;
  accelerator_.run(bodies::EmbedTokens{on_.parameters + layout_.embedding, on_.tokens, rows_,
                                       config_.dim, first});
  for (std::size_t l = 0; l < on_.layers.size(); ++l) forward_layer(l);
  apply(Norm{layout_.final_norm, on_.stream, on_.final_inverse}, on_.final);
  apply(Linear{layout_.head, config_.vocab, config_.dim}, on_.final, on_.logits);
}

void DeviceNetwork::forward_layer(std::size_t l) {
  const Layer& layer = on_.layers[l];
  const LayerOffsets& at = layout_.layers[l];
  const std::uint32_t dim = config_.dim;
  const std::uint32_t hidden = config_.hidden;
  float* output = l + 1 < on_.layers.size() ? on_.layers[l + 1].input : on_.stream;
  apply(Norm{at.attention_norm, layer.input, layer.inverse1}, layer.norm1);
  apply(Linear{at.qkv, 3 * dim, dim}, layer.norm1, layer.qkv);
  rotate(layer.qkv, 1.0f);
  attention(layer);
  apply(Linear{at.out, dim, dim}, layer.attended, on_.narrow);
  accelerator_.run(bodies::Sum{layer.input, on_.narrow, rows_ * dim, layer.middle});
  apply(Norm{at.mlp_norm, layer.middle, layer.inverse2}, layer.norm2);
  apply(Linear{at.gate_up, 2 * hidden, dim}, layer.norm2, layer.gate_up);
  accelerator_.run(bodies::GateRows{layer.gate_up, rows_, hidden, layer.act});
  apply(Linear{at.down, dim, hidden}, layer.act, on_.narrow);
  accelerator_.run(bodies::Sum{layer.middle, on_.narrow, rows_ * dim, output});
}

void DeviceNetwork::backward_layer(std::size_t l) {
  const Layer& layer = on_.layers[l];
  const LayerOffsets& at = layout_.layers[l];
  const std::uint32_t dim = config_.dim;
  const std::uint32_t hidden = config_.hidden;
  const Linear down{at.down, dim, hidden};
  weight_gradient(down, on_.dstream, layer.act);
  backward(down, on_.dstream, on_.wide);
  accelerator_.run(bodies::GateRowsBackward{on_.wide, rows_, hidden, layer.gate_up});
  const Linear gate_up{at.gate_up, 2 * hidden, dim};
  weight_gradient(gate_up, layer.gate_up, layer.norm2);
  backward(gate_up, layer.gate_up, on_.narrow);
  backward(Norm{at.mlp_norm, layer.middle, layer.inverse2});
  const Linear out{at.out, dim, dim};
  weight_gradient(out, on_.dstream, layer.attended);
  backward(out, on_.dstream, on_.narrow);
  attention_backward(layer);  // narrow -> wide
  rotate(on_.wide, -1.0f);
  const Linear qkv{at.qkv, 3 * dim, dim};
  weight_gradient(qkv, on_.wide, layer.norm1);
  backward(qkv, on_.wide, on_.narrow);
  backward(Norm{at.attention_norm, layer.input, layer.inverse1});
}

void DeviceNetwork::attention(const Layer& layer) {
  const std::size_t dim = config_.dim;
  const std::uint32_t width = config_.head_dim();
  const float scale = 1.0f / sqrt_f32(static_cast<float>(width));
  const std::size_t text = std::size_t{length_} * 3 * dim;
  const std::size_t square = std::size_t{length_} * length_;
  const bodies::Strided<const float> queries{layer.qkv, 3 * dim, 1, text, width};
  const bodies::Strided<const float> keys{layer.qkv + dim, 1, 3 * dim, text, width};  // transposed
  const bodies::Strided<const float> values{layer.qkv + 2 * dim, 3 * dim, 1, text, width};
  const bodies::Strided<float> weights{layer.weights, length_, 1, config_.heads * square, square};
  const bodies::Strided<float> out{layer.attended, dim, 1, length_ * dim, width};
  multiply_heads({length_, length_, width, queries, keys, weights});
  accelerator_.run(
      bodies::AttentionWeights{sequences_ * config_.heads, length_, scale, layer.weights});
  const bodies::Strided<const float> made{layer.weights, length_, 1, config_.heads * square,
                                          square};
  multiply_heads({length_, width, length_, made, values, out});
}

void DeviceNetwork::attention_backward(const Layer& layer) {
  const std::size_t dim = config_.dim;
  const std::uint32_t width = config_.head_dim();
  const float scale = 1.0f / sqrt_f32(static_cast<float>(width));
  const std::size_t text = std::size_t{length_} * 3 * dim;
  const std::size_t square = std::size_t{length_} * length_;
  const std::size_t squares = config_.heads * square;  // of a text
  using Read = bodies::Strided<const float>;
  const Read queries{layer.qkv, 3 * dim, 1, text, width};
  const Read keys{layer.qkv + dim, 3 * dim, 1, text, width};
  const Read values_t{layer.qkv + 2 * dim, 1, 3 * dim, text, width};
  const Read dout{on_.narrow, dim, 1, length_ * dim, width};
  const Read weights_t{layer.weights, 1, length_, squares, square};
  const auto slopes = [&](std::size_t part) {
    return bodies::Strided<float>{on_.wide + part * dim, 3 * dim, 1, text, width};
  };
  multiply_heads(
      {length_, length_, width, dout, values_t, {on_.scores, length_, 1, squares, square}});
  multiply_heads({length_, width, length_, weights_t, dout, slopes(2)});
  accelerator_.run(bodies::AttentionWeightsBackward{layer.weights, sequences_ * config_.heads,
                                                    length_, scale, on_.scores});
  const Read dscores{on_.scores, length_, 1, squares, square};
  const Read dscores_t{on_.scores, 1, length_, squares, square};
  multiply_heads({length_, width, length_, dscores, keys, slopes(0)});
  multiply_heads({length_, width, length_, dscores_t, queries, slopes(1)});
}

void DeviceNetwork::multiply_heads(bodies::F32Products product) {
  product.outer = sequences_;
  product.inner = config_.heads;
  multiply(product);
}

// Neighbouring lanes own neighbouring columns: they read side by side what lies by rows, so that a
// transposed right operand is turned first, which costs little beside the product.
void DeviceNetwork::multiply(bodies::F32Products product) {
  if (product.b.col_step != 1) {
    const std::size_t size = std::size_t{product.k} * product.n;
    const bodies::Strided<float> to{on_.turned, product.n, 1, product.inner * size, size};
    accelerator_.run(
        bodies::StridedCopy{product.k, product.n, product.b, to, product.outer, product.inner});
    product.b = {to.data, to.row_step, to.col_step, to.outer_step, to.inner_step};
  }
  accelerator_.run(product);
}

void DeviceNetwork::apply(const Linear& l, const float* x, float* y) {
  const float* w = on_.parameters + l.at;
  multiply(bodies::F32Products{rows_, l.out, l.in, by_rows(x, l.in), transposed(w, l.in),
                               into(y, l.out)});
}

void DeviceNetwork::backward(const Linear& l, const float* dy, float* dx) {
  const float* w = on_.parameters + l.at;
  multiply(bodies::F32Products{rows_, l.in, l.out, by_rows(dy, l.out), by_rows(w, l.in),
                               into(dx, l.in)});
}

void DeviceNetwork::weight_gradient(const Linear& l, const float* dy, const float* x) {
  multiply(bodies::F32Products{l.out, l.in, rows_, transposed(dy, l.out), by_rows(x, l.in),
                               into(on_.gradient + l.at, l.in), true});
}

void DeviceNetwork::apply(const Norm& norm, float* y) {
  accelerator_.run(
      bodies::NormRows{norm.x, on_.parameters + norm.gain, rows_, config_.dim, y, norm.inverse});
}

void DeviceNetwork::backward(const Norm& norm) {
  const bodies::NormSlopes of{
      norm.x, on_.parameters + norm.gain, norm.inverse, on_.narrow, rows_, config_.dim};
  accelerator_.run(bodies::NormRowsBackward{of, on_.dstream});
  accelerator_.run(bodies::GainGradient{of, on_.gradient + norm.gain});
}

void DeviceNetwork::rotate(float* qkv, float direction) {
  accelerator_.run(bodies::RotateRows{on_.cosine, on_.sine, rows_, length_, config_.dim,
                                      config_.head_dim() / 2, direction, qkv});
}

}  // namespace orrery::gpu
