#include "gpu/cpu/gemm.h"

#include <cstring>

#include "engine/base/ensure.h"
#include "gpu/cpu/gemm_x86.h"

namespace orrery::gpu {
namespace {

constexpr std::uint32_t kPanel = QuantMatrix::kPanel;
constexpr std::uint32_t kGroup = QuantMatrix::kGroup;

void portable(const QuantMatrix& matrix, const RowBatch& batch, PartRange panels, std::int32_t* acc,
              std::uint32_t acc_stride) {
  for (std::uint32_t p = panels.begin; p < panels.end; ++p) {
    for (std::uint32_t m = 0; m < batch.count; ++m) {
      const std::int8_t* w = matrix.panel(p);
      const std::uint8_t* a = batch.data + static_cast<std::size_t>(m) * batch.stride;
      std::int32_t sums[kPanel] = {};
      for (std::uint32_t g = 0; g < matrix.groups(); ++g, w += kPanel * kGroup, a += kGroup) {
        for (std::uint32_t j = 0; j < kPanel; ++j) {
          const std::int8_t* v = w + j * kGroup;
          sums[j] +=
              v[0] * (a[0] - 128) + v[1] * (a[1] - 128) + v[2] * (a[2] - 128) + v[3] * (a[3] - 128);
        }
      }
      std::memcpy(acc + static_cast<std::size_t>(m) * acc_stride + p * kPanel, sums, sizeof(sums));
    }
  }
}

}  // namespace

std::vector<Kernel> available_kernels() {
  std::vector<Kernel> kernels{Kernel::kPortable};
#if ORRERY_X86_KERNELS
  if (__builtin_cpu_supports("avx2")) kernels.push_back(Kernel::kAvx2);
  if (__builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl")) {
    kernels.push_back(Kernel::kAvx512Vnni);
  }
#endif
  return kernels;
}

void multiply(Kernel kernel, const QuantMatrix& matrix, const RowBatch& batch, PartRange panels,
              std::int32_t* acc, std::uint32_t acc_stride) {
  ENSURE(batch.stride >= matrix.groups() * kGroup && acc_stride >= matrix.panels() * kPanel,
         "rows are padded to whole groups and panels");
  ENSURE(panels.begin <= panels.end && panels.end <= matrix.panels(), "panels of the matrix");
  switch (kernel) {
#if ORRERY_X86_KERNELS
    case Kernel::kAvx2: return multiply_avx2(matrix, batch, panels, acc, acc_stride);
    case Kernel::kAvx512Vnni: return multiply_vnni(matrix, batch, panels, acc, acc_stride);
#endif
    default: return portable(matrix, batch, panels, acc, acc_stride);
  }
}

}  // namespace orrery::gpu
