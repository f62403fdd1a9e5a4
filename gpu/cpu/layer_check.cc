#include "gpu/cpu/layer_check.h"

#include "engine/base/ensure.h"
#include "gpu/cpu/layer_ops.h"

namespace orrery::gpu {
namespace {

using ops::QuantRow;
using ops::Row;

// Rows of a product, side by side, and what they were multiplied to.
class Product {
 public:
  Product(const QuantMatrix& matrix, const std::vector<std::int32_t>& accumulators)
      : matrix_(matrix), accumulators_(accumulators) {}

  // The next row of the output in Q16, from the worker's accumulators.
  Row next(const QuantRow& in) {
    rows_.insert(rows_.end(), in.q.begin(), in.q.end());
    return ops::from_products(matrix_, in.scale,
                              accumulators_.data() + std::size_t{count_++} * matrix_.rows());
  }
  bool holds(const FreivaldsKey& key) const {
    return key.accepts(
        {rows_.data(), matrix_.cols(), accumulators_.data(), matrix_.rows(), count_});
  }

 private:
  const QuantMatrix& matrix_;
  const std::vector<std::int32_t>& accumulators_;
  std::vector<std::int8_t> rows_;
  std::uint32_t count_ = 0;
};

void multiply(const QuantMatrix& matrix, const QuantRow& in, std::vector<std::int32_t>& out) {
  for (std::uint32_t n = 0; n < matrix.rows(); ++n) {
    std::int32_t acc = 0;
    for (std::uint32_t k = 0; k < matrix.cols(); ++k) acc += in.q[k] * matrix.at(n, k);
    out.push_back(acc);
  }
}

Row last(const QuantMatrix& matrix, const QuantRow& in, const std::vector<std::int32_t>& products) {
  return ops::from_products(matrix, in.scale, products.data() + products.size() - matrix.rows());
}

}  // namespace

LayerProducts layer_products(const ModelArtefact& model, std::uint32_t layer, LayerInput input) {
  ENSURE(model.config.family == Family::kLlama && layer < model.config.layers, "a Llama layer");
  const LayerWeights& w = model.layers[layer];
  LayerProducts made;
  std::vector<Row> rotated;
  for (std::uint32_t p = 0; p < input.size(); ++p) {
    const QuantRow in = ops::norm(input[p], w.attention_norm);
    multiply(w.qkv, in, made.qkv);
    rotated.push_back(ops::rotate(model, last(w.qkv, in, made.qkv), p));
    const QuantRow heads = ops::quantise(ops::attend(model, rotated));
    multiply(w.out, heads, made.out);
    const Row middle = ops::add(input[p], last(w.out, heads, made.out));
    const QuantRow mlp = ops::norm(middle, w.mlp_norm);
    multiply(w.gate_up, mlp, made.gate_up);
    multiply(w.down, ops::quantise(ops::act(last(w.gate_up, mlp, made.gate_up))), made.down);
  }
  return made;
}

LayerCheck::LayerCheck(const ModelArtefact& model, std::uint32_t layer, std::uint64_t secret)
    : model_(model),
      layer_(layer),
      qkv_(model.layers[layer].qkv, secret),
      out_(model.layers[layer].out, secret + 1),
      gate_up_(model.layers[layer].gate_up, secret + 2),
      down_(model.layers[layer].down, secret + 3) {
  ENSURE(model.config.family == Family::kLlama, "a Llama model");
}

bool LayerCheck::accepts(LayerInput input, const LayerProducts& products, LayerInput output) const {
  const LayerWeights& w = model_.layers[layer_];
  const std::size_t n = input.size();
  if (output.size() != n || products.qkv.size() != n * w.qkv.rows() ||
      products.out.size() != n * w.out.rows() || products.gate_up.size() != n * w.gate_up.rows() ||
      products.down.size() != n * w.down.rows()) {
    return false;
  }
  Product qkv(w.qkv, products.qkv), out(w.out, products.out);
  Product gate_up(w.gate_up, products.gate_up), down(w.down, products.down);
  std::vector<Row> rotated;
  for (std::uint32_t p = 0; p < n; ++p) {
    rotated.push_back(ops::rotate(model_, qkv.next(ops::norm(input[p], w.attention_norm)), p));
    const Row middle = ops::add(input[p], out.next(ops::quantise(ops::attend(model_, rotated))));
    const Row act = ops::act(gate_up.next(ops::norm(middle, w.mlp_norm)));
    if (ops::add(middle, down.next(ops::quantise(act))) != output[p]) return false;
  }
  return qkv.holds(qkv_) && out.holds(out_) && gate_up.holds(gate_up_) && down.holds(down_);
}

}  // namespace orrery::gpu
