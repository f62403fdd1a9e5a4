// Execution of exact-i8 models on the CPU: always built, and the oracle for every other backend.
#pragma once

#include "gpu/api/inference.h"
#include "gpu/cpu/gemm.h"

namespace orrery::gpu {

// Holds no state; one instance serves any number of threads.
class CpuBackend final : public Backend {
 public:
  // The fastest kernel of this processor.
  CpuBackend() : CpuBackend(available_kernels().back()) {}
  // A given kernel, which must be available.
  explicit CpuBackend(Kernel kernel) : kernel_(kernel) {}

  std::string_view name() const override { return "cpu"; }
  Result<std::unique_ptr<TextDecoder>> open(const ModelArtefact& model,
                                            std::uint32_t capacity) const override;

 private:
  Kernel kernel_;
};

}  // namespace orrery::gpu
