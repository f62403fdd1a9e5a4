// One layer at one position, operation by operation: what two parties who disagree on a leaf of a
// transcript compare next, and what a referee recomputes of it. Everything follows from the
// artefact and the rows that the layer before left at this and all earlier positions, which are
// leaves on which the parties agree (the disputed leaf is the first that differs).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "engine/base/hash.h"
#include "gpu/api/model.h"

namespace orrery::gpu {

// In the order of execution. A quantised row is its int8 values, then mantissa and exponent of its
// scale; all other rows are Q16.
enum class LayerOp : std::uint8_t {
  kAttentionInput,  // quantised norm of the residual row
  kQkv,             // projection
  kRotated,         // queries and keys rotated by the position (kGpt2: the same row again)
  kAttended,        // heads' outputs
  kOutInput,        // quantised
  kOut,             // projection
  kMiddle,          // residual row plus kOut
  kMlpInput,        // quantised norm of kMiddle
  kGateUp,          // projection
  kAct,             // gate product, or GELU
  kDownInput,       // quantised
  kDown,            // projection
  kResidual,        // kMiddle plus kDown: the row of the leaf
};
inline constexpr std::size_t kLayerOps = 13;
std::string_view op_name(LayerOp op);

// The output row of each operation.
using LayerTrace = std::vector<std::vector<std::int32_t>>;

// Residual rows (Q16, dim each) that enter the layer at positions 0 .. last.
using LayerInput = std::span<const std::vector<std::int32_t>>;

// The honest trace of the last position.
LayerTrace trace_layer(const ModelArtefact& model, std::uint32_t layer, LayerInput input);

// Computes the operations that a trace of the last position still lacks from those that it has.
void finish_trace(const ModelArtefact& model, std::uint32_t layer, LayerInput input,
                  LayerTrace& trace);

// SHA-256 of a row of the trace, with operation, position and layer: what parties exchange first.
Hash256 trace_hash(LayerOp op, std::uint32_t position, std::uint32_t layer,
                   std::span<const std::int32_t> row);

// Queries, keys and values, turned, of all positions: what parties who disagree on kAttended alone
// compare before a referee looks at it.
std::vector<std::vector<std::int32_t>> rotated_rows(const ModelArtefact& model, std::uint32_t layer,
                                                    LayerInput input);

// The first operation and the first of its elements in which two traces differ.
struct Disagreement {
  LayerOp op;
  std::uint32_t element;
};
std::optional<Disagreement> first_difference(const LayerTrace& a, const LayerTrace& b);

// What one step of a referee costs and finds. The agreed rows before the operation are in `agreed`
// (its entries from the disputed operation on are not looked at).
struct Ruling {
  std::int32_t value;             // what the element is
  std::uint64_t multiplications;  // of the referee
};
// Recomputes one element: a projection takes one dot product and one requantisation, a residual
// sum one addition; quantised rows, norms, rotations and heads are recomputed as far as the element
// depends on them.
Ruling judge_element(const ModelArtefact& model, std::uint32_t layer, LayerInput input,
                     const LayerTrace& agreed, const Disagreement& at);

// One element of the rotated rows: a norm and two dot products.
struct RotatedElement {
  std::uint32_t position;
  std::uint32_t element;
};
Ruling judge_rotated(const ModelArtefact& model, std::uint32_t layer, LayerInput input,
                     const RotatedElement& at);
// One element of kAttended from rotated rows on which the parties agree: one head, no projection.
// judge_element(kAttended) computes those rows itself, which grows with the position times dim^2.
Ruling judge_attended(const ModelArtefact& model,
                      const std::vector<std::vector<std::int32_t>>& rotated, std::uint32_t element);

}  // namespace orrery::gpu
