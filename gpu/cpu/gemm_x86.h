// The x86 kernels behind multiply(); callers go through gemm.h, which checks shapes and processor.
#pragma once

#include "gpu/cpu/gemm.h"

#if defined(__x86_64__)
#define ORRERY_X86_KERNELS 1
#else
#define ORRERY_X86_KERNELS 0
#endif

namespace orrery::gpu {

#if ORRERY_X86_KERNELS
void multiply_avx2(const QuantMatrix& matrix, const RowBatch& batch, PartRange panels,
                   std::int32_t* acc, std::uint32_t acc_stride);
void multiply_vnni(const QuantMatrix& matrix, const RowBatch& batch, PartRange panels,
                   std::int32_t* acc, std::uint32_t acc_stride);
#endif

}  // namespace orrery::gpu
