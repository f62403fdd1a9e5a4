// int8 matrix products on the CPU. Sums of integers do not depend on their order, so every kernel
// gives the same int32 results and the choice among them is a matter of speed alone.
#pragma once

#include <cstdint>
#include <vector>

#include "gpu/api/model.h"
#include "gpu/cpu/parallel.h"

namespace orrery::gpu {

enum class Kernel : std::uint8_t {
  kPortable,
  kAvx2,        // 16-bit multiply-add pairs (never the saturating 8-bit form)
  kAvx512Vnni,  // u8 x s8 quadruples, 16 outputs a register
};

// Kernels that this processor runs, slowest first; kPortable is always there.
std::vector<Kernel> available_kernels();

// Rows of int8 values q kept as the unsigned bytes q + 128, which is what u8 x s8 instructions
// take; the kernels subtract 128 times the sum of the weights.
struct RowBatch {
  const std::uint8_t* data;  // count x stride
  std::uint32_t count;
  std::uint32_t stride;  // >= groups() * QuantMatrix::kGroup of the matrix
};

constexpr std::uint8_t biased(std::int8_t q) { return static_cast<std::uint8_t>(q + 128); }

// acc[m * acc_stride + n] = sum_k q[m][k] * matrix.at(n, k) for the outputs n of the given panels
// of 16 (padding included): acc_stride >= panels() * 16. Bytes of a row past the matrix's columns
// meet zero weights and may hold anything.
void multiply(Kernel kernel, const QuantMatrix& matrix, const RowBatch& batch, PartRange panels,
              std::int32_t* acc, std::uint32_t acc_stride);

// All panels.
inline void multiply(Kernel kernel, const QuantMatrix& matrix, const RowBatch& batch,
                     std::int32_t* acc, std::uint32_t acc_stride) {
  multiply(kernel, matrix, batch, {0, matrix.panels()}, acc, acc_stride);
}

}  // namespace orrery::gpu
