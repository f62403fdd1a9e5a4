// How fast the device is at what exact-i8 and the fast mode are made of. The only floats of this
// folder: they are multiplied for their speed, and timings are reported.
#pragma once

#include <string>
#include <vector>

#include "engine/base/result.h"

namespace orrery::gpu {

struct CudaRate {
  std::string what;  // such as "int8 product" or "copy"
  std::string unit;  // "Top/s" (10^12 additions and multiplications) or "GB/s" (read and written)
  double measured = 0;
  double peak = 0;  // of the device by its clocks and width; 0: not known for this architecture
};

// Takes about ten seconds and 4 GiB of the device's memory. Products that a library refuses are
// left out. kUnsupported: no device. kInternal: a kernel failed, or int8 products
// of the library and of our kernel differ.
Result<std::vector<CudaRate>> measure_cuda_rates();

}  // namespace orrery::gpu
