// Attribution on an accelerator: each function copies its operands there, runs one kernel of
// attribution_bodies.h and brings the result back. Integers are exact, floats are exact-f32, so the
// results are the bits of any other machine's. Failures are the accelerator's.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "gpu/cuda/accelerator.h"

namespace orrery::gpu {

// Gradients in int8, `width` a row.
struct QuantisedRows {
  std::span<const std::int8_t> values;  // rows x width
  std::uint32_t rows;
  std::uint32_t width;
};
struct FloatRows {
  std::span<const float> values;  // rows x width
  std::uint32_t rows;
  std::uint32_t width;
};

// rows x columns: each row times a matrix of random signs (gpu/api/exact/signs.h). columns is a
// multiple of 128; fewer than 2^24 values a row (ENSUREs both).
Result<std::vector<std::int32_t>> project_signs(Accelerator& accelerator,
                                                const QuantisedRows& gradients,
                                                std::uint32_t columns, std::uint64_t seed);

// a.rows x b.rows inner products; widths are equal (ENSURE).
Result<std::vector<std::int64_t>> gram(Accelerator& accelerator, const QuantisedRows& a,
                                       const QuantisedRows& b);
Result<std::vector<float>> gram(Accelerator& accelerator, const FloatRows& a, const FloatRows& b);

// The k best columns of each row of scores (rows x columns), larger first, lower column among
// equals; 1 <= k <= columns (ENSURE). rows x k.
struct ScoreRows {
  std::span<const std::int64_t> values;
  std::uint32_t rows;
  std::uint32_t columns;
};
Result<std::vector<std::uint32_t>> best_scores(Accelerator& accelerator, const ScoreRows& scores,
                                               std::uint32_t k);

}  // namespace orrery::gpu
