#include "gpu/cpu/layer_trace.h"

#include <algorithm>

#include "engine/base/codec.h"
#include "engine/base/ensure.h"
#include "gpu/cpu/layer_ops.h"

namespace orrery::gpu {
namespace {

using ops::Row;

// Queries, keys and values at a position, from the row that enters the layer there.
Row rotated_at(const ModelArtefact& model, const ops::Layer& w, LayerInput input,
               std::uint32_t position) {
  return ops::rotate(model, ops::project(w.qkv, ops::norm(input[position], w.attention_norm)),
                     position);
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
  LayerTrace trace;
  finish_trace(model, layer, input, trace);
  return trace;
}

void finish_trace(const ModelArtefact& model, std::uint32_t layer, LayerInput input,
                  LayerTrace& t) {
  ENSURE(layer < model.config.layers && !input.empty(), "a layer of the model and its input");
  const ops::Layer w(model.layers[layer]);
  const auto next = [&]() -> Row {
    switch (static_cast<LayerOp>(t.size())) {
      case LayerOp::kAttentionInput: return ops::flatten(ops::norm(input.back(), w.attention_norm));
      case LayerOp::kQkv: return ops::project(w.qkv, ops::unflatten(t.back()));
      case LayerOp::kRotated:
        return ops::rotate(model, t.back(), static_cast<std::uint32_t>(input.size()) - 1);
      case LayerOp::kAttended: {
        std::vector<Row> rotated = rotated_rows(model, layer, input.first(input.size() - 1));
        rotated.push_back(t.back());
        return ops::attend(model, rotated);
      }
      case LayerOp::kOutInput: return ops::flatten(ops::quantise(t.back()));
      case LayerOp::kOut: return ops::project(w.out, ops::unflatten(t.back()));
      case LayerOp::kMiddle: return ops::add(input.back(), t.back());
      case LayerOp::kMlpInput: return ops::flatten(ops::norm(t.back(), w.mlp_norm));
      case LayerOp::kGateUp: return ops::project(w.gate_up, ops::unflatten(t.back()));
      case LayerOp::kAct: return ops::act(model, t.back());
      case LayerOp::kDownInput: return ops::flatten(ops::quantise(t.back()));
      case LayerOp::kDown: return ops::project(w.down, ops::unflatten(t.back()));
      case LayerOp::kResidual: break;
    }
    return ops::add(row_of(t, LayerOp::kMiddle), t.back());
  };
  while (t.size() < kLayerOps) t.push_back(next());
}

std::vector<Row> rotated_rows(const ModelArtefact& model, std::uint32_t layer, LayerInput input) {
  const ops::Layer w(model.layers[layer]);
  std::vector<Row> rows;
  for (std::uint32_t p = 0; p < input.size(); ++p) {
    rows.push_back(rotated_at(model, w, input, p));
  }
  return rows;
}

Ruling judge_rotated(const ModelArtefact& model, std::uint32_t layer, LayerInput input,
                     const RotatedElement& at) {
  const ModelConfig& c = model.config;
  const ops::Layer w(model.layers[layer]);
  const ops::QuantRow in = ops::norm(input[at.position], w.attention_norm);
  Row row(3 * std::size_t{c.dim});
  const auto compute = [&](std::uint32_t n) { row[n] = ops::project_element(w.qkv, in, n); };
  compute(at.element);
  const std::uint64_t one = std::uint64_t{c.dim} + 2;
  const bool turns = c.family == Family::kLlama && at.element < 2 * c.dim;  // values do not
  if (!turns) return {row[at.element], 3 * c.dim + one};
  const std::uint32_t half = c.head_dim() / 2;
  const bool second = at.element % c.head_dim() >= half;
  compute(second ? at.element - half : at.element + half);
  return {ops::rotate(model, row, at.position)[at.element], 3 * c.dim + 2 * one + 4};
}

Ruling judge_attended(const ModelArtefact& model, const std::vector<Row>& rotated,
                      std::uint32_t element) {
  const std::uint32_t width = model.config.head_dim();
  return {ops::attend_head(model, rotated, element / width)[element % width],
          2 * rotated.size() * width};
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
  ENSURE(layer < model.config.layers && !input.empty(), "a layer of the model and its input");
  const ops::Layer w(model.layers[layer]);
  const std::uint32_t i = at.element;
  const std::uint64_t dim = model.config.dim;
  const auto projection = [&](const ops::Projection& of, LayerOp from) -> Ruling {
    return {ops::project_element(of, ops::unflatten(row_of(agreed, from)), i),
            of.matrix.cols() + 2};
  };
  const auto element = [&](const Row& row, std::uint64_t cost) -> Ruling { return {row[i], cost}; };
  switch (at.op) {
    case LayerOp::kAttentionInput:
      return element(ops::flatten(ops::norm(input.back(), w.attention_norm)), 3 * dim);
    case LayerOp::kQkv: return projection(w.qkv, LayerOp::kAttentionInput);
    case LayerOp::kRotated: {
      const auto position = static_cast<std::uint32_t>(input.size()) - 1;
      return element(ops::rotate(model, row_of(agreed, LayerOp::kQkv), position), 4);
    }
    case LayerOp::kAttended: {
      std::vector<Row> rotated;
      for (std::uint32_t p = 0; p + 1 < input.size(); ++p) {
        rotated.push_back(rotated_at(model, w, input, p));
      }
      rotated.push_back(row_of(agreed, LayerOp::kRotated));
      const std::uint32_t width = model.config.head_dim();
      const std::uint64_t keys_and_values = (input.size() - 1) * 3 * dim * dim;
      return {ops::attend_head(model, rotated, i / width)[i % width],
              keys_and_values + 2 * input.size() * width};
    }
    case LayerOp::kOutInput:
      return element(ops::flatten(ops::quantise(row_of(agreed, LayerOp::kAttended))), dim);
    case LayerOp::kOut: return projection(w.out, LayerOp::kOutInput);
    case LayerOp::kMiddle: return element(ops::add(input.back(), row_of(agreed, LayerOp::kOut)), 0);
    case LayerOp::kMlpInput:
      return element(ops::flatten(ops::norm(row_of(agreed, LayerOp::kMiddle), w.mlp_norm)),
                     3 * dim);
    case LayerOp::kGateUp: return projection(w.gate_up, LayerOp::kMlpInput);
    case LayerOp::kAct: return element(ops::act(model, row_of(agreed, LayerOp::kGateUp)), 3);
    case LayerOp::kDownInput:
      return element(ops::flatten(ops::quantise(row_of(agreed, LayerOp::kAct))),
                     model.config.hidden);
    case LayerOp::kDown: return projection(w.down, LayerOp::kDownInput);
    case LayerOp::kResidual: break;
  }
  return element(ops::add(row_of(agreed, LayerOp::kMiddle), row_of(agreed, LayerOp::kDown)), 0);
}

}  // namespace orrery::gpu
