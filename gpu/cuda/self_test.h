// Operands of a matrix product and some of its results, from the definition: what every way of
// multiplying on a device must reproduce before it is used.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "gpu/cuda/step_program.h"

namespace orrery::gpu {

class ProductTest {
 public:
  // For `rows` rows of q (rows x q_stride bytes, drawn at random, extremes included) and a matrix
  // whose weights lie in host memory. Checks all outputs of some rows, first and last included.
  ProductTest(const DeviceMatrix& matrix, std::uint32_t rows, std::uint32_t q_stride);

  const std::vector<std::int8_t>& q() const { return q_; }
  // acc: rows x acc_stride.
  bool passes(std::span<const std::int32_t> acc, std::uint32_t acc_stride) const;

 private:
  std::uint32_t outputs_;
  std::vector<std::int8_t> q_;
  std::vector<std::uint32_t> checked_;  // rows
  std::vector<std::int32_t> expected_;  // checked row x outputs
};

}  // namespace orrery::gpu
