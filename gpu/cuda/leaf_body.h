// Leaf hashes of a step, as a body (see bodies.h): a lane alone hashes one (layer, row), and as
// many of them run at once as there are.
#pragma once

#include "gpu/api/exact/leaf.h"
#include "gpu/cuda/bodies.h"

namespace orrery::gpu::bodies {

// leaves[layer][row] of the kept rows. Items: layers x rows.
struct LeafRow {
  static constexpr Lanes kLanes = Lanes::kThread;
  StepView s;

  template <class Group>
  ORRERY_HOST_DEVICE void operator()(const Group&, std::uint32_t item) const {
    const std::uint32_t layer = item / s.rows;
    const std::uint32_t row = item % s.rows;
    const std::size_t at = std::size_t{layer} * s.max_rows + row;
    exact::leaf_hash(
        {s.row_positions[row], layer, s.tokens[row], s.kept + at * s.model.dim, s.model.dim},
        s.leaves + at * 32);
  }
};

}  // namespace orrery::gpu::bodies
