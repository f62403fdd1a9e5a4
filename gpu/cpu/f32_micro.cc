#include "gpu/cpu/f32_micro.h"

#if ORRERY_X86_KERNELS
#include <immintrin.h>
#endif

namespace orrery::gpu {
namespace {

// fmaf is the IEEE operation, in hardware or not.
void portable_tile(const F32Tile& t) {
  constexpr std::size_t kRows = 4;
  constexpr std::size_t kCols = 8;
  for (std::size_t m = 0; m < kRows; ++m) {
    for (std::size_t n = 0; n < kCols; ++n) {
      float acc = t.accumulate ? t.c[m * t.c_step + n] : 0.0f;
      for (std::size_t k = 0; k < t.k; ++k) {
        acc = __builtin_fmaf(t.a[k * kRows + m], t.b[k * kCols + n], acc);
      }
      t.c[m * t.c_step + n] = acc;
    }
  }
}

#if ORRERY_X86_KERNELS

__attribute__((target("avx2,fma"))) void avx2_tile(const F32Tile& t) {
  constexpr int kRows = 6;
  __m256 sums[kRows][2];
#pragma GCC unroll 12
  for (int m = 0; m < kRows; ++m) {
#pragma GCC unroll 12
    for (int j = 0; j < 2; ++j) {
      sums[m][j] = t.accumulate ? _mm256_loadu_ps(t.c + m * t.c_step + 8 * j) : _mm256_setzero_ps();
    }
  }
  const float* a = t.a;
  const float* b = t.b;
  for (std::size_t k = 0; k < t.k; ++k, a += kRows, b += 16) {
    const __m256 b0 = _mm256_load_ps(b);
    const __m256 b1 = _mm256_load_ps(b + 8);
#pragma GCC unroll 12
    for (int m = 0; m < kRows; ++m) {
      const __m256 x = _mm256_broadcast_ss(a + m);
      sums[m][0] = _mm256_fmadd_ps(x, b0, sums[m][0]);
      sums[m][1] = _mm256_fmadd_ps(x, b1, sums[m][1]);
    }
  }
#pragma GCC unroll 12
  for (int m = 0; m < kRows; ++m) {
#pragma GCC unroll 12
    for (int j = 0; j < 2; ++j) _mm256_storeu_ps(t.c + m * t.c_step + 8 * j, sums[m][j]);
  }
}

__attribute__((target("avx512f"))) void avx512_tile(const F32Tile& t) {
  constexpr int kRows = 12;
  __m512 sums[kRows][2];
#pragma GCC unroll 12
  for (int m = 0; m < kRows; ++m) {
#pragma GCC unroll 12
    for (int j = 0; j < 2; ++j) {
      sums[m][j] =
          t.accumulate ? _mm512_loadu_ps(t.c + m * t.c_step + 16 * j) : _mm512_setzero_ps();
    }
  }
  const float* a = t.a;
  const float* b = t.b;
  for (std::size_t k = 0; k < t.k; ++k, a += kRows, b += 32) {
    const __m512 b0 = _mm512_load_ps(b);
    const __m512 b1 = _mm512_load_ps(b + 16);
#pragma GCC unroll 12
    for (int m = 0; m < kRows; ++m) {
      const __m512 x = _mm512_set1_ps(a[m]);
      sums[m][0] = _mm512_fmadd_ps(x, b0, sums[m][0]);
      sums[m][1] = _mm512_fmadd_ps(x, b1, sums[m][1]);
    }
  }
#pragma GCC unroll 12
  for (int m = 0; m < kRows; ++m) {
#pragma GCC unroll 12
    for (int j = 0; j < 2; ++j) _mm512_storeu_ps(t.c + m * t.c_step + 16 * j, sums[m][j]);
  }
}

#endif

}  // namespace

F32Micro f32_micro_portable() { return {4, 8, portable_tile}; }
#if ORRERY_X86_KERNELS
F32Micro f32_micro_avx2() { return {6, 16, avx2_tile}; }
F32Micro f32_micro_avx512() { return {12, 32, avx512_tile}; }
#endif

}  // namespace orrery::gpu
