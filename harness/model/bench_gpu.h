// What the CUDA device of this machine does: its rates, and decoding of exact-i8 by batch.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/base/result.h"
#include "gpu/cuda/cuda_device.h"
#include "gpu/cuda/cuda_rates.h"
#include "harness/model/bench_device.h"
#include "harness/model/bench_inference.h"

namespace orrery::model {

struct GpuBench {
  std::vector<std::string> shapes{"15M"};                  // as of InferenceBench
  std::vector<std::uint32_t> batches{1, 8, 32, 128, 256};  // 1..256
  std::uint32_t repeats = 5;
};

struct GpuReport {
  gpu::CudaDevice device;
  std::vector<gpu::CudaRate> rates;
  std::vector<InferenceRow> rows;  // decode and prompt, results checked against the CPU's
  DeviceProfile profile;           // by the first shape
};

// kUnsupported: no device, with the reason. Otherwise as bench_inference().
Result<GpuReport> bench_gpu(const GpuBench& options);

}  // namespace orrery::model
