#include "gpu/cpu/layer_check.h"

#include "engine/base/ensure.h"
#include "gpu/api/exact/attention.h"
#include "gpu/api/exact/row.h"
#include "gpu/cpu/layer_ops.h"

namespace orrery::gpu {
namespace {

using ops::QuantRow;
using ops::Row;

// Rows of a product, side by side, and what they were multiplied to.
class Product {
 public:
  Product(const ops::Projection& projection, const std::vector<std::int32_t>& accumulators)
      : projection_(projection), accumulators_(accumulators) {}

  // The next row of the output in Q16, from the worker's accumulators.
  Row next(const QuantRow& in) {
    rows_.insert(rows_.end(), in.q.begin(), in.q.end());
    return ops::from_products(
        projection_, in.scale,
        accumulators_.data() + std::size_t{count_++} * projection_.matrix.rows());
  }
  bool holds(const FreivaldsKey& key) const {
    const QuantMatrix& matrix = projection_.matrix;
    return key.accepts({rows_.data(), matrix.cols(), accumulators_.data(), matrix.rows(), count_});
  }

 private:
  const ops::Projection projection_;
  const std::vector<std::int32_t>& accumulators_;
  std::vector<std::int8_t> rows_;
  std::uint32_t count_ = 0;
};

// Keys and values of the positions so far: each key is quantised once.
class Heads {
 public:
  explicit Heads(const ModelArtefact& model)
      : model_(model),
        scale_(exact::soft_mul(exact::kLog2E,
                               exact::soft_inverse(exact::soft_sqrt(model.config.head_dim())))) {}

  // Adds the rotated row of the next position and returns what its heads make of all so far.
  Row next(const Row& rotated) {
    const std::size_t dim = model_.config.dim, width = model_.config.head_dim();
    std::uint64_t clamps = 0;
    keys_.resize(keys_.size() + dim);
    for (std::size_t start = 0; start < dim; start += width) {
      scales_.push_back(exact::quantise_row(rotated.data() + dim + start,
                                            static_cast<std::int32_t>(width), -16,
                                            keys_.data() + keys_.size() - dim + start));
    }
    for (std::size_t i = 0; i < dim; ++i) {
      values_.push_back(exact::value_q10(rotated[2 * dim + i], clamps));
    }
    ++positions_;
    Row out(dim);
    for (std::uint32_t head = 0; head < model_.config.heads; ++head) attend(rotated, head, out);
    return out;
  }

 private:
  void attend(const Row& rotated, std::size_t head, Row& out) {
    const std::size_t dim = model_.config.dim, width = model_.config.head_dim();
    const std::size_t start = head * width;
    std::vector<std::int8_t> query(width);
    const exact::SoftScale scale =
        exact::soft_mul(exact::quantise_row(rotated.data() + start,
                                            static_cast<std::int32_t>(width), -16, query.data()),
                        scale_);
    std::uint64_t clamps = 0;
    weights_.resize(positions_);
    for (std::size_t t = 0; t < positions_; ++t) {
      const std::int8_t* key = keys_.data() + t * dim + start;
      std::int32_t dot = 0;
      for (std::size_t i = 0; i < width; ++i) dot += query[i] * key[i];
      weights_[t] = exact::saturate32(
          exact::requantise(dot, scale, scales_[t * model_.config.heads + head]), clamps);
    }
    const std::int32_t total = exact::softmax_q15(
        weights_.data(), static_cast<std::int32_t>(positions_), exact::exp2_table());
    for (std::size_t t = 0; t < positions_; ++t) {
      const auto* value = values_.data() + t * dim + start;
      for (std::size_t i = 0; i < width; ++i) out[start + i] += weights_[t] * value[i];
    }
    for (std::size_t i = 0; i < width; ++i) {
      out[start + i] = exact::weighted_mean(out[start + i], total);
    }
  }

  const ModelArtefact& model_;
  const exact::SoftScale scale_;  // log2(e) / sqrt(width)
  std::vector<std::int8_t> keys_;
  std::vector<exact::SoftScale> scales_;  // position, head
  std::vector<std::int16_t> values_;
  std::vector<std::int32_t> weights_;
  std::size_t positions_ = 0;
};

void multiply(const ops::Projection& projection, const QuantRow& in,
              std::vector<std::int32_t>& out) {
  const QuantMatrix& matrix = projection.matrix;
  for (std::uint32_t n = 0; n < matrix.rows(); ++n) {
    std::int32_t acc = 0;
    for (std::uint32_t k = 0; k < matrix.cols(); ++k) acc += in.q[k] * matrix.at(n, k);
    out.push_back(acc);
  }
}

Row last(const ops::Projection& projection, const QuantRow& in,
         const std::vector<std::int32_t>& products) {
  return ops::from_products(projection, in.scale,
                            products.data() + products.size() - projection.matrix.rows());
}

}  // namespace

LayerProducts layer_products(const ModelArtefact& model, std::uint32_t layer, LayerInput input) {
  ENSURE(layer < model.config.layers, "a layer of the model");
  const ops::Layer w(model.layers[layer]);
  LayerProducts made;
  Heads heads(model);
  for (std::uint32_t p = 0; p < input.size(); ++p) {
    const QuantRow in = ops::norm(input[p], w.attention_norm);
    multiply(w.qkv, in, made.qkv);
    const QuantRow attended =
        ops::quantise(heads.next(ops::rotate(model, last(w.qkv, in, made.qkv), p)));
    multiply(w.out, attended, made.out);
    const Row middle = ops::add(input[p], last(w.out, attended, made.out));
    const QuantRow mlp = ops::norm(middle, w.mlp_norm);
    multiply(w.gate_up, mlp, made.gate_up);
    multiply(w.down, ops::quantise(ops::act(model, last(w.gate_up, mlp, made.gate_up))), made.down);
  }
  return made;
}

LayerCheck::LayerCheck(const ModelArtefact& model, std::uint32_t layer, std::uint64_t secret)
    : model_(model),
      layer_(layer),
      qkv_(model.layers[layer].qkv, secret),
      out_(model.layers[layer].out, secret + 1),
      gate_up_(model.layers[layer].gate_up, secret + 2),
      down_(model.layers[layer].down, secret + 3) {}

bool LayerCheck::accepts(LayerInput input, const LayerProducts& products, LayerInput output) const {
  const ops::Layer w(model_.layers[layer_]);
  const std::size_t n = input.size();
  const auto fits = [&](const ops::Projection& of, const std::vector<std::int32_t>& made) {
    return made.size() == n * of.matrix.rows();
  };
  if (output.size() != n || !fits(w.qkv, products.qkv) || !fits(w.out, products.out) ||
      !fits(w.gate_up, products.gate_up) || !fits(w.down, products.down)) {
    return false;
  }
  Product qkv(w.qkv, products.qkv), out(w.out, products.out);
  Product gate_up(w.gate_up, products.gate_up), down(w.down, products.down);
  Heads heads(model_);
  for (std::uint32_t p = 0; p < n; ++p) {
    const Row rotated = ops::rotate(model_, qkv.next(ops::norm(input[p], w.attention_norm)), p);
    const Row middle = ops::add(input[p], out.next(ops::quantise(heads.next(rotated))));
    const Row act = ops::act(model_, gate_up.next(ops::norm(middle, w.mlp_norm)));
    if (ops::add(middle, down.next(ops::quantise(act))) != output[p]) return false;
  }
  return qkv.holds(qkv_) && out.holds(out_) && gate_up.holds(gate_up_) && down.holds(down_);
}

}  // namespace orrery::gpu
