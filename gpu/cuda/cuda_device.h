// The door to the CUDA device. These functions are there in every build; in one without CUDA, or on
// a machine without a device, they say so (kUnsupported).
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "engine/base/result.h"
#include "gpu/api/inference.h"
#include "gpu/cuda/accelerator.h"

namespace orrery::gpu {

struct CudaDevice {
  std::string name;
  std::uint32_t major = 0;  // compute capability
  std::uint32_t minor = 0;
  std::uint32_t multiprocessors = 0;
  std::uint64_t memory_bytes = 0;
  std::uint32_t clock_khz = 0;         // of multiprocessors, the most they run at
  std::uint32_t memory_clock_khz = 0;  // of the memory
  std::uint32_t memory_bus_bits = 0;
};

// The first device that the driver shows.
Result<CudaDevice> find_cuda_device();

// An accelerator with a stream of its own on that device. Its matrix products are cuBLASLt's where
// that library is found and passes the self-test, else those of our own kernel.
Result<std::unique_ptr<Accelerator>> open_cuda_accelerator();

// A DeviceBackend on such accelerators.
Result<std::unique_ptr<Backend>> open_cuda_backend();

}  // namespace orrery::gpu
