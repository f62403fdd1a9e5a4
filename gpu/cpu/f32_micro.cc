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
    for (int j = 0; j < 2; ++j) {
      sums[m][j] = _mm512_setzero_ps();
      // Needed at the end only: on its way while the products are made.
      if (!t.accumulate) _mm_prefetch(t.c + m * t.c_step + 16 * j, _MM_HINT_T0);
    }
  }
  if (t.accumulate) {
#pragma GCC unroll 12
    for (int m = 0; m < kRows; ++m) {
      for (int j = 0; j < 2; ++j) sums[m][j] = _mm512_loadu_ps(t.c + m * t.c_step + 16 * j);
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

__attribute__((target("avx"))) void transpose8(const float* from, std::size_t step, float* to,
                                               std::size_t to_step) {
  __m256 r[8];
#pragma GCC unroll 8
  for (int j = 0; j < 8; ++j) r[j] = _mm256_loadu_ps(from + j * step);
  __m256 pairs[8];  // of lines 2i and 2i + 1, interleaved
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) {
    pairs[2 * i] = _mm256_unpacklo_ps(r[2 * i], r[2 * i + 1]);
    pairs[2 * i + 1] = _mm256_unpackhi_ps(r[2 * i], r[2 * i + 1]);
  }
  __m256 quads[8];  // of lines 4i .. 4i + 3
#pragma GCC unroll 2
  for (int i = 0; i < 2; ++i) {
    const __m256* p = pairs + 4 * i;
    quads[4 * i] = _mm256_shuffle_ps(p[0], p[2], 0x44);
    quads[4 * i + 1] = _mm256_shuffle_ps(p[0], p[2], 0xEE);
    quads[4 * i + 2] = _mm256_shuffle_ps(p[1], p[3], 0x44);
    quads[4 * i + 3] = _mm256_shuffle_ps(p[1], p[3], 0xEE);
  }
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) {
    _mm256_storeu_ps(to + i * to_step, _mm256_permute2f128_ps(quads[i], quads[4 + i], 0x20));
    _mm256_storeu_ps(to + (i + 4) * to_step, _mm256_permute2f128_ps(quads[i], quads[4 + i], 0x31));
  }
}

#endif

}  // namespace

F32Micro f32_micro_portable() { return {4, 8, portable_tile, nullptr}; }
#if ORRERY_X86_KERNELS
F32Micro f32_micro_avx2() { return {6, 16, avx2_tile, transpose8}; }
F32Micro f32_micro_avx512() { return {12, 32, avx512_tile, transpose8}; }
#endif

}  // namespace orrery::gpu
