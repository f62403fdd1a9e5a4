// The operations of one layer on single rows, written plainly: what referees and verifiers
// recompute, and what explains the kernels that compute many rows at once.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "gpu/api/model.h"

namespace orrery::gpu::ops {

using Row = std::vector<std::int32_t>;  // Q16 unless said otherwise

struct QuantRow {
  std::vector<std::int8_t> q;
  exact::SoftScale scale;
};

// A quantised row as numbers: its int8 values, then mantissa and exponent of its scale.
Row flatten(const QuantRow& row);
QuantRow unflatten(const Row& row);

// Weights and biases of one operation; family kLlama has no biases. What they are of must live.
struct Norm {
  const std::vector<std::int16_t>& gain;
  const std::vector<std::int32_t>& bias;
};
struct Projection {
  const QuantMatrix& matrix;
  const std::vector<std::int32_t>& bias;
};
// Those of a layer by name, and those that lead to the logits.
struct Layer {
  explicit Layer(const LayerWeights& w)
      : attention_norm{w.attention_norm, w.bias.attention_norm},
        qkv{w.qkv, w.bias.qkv},
        out{w.out, w.bias.out},
        mlp_norm{w.mlp_norm, w.bias.mlp_norm},
        gate_up{w.gate_up, w.bias.gate_up},
        down{w.down, w.bias.down} {}

  Norm attention_norm;
  Projection qkv, out;
  Norm mlp_norm;
  Projection gate_up, down;
};

// What enters the first layer.
Row embed(const ModelArtefact& model, std::uint32_t token, std::uint32_t position);

QuantRow quantise(const Row& u);
// RMSNorm, or with a bias LayerNorm, quantised.
QuantRow norm(const Row& x, const Norm& norm);

// Output n of a projection: the step of a dispute that an on-chain referee can afford.
std::int32_t project_element(const Projection& projection, const QuantRow& in, std::uint32_t n);
Row project(const Projection& projection, const QuantRow& in);
// The same from accumulators (matrix.rows() of them) that somebody else has computed.
Row from_products(const Projection& projection, exact::SoftScale in, const std::int32_t* products);

// Queries and keys of a row (queries, keys, values) turned by their position; those of family kGpt2
// are not turned.
Row rotate(const ModelArtefact& model, Row qkv, std::uint32_t position);
// Output of one head at the last position; rows[t] are the rotated rows of all positions up to it.
Row attend_head(const ModelArtefact& model, std::span<const Row> rows, std::uint32_t head);
Row attend(const ModelArtefact& model, std::span<const Row> rows);  // all heads

// The gated product, or of family kGpt2 the GELU.
Row act(const ModelArtefact& model, const Row& gate_up);
Row add(const Row& a, const Row& b);

}  // namespace orrery::gpu::ops
