// int8 matrix products on the CPU. Sums of integers do not depend on their order, so every kernel
// gives the same int32 results and the choice among them is a matter of speed alone.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "gpu/api/model.h"

namespace orrery::gpu {

enum class Kernel : std::uint8_t {
  kPortable,
  kAvx2,        // 16-bit multiply-add pairs (never the saturating 8-bit form)
  kAvx512Vnni,  // u8 x s8 quadruples, 16 outputs a register
};

// Kernels that this processor runs, slowest first; kPortable is always there.
std::vector<Kernel> available_kernels();

// int8 rows padded with zeros to whole groups of QuantMatrix::kGroup inputs.
struct RowBatch {
  const std::int8_t* data;  // count x stride
  std::uint32_t count;
  std::uint32_t stride;  // >= groups() * 4 of the matrix
};

// acc[m * acc_stride + n] = sum_k batch[m][k] * matrix.at(n, k), for all rows n padded to whole
// panels: acc_stride >= panels() * 16.
void multiply(Kernel kernel, const QuantMatrix& matrix, const RowBatch& batch, std::int32_t* acc,
              std::uint32_t acc_stride);

}  // namespace orrery::gpu
