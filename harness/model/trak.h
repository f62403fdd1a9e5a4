// TRAK (Park et al., "TRAK: attributing model behavior at scale", 2023) with scores in exact
// integers: gradients projected by random signs, whitened by the documents' covariance.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/base/result.h"
#include "harness/model/attribution.h"

namespace orrery::model {

struct TrakOptions {
  std::uint32_t width = 512;  // of projected gradients; a multiple of 128, at most kMaxTrakWidth
  std::uint64_t seed = 1;     // of the signs
};
inline constexpr std::uint32_t kMaxTrakWidth = 4096;  // the solve takes width^3 / 3 operations

// A gradient in int8 (largest magnitude 127) times a matrix of signs: sums of integers, whose order
// does not matter. `gradient` may be as long as 2^24 - 1, so that sums fit.
std::vector<std::int32_t> project(std::span<const float> gradient, const TrakOptions& options);

// Adds (1 - p_q) phi_q^T (Phi^T Phi / n + lambda I)^-1 phi_i / n to the table: phi are projections
// of unit length in Q14, p_q is the geometric mean of the answer's probabilities, lambda the mean
// eigenvalue of the covariance. The covariance and the final products are integers; the solve is in
// doubles of a fixed order and its result is rounded to Q20. Sum over models. kInvalidArgument:
// tables of other shapes, no texts, or a width out of bounds; kLimit: more than 2^24 - 1
// parameters; what the accelerator says.
Status add_trak(const gpu::F32Model& model, const CheckpointTexts& texts,
                const TrakOptions& options, const Workers& workers, ScoreTable& to);

}  // namespace orrery::model
