// Vector forms of the arithmetic of gpu/api/exact/fixed.h, eight 64-bit lanes at a time. For the
// AVX-512 kernels only.
#pragma once

#include "gpu/cpu/gemm_x86.h"

#if ORRERY_X86_KERNELS
#include <immintrin.h>

#include "gpu/api/exact/fixed.h"

#define ORRERY_AVX512 \
  __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,popcnt")))
#define ORRERY_AVX512_INLINE ORRERY_AVX512 __attribute__((always_inline)) inline

namespace orrery::gpu::avx512 {

// rsh by one amount for all lanes.
struct Shift {
  __m512i half;
  __m128i right;
  __m128i left;
};

ORRERY_AVX512_INLINE Shift make_shift(int s) {
  const std::int64_t half = s > 0 ? std::int64_t{1} << (s - 1) : 0;
  return {_mm512_set1_epi64(half), _mm_cvtsi32_si128(s > 0 ? s : 0),
          _mm_cvtsi32_si128(s > 0 ? 0 : -s)};
}

ORRERY_AVX512_INLINE __m512i rsh(__m512i x, const Shift& s) {
  return _mm512_sra_epi64(_mm512_add_epi64(_mm512_sll_epi64(x, s.left), s.half), s.right);
}

template <int kShift>
ORRERY_AVX512_INLINE __m512i rsh(__m512i x) {
  return _mm512_srai_epi64(_mm512_add_epi64(x, _mm512_set1_epi64(std::int64_t{1} << (kShift - 1))),
                           kShift);
}

ORRERY_AVX512_INLINE __m256i saturate32(__m512i y, __mmask8 active, std::uint64_t& clamps) {
  const __m256i z = _mm512_cvtsepi64_epi32(y);
  const __mmask8 differ = _mm512_mask_cmpneq_epi64_mask(active, _mm512_cvtepi32_epi64(z), y);
  clamps += static_cast<std::uint64_t>(__builtin_popcount(differ));
  return z;
}

// A SoftScale is one 64-bit lane: m in the low half, e in the high half.
struct RowScale {
  __m512i m;
  __m512i offset;  // -(e + 47)
};

ORRERY_AVX512_INLINE RowScale row_scale(exact::SoftScale row) {
  return {_mm512_set1_epi64(row.m), _mm512_set1_epi64(-(std::int64_t{row.e} + 47))};
}

// exact::requantise of eight accumulators.
ORRERY_AVX512_INLINE __m512i requantise(__m512i acc, const RowScale& row, __m512i columns) {
  const __m512i one = _mm512_set1_epi64(1);
  const __m512i mc = _mm512_srli_epi64(
      _mm512_add_epi64(_mm512_mul_epu32(columns, row.m), _mm512_set1_epi64(std::int64_t{1} << 30)),
      31);
  const __m512i product = _mm512_mul_epi32(acc, mc);
  const __m512i shift = _mm512_sub_epi64(row.offset, _mm512_srai_epi64(columns, 32));
  const __mmask8 below = _mm512_cmplt_epi64_mask(shift, one);
  const __mmask8 above = _mm512_cmpgt_epi64_mask(shift, _mm512_set1_epi64(62));
  // Counts past 63 give the sign, which the masks replace below.
  __m512i y = _mm512_srav_epi64(product, _mm512_sub_epi64(shift, one));
  y = _mm512_srai_epi64(_mm512_add_epi64(y, one), 1);
  if (__builtin_expect(below | above, 0)) {
    const __m512i sign = _mm512_srai_epi64(product, 63);
    __m512i huge = _mm512_xor_si512(_mm512_set1_epi64(INT64_MAX), sign);
    huge = _mm512_maskz_mov_epi64(_mm512_test_epi64_mask(product, product), huge);
    y = _mm512_mask_mov_epi64(y, below, huge);
    y = _mm512_mask_mov_epi64(y, above, _mm512_setzero_si512());
  }
  return y;
}

// The lanes below n of eight, or of sixteen.
ORRERY_AVX512_INLINE __mmask8 first8(std::uint32_t n) {
  return n >= 8 ? __mmask8{0xff} : static_cast<__mmask8>((1u << n) - 1);
}
ORRERY_AVX512_INLINE __mmask16 first16(std::uint32_t n) {
  return n >= 16 ? __mmask16{0xffff} : static_cast<__mmask16>((1u << n) - 1);
}

ORRERY_AVX512_INLINE __m512i low_half(__m512i x) {
  return _mm512_cvtepi32_epi64(_mm512_castsi512_si256(x));
}
ORRERY_AVX512_INLINE __m512i high_half(__m512i x) {
  return _mm512_cvtepi32_epi64(_mm512_extracti64x4_epi64(x, 1));
}

}  // namespace orrery::gpu::avx512

#endif
