// Stands in for cuda_device.cu and cuda_rates.cu in builds without CUDA.
#include "gpu/cuda/cuda_device.h"

#include "gpu/cuda/cuda_rates.h"

namespace orrery::gpu {
namespace {

auto absent() {
  return fail(
      ErrorCode::kUnsupported,
      "this program was built without CUDA: install a CUDA toolkit (12 or newer), configure "
      "with -DORRERY_CUDA=ON and build again, or take --device cpu");
}

}  // namespace

Result<CudaDevice> find_cuda_device() { return absent(); }
Result<std::unique_ptr<Accelerator>> open_cuda_accelerator() { return absent(); }
Result<std::unique_ptr<Backend>> open_cuda_backend() { return absent(); }
Result<std::vector<CudaRate>> measure_cuda_rates() { return absent(); }

}  // namespace orrery::gpu
