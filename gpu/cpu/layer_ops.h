// The operations of one layer on single rows, written plainly: what referees and verifiers
// recompute, and what explains the kernels that compute many rows at once. Family kLlama.
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

QuantRow quantise(const Row& u);
QuantRow norm(const Row& x, const std::vector<std::int16_t>& gain);

// Output n of a projection: the step of a dispute that an on-chain referee can afford.
std::int32_t project_element(const QuantMatrix& matrix, const QuantRow& in, std::uint32_t n);
Row project(const QuantMatrix& matrix, const QuantRow& in);
// The same from accumulators (matrix.rows() of them) that somebody else has computed.
Row from_products(const QuantMatrix& matrix, exact::SoftScale in, const std::int32_t* products);

// Queries and keys of a row (queries, keys, values) turned by their position.
Row rotate(const ModelArtefact& model, Row qkv, std::uint32_t position);
// Output of one head at the last position; rows[t] are the rotated rows of all positions up to it.
Row attend_head(const ModelArtefact& model, std::span<const Row> rows, std::uint32_t head);
Row attend(const ModelArtefact& model, std::span<const Row> rows);  // all heads

Row act(const Row& gate_up);
Row add(const Row& a, const Row& b);

}  // namespace orrery::gpu::ops
