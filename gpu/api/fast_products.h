// Who multiplies matrices for the numeric class fast (gpu/fast): the processor, or a device. Last
// bits are nobody's promise.
#pragma once

#include <bit>
#include <cstdint>

#include "engine/base/result.h"

namespace orrery::gpu {

// Nearest bfloat16, ties to even, as its 16 bits; NaN stays NaN.
inline std::uint16_t to_bf16(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  if (value != value) return static_cast<std::uint16_t>(bits >> 16 | 0x40u);
  return static_cast<std::uint16_t>((bits + 0x7fffu + (bits >> 16 & 1u)) >> 16);
}
inline float from_bf16(std::uint16_t bits) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16);
}

// y = x * weights^T, row after row.
struct FastProduct {
  const float* weights;  // outputs x inputs
  const float* x;        // rows x inputs
  float* y;              // rows x outputs
  std::uint32_t outputs;
  std::uint32_t inputs;
  std::uint32_t rows;
};

class FastProducts {
 public:
  virtual ~FastProducts() = default;
  // Weights are known by their address: they neither move nor change while this lives. Failures are
  // the device's.
  virtual Status multiply(const FastProduct& product) = 0;
};

}  // namespace orrery::gpu
