#include "gpu/cpu/layer_trace.h"

#include <algorithm>

#include "engine/base/codec.h"
#include "engine/base/ensure.h"
#include "gpu/api/exact/attention.h"
#include "gpu/api/exact/row.h"

namespace orrery::gpu {
namespace {

using exact::SoftScale;
using Row = std::vector<std::int32_t>;

struct QuantRow {
  std::vector<std::int8_t> q;
  SoftScale scale;
};

Row flatten(const QuantRow& row) {
  Row out(row.q.begin(), row.q.end());
  out.push_back(static_cast<std::int32_t>(row.scale.m));
  out.push_back(row.scale.e);
  return out;
}

QuantRow unflatten(const Row& row) {
  const std::size_t n = row.size() - 2;
  QuantRow out{{}, {static_cast<std::uint32_t>(row[n]), row[n + 1]}};
  for (std::size_t i = 0; i < n; ++i) out.q.push_back(static_cast<std::int8_t>(row[i]));
  return out;
}

QuantRow quantise(const Row& u) {
  QuantRow out{std::vector<std::int8_t>(u.size()), {}};
  out.scale = exact::quantise_row(u.data(), static_cast<std::int32_t>(u.size()), -16, out.q.data());
  return out;
}

QuantRow norm(const Row& x, const std::vector<std::int16_t>& gain) {
  QuantRow out{std::vector<std::int8_t>(x.size()), {}};
  std::vector<std::int64_t> wide(x.size());
  out.scale = exact::norm_quantise_row(x.data(), gain.data(), static_cast<std::int32_t>(x.size()),
                                       wide.data(), out.q.data());
  return out;
}

// One output of a projection: the step of a dispute that an on-chain referee can afford.
std::int32_t project_element(const QuantMatrix& matrix, const QuantRow& in, std::uint32_t n) {
  std::int32_t acc = 0;
  for (std::uint32_t k = 0; k < matrix.cols(); ++k) acc += in.q[k] * matrix.at(n, k);
  std::uint64_t clamps = 0;
  return exact::saturate32(exact::requantise(acc, in.scale, matrix.scales()[n]), clamps);
}

Row project(const QuantMatrix& matrix, const QuantRow& in) {
  Row out(matrix.rows());
  for (std::uint32_t n = 0; n < matrix.rows(); ++n) out[n] = project_element(matrix, in, n);
  return out;
}

Row rotate(const ModelArtefact& model, Row qkv, std::uint32_t position) {
  const std::uint32_t width = model.config.head_dim();
  const std::uint32_t half = width / 2;
  std::uint64_t clamps = 0;
  for (std::uint32_t start = 0; start < 2 * model.config.dim; start += width) {
    exact::rotate_head(qkv.data() + start, static_cast<std::int32_t>(half),
                       model.rope.cosine.data() + std::size_t{position} * half,
                       model.rope.sine.data() + std::size_t{position} * half, clamps);
  }
  return qkv;
}

Row add(const Row& a, const Row& b) {
  Row out(a.size());
  std::uint64_t clamps = 0;
  for (std::size_t i = 0; i < a.size(); ++i) out[i] = exact::residual_add(a[i], b[i], clamps);
  return out;
}

// Queries, keys and values at a position, from the row that enters the layer there.
Row rotated_at(const ModelArtefact& model, const LayerWeights& w, LayerInput input,
               std::uint32_t position) {
  return rotate(model, project(w.qkv, norm(input[position], w.attention_norm)), position);
}

// One head of the last position; rows[t] are the rotated rows of all positions.
Row attend_head(const ModelArtefact& model, const std::vector<Row>& rows, std::uint32_t head) {
  const std::uint32_t dim = model.config.dim;
  const std::uint32_t width = model.config.head_dim();
  const auto part = [&](const Row& row, std::uint32_t which) {
    const auto begin = row.begin() + static_cast<std::ptrdiff_t>(which * dim + head * width);
    return Row(begin, begin + width);
  };
  const QuantRow query = quantise(part(rows.back(), 0));
  const SoftScale scale = exact::soft_mul(
      query.scale, exact::soft_mul(exact::kLog2E, exact::soft_inverse(exact::soft_sqrt(width))));
  std::uint64_t clamps = 0;
  Row weights;
  for (const Row& row : rows) {
    const QuantRow key = quantise(part(row, 1));
    std::int32_t dot = 0;
    for (std::uint32_t i = 0; i < width; ++i) dot += query.q[i] * key.q[i];
    weights.push_back(exact::saturate32(exact::requantise(dot, scale, key.scale), clamps));
  }
  const std::int32_t total = exact::softmax_q15(
      weights.data(), static_cast<std::int32_t>(weights.size()), exact::exp2_table());
  Row out(width);
  for (std::size_t t = 0; t < rows.size(); ++t) {
    const Row value = part(rows[t], 2);
    for (std::uint32_t i = 0; i < width; ++i) {
      out[i] += weights[t] * exact::value_q10(value[i], clamps);
    }
  }
  for (std::int32_t& o : out) o = exact::weighted_mean(o, total);
  return out;
}

Row act(const Row& gate_up) {
  const std::size_t hidden = gate_up.size() / 2;
  Row out(hidden);
  std::uint64_t clamps = 0;
  for (std::size_t i = 0; i < hidden; ++i) {
    out[i] = exact::gate_product(gate_up[i], gate_up[hidden + i], exact::sigmoid_table(), clamps);
  }
  return out;
}

const Row& row_of(const LayerTrace& trace, LayerOp op) {
  return trace[static_cast<std::size_t>(op)];
}

}  // namespace

std::string_view op_name(LayerOp op) {
  constexpr std::string_view kNames[kLayerOps] = {
      "attention input", "qkv",     "rotated", "attended",   "out input", "out",     "middle",
      "mlp input",       "gate up", "act",     "down input", "down",      "residual"};
  return kNames[static_cast<std::size_t>(op)];
}

LayerTrace trace_layer(const ModelArtefact& model, std::uint32_t layer, LayerInput input) {
  ENSURE(model.config.family == Family::kLlama && layer < model.config.layers && !input.empty(),
         "a layer of a Llama model and its input");
  const LayerWeights& w = model.layers[layer];
  std::vector<Row> rotated;
  for (std::uint32_t p = 0; p + 1 < input.size(); ++p) {
    rotated.push_back(rotated_at(model, w, input, p));
  }
  LayerTrace t;
  t.push_back(flatten(norm(input.back(), w.attention_norm)));
  t.push_back(project(w.qkv, unflatten(t.back())));
  t.push_back(rotate(model, t.back(), static_cast<std::uint32_t>(input.size()) - 1));
  rotated.push_back(t.back());
  Row attended;
  for (std::uint32_t head = 0; head < model.config.heads; ++head) {
    const Row out = attend_head(model, rotated, head);
    attended.insert(attended.end(), out.begin(), out.end());
  }
  t.push_back(attended);
  t.push_back(flatten(quantise(attended)));
  t.push_back(project(w.out, unflatten(t.back())));
  const Row middle = add(input.back(), t.back());
  t.push_back(middle);
  t.push_back(flatten(norm(middle, w.mlp_norm)));
  t.push_back(project(w.gate_up, unflatten(t.back())));
  t.push_back(act(t.back()));
  t.push_back(flatten(quantise(t.back())));
  t.push_back(project(w.down, unflatten(t.back())));
  t.push_back(add(middle, t.back()));
  return t;
}

Hash256 trace_hash(LayerOp op, std::uint32_t position, std::uint32_t layer,
                   std::span<const std::int32_t> row) {
  Writer out;
  out.u8(static_cast<std::uint8_t>(op)).u32(position).u32(layer);
  for (const std::int32_t v : row) out.u32(static_cast<std::uint32_t>(v));
  return Sha256().update(as_bytes("orrery.layer_trace.v1")).update(out.view()).finish();
}

std::optional<Disagreement> first_difference(const LayerTrace& a, const LayerTrace& b) {
  ENSURE(a.size() == kLayerOps && b.size() == kLayerOps, "whole traces");
  for (std::size_t op = 0; op < kLayerOps; ++op) {
    ENSURE(a[op].size() == b[op].size(), "rows of the model's shape");
    const auto at = std::mismatch(a[op].begin(), a[op].end(), b[op].begin()).first;
    if (at == a[op].end()) continue;
    return Disagreement{static_cast<LayerOp>(op), static_cast<std::uint32_t>(at - a[op].begin())};
  }
  return std::nullopt;
}

Ruling judge_element(const ModelArtefact& model, std::uint32_t layer, LayerInput input,
                     const LayerTrace& agreed, const Disagreement& at) {
  ENSURE(model.config.family == Family::kLlama && layer < model.config.layers && !input.empty(),
         "a layer of a Llama model and its input");
  const LayerWeights& w = model.layers[layer];
  const std::uint32_t i = at.element;
  const std::uint64_t dim = model.config.dim;
  const auto projection = [&](const QuantMatrix& matrix, LayerOp from) -> Ruling {
    return {project_element(matrix, unflatten(row_of(agreed, from)), i), matrix.cols() + 2};
  };
  const auto element = [&](const Row& row, std::uint64_t cost) -> Ruling { return {row[i], cost}; };
  switch (at.op) {
    case LayerOp::kAttentionInput:
      return element(flatten(norm(input.back(), w.attention_norm)), 3 * dim);
    case LayerOp::kQkv: return projection(w.qkv, LayerOp::kAttentionInput);
    case LayerOp::kRotated: {
      const auto position = static_cast<std::uint32_t>(input.size()) - 1;
      return element(rotate(model, row_of(agreed, LayerOp::kQkv), position), 4);
    }
    case LayerOp::kAttended: {
      std::vector<Row> rotated;
      for (std::uint32_t p = 0; p + 1 < input.size(); ++p) {
        rotated.push_back(rotated_at(model, w, input, p));
      }
      rotated.push_back(row_of(agreed, LayerOp::kRotated));
      const std::uint32_t width = model.config.head_dim();
      const std::uint64_t keys_and_values = (input.size() - 1) * 3 * dim * dim;
      return {attend_head(model, rotated, i / width)[i % width],
              keys_and_values + 2 * input.size() * width};
    }
    case LayerOp::kOutInput:
      return element(flatten(quantise(row_of(agreed, LayerOp::kAttended))), dim);
    case LayerOp::kOut: return projection(w.out, LayerOp::kOutInput);
    case LayerOp::kMiddle: return element(add(input.back(), row_of(agreed, LayerOp::kOut)), 0);
    case LayerOp::kMlpInput:
      return element(flatten(norm(row_of(agreed, LayerOp::kMiddle), w.mlp_norm)), 3 * dim);
    case LayerOp::kGateUp: return projection(w.gate_up, LayerOp::kMlpInput);
    case LayerOp::kAct: return element(act(row_of(agreed, LayerOp::kGateUp)), 3);
    case LayerOp::kDownInput:
      return element(flatten(quantise(row_of(agreed, LayerOp::kAct))), model.config.hidden);
    case LayerOp::kDown: return projection(w.down, LayerOp::kDownInput);
    case LayerOp::kResidual: break;
  }
  return element(add(row_of(agreed, LayerOp::kMiddle), row_of(agreed, LayerOp::kDown)), 0);
}

}  // namespace orrery::gpu
