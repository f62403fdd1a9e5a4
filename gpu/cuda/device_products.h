// Products of the numeric class fast on an accelerator: cuBLASLt's, in float32, TF32 or bfloat16.
// The rest of the network stays on the processor.
#pragma once

#include <map>

#include "gpu/api/fast_products.h"
#include "gpu/cuda/arena.h"

namespace orrery::gpu {

class DeviceProducts final : public FastProducts {
 public:
  // The accelerator must outlive it. Not kInt8 (ENSURE). kBf16 narrows both operands, ties to even.
  DeviceProducts(Accelerator& accelerator, LtType type);

  // Weights are copied there once, activations at each call. kUnsupported: no library there has the
  // type for this shape.
  Status multiply(const FastProduct& product) override;

 private:
  std::size_t bytes_of(std::size_t values) const;
  void upload(std::byte* to, std::span<const float> values);
  Result<const std::byte*> weights_of(const FastProduct& product);

  Accelerator& accelerator_;
  const LtType type_;
  std::map<const float*, Arena> weights_;  // looked up, never walked through
  Arena scratch_;                          // activations and results
  std::size_t scratch_bytes_ = 0;
  std::vector<std::uint16_t> narrow_;
};

}  // namespace orrery::gpu
