// Attention of one query over one head's keys and values, in AVX-512.
#pragma once

#include "gpu/cpu/row_kernels.h"

namespace orrery::gpu {

// RowKernels::attend.
std::uint64_t attend_avx512(const HeadInput& head, std::int32_t* out);

}  // namespace orrery::gpu
