// The innermost tiles of f32_gemm, one for each instruction set.
#pragma once

#include <cstddef>

#include "gpu/cpu/gemm_x86.h"

namespace orrery::gpu {

// c[rows x cols] (fma)= packed a (k steps of kRows) times packed b (k steps of kCols).
struct F32Tile {
  std::size_t k;
  const float* a;
  const float* b;
  float* c;
  std::size_t c_step;
  bool accumulate;
};

struct F32Micro {
  std::size_t rows;
  std::size_t cols;
  void (*run)(const F32Tile& tile);
  // to[i * to_step + j] = from[j * step + i] for i, j < 8; none: element by element.
  void (*transpose8)(const float* from, std::size_t step, float* to, std::size_t to_step);
};

F32Micro f32_micro_portable();
#if ORRERY_X86_KERNELS
F32Micro f32_micro_avx2();
F32Micro f32_micro_avx512();
#endif

}  // namespace orrery::gpu
