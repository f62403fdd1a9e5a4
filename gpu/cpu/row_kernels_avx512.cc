#include "gpu/api/exact/row.h"
#include "gpu/cpu/attend_avx512.h"
#include "gpu/cpu/avx512.h"
#include "gpu/cpu/row_kernels.h"

#if ORRERY_X86_KERNELS

namespace orrery::gpu {
namespace {

using avx512::first16;
using avx512::first8;
using avx512::high_half;
using avx512::low_half;
using avx512::make_shift;
using avx512::requantise;
using avx512::row_scale;
using avx512::RowScale;
using avx512::rsh;
using avx512::saturate32;
using avx512::Shift;
using exact::SoftScale;

ORRERY_AVX512 std::uint64_t requantise_row(const Requantise& row) {
  const RowScale scale = row_scale(row.row);
  std::uint64_t clamps = 0;
  std::uint32_t i = 0;
  for (; i + 8 <= row.n; i += 8) {
    auto* y = reinterpret_cast<__m256i*>(row.values + i);
    const __m512i acc = _mm512_cvtepi32_epi64(_mm256_loadu_si256(y));
    const __m512i columns = _mm512_loadu_si512(row.columns + i);
    _mm256_storeu_si256(y, saturate32(requantise(acc, scale, columns), 0xff, clamps));
  }
  if (i < row.n) {
    const __mmask8 rest = first8(row.n - i);
    const __m512i acc = _mm512_cvtepi32_epi64(_mm256_maskz_loadu_epi32(rest, row.values + i));
    const __m512i columns = _mm512_maskz_loadu_epi64(rest, row.columns + i);
    _mm256_mask_storeu_epi32(row.values + i, rest,
                             saturate32(requantise(acc, scale, columns), rest, clamps));
  }
  return clamps;
}

ORRERY_AVX512_INLINE __m512i silu(__m512i x, const std::int32_t* table) {
  const __m512i a = _mm512_min_epu32(_mm512_abs_epi32(x), _mm512_set1_epi32(16 << 16));
  const __m512i i = _mm512_srli_epi32(a, 10);
  const __m512i fraction = _mm512_and_si512(a, _mm512_set1_epi32(1023));
  const __m512i low = _mm512_i32gather_epi32(i, table, 4);
  const __m512i high = _mm512_i32gather_epi32(i, table + 1, 4);
  const __m512i step = _mm512_mullo_epi32(_mm512_sub_epi32(high, low), fraction);
  const __m512i g =
      _mm512_add_epi32(low, _mm512_srai_epi32(_mm512_add_epi32(step, _mm512_set1_epi32(512)), 10));
  const __mmask16 negative = _mm512_cmplt_epi32_mask(x, _mm512_setzero_si512());
  const __m512i sided = _mm512_mask_sub_epi32(g, negative, _mm512_set1_epi32(1 << 28), g);
  const __m512i y0 = rsh<28>(_mm512_mul_epi32(low_half(x), low_half(sided)));
  const __m512i y1 = rsh<28>(_mm512_mul_epi32(high_half(x), high_half(sided)));
  return _mm512_inserti64x4(_mm512_castsi256_si512(_mm512_cvtepi64_epi32(y0)),
                            _mm512_cvtepi64_epi32(y1), 1);
}

ORRERY_AVX512 std::uint64_t gate_row(const std::int32_t* gate, const std::int32_t* up,
                                     std::int32_t* out, std::uint32_t n) {
  const std::int32_t* table = exact::sigmoid_table();
  std::uint64_t clamps = 0;
  for (std::uint32_t i = 0; i < n; i += 16) {
    const __mmask16 active = first16(n - i);
    const __m512i s = silu(_mm512_maskz_loadu_epi32(active, gate + i), table);
    const __m512i u = _mm512_maskz_loadu_epi32(active, up + i);
    const __m256i y0 =
        saturate32(rsh<16>(_mm512_mul_epi32(low_half(s), low_half(u))), 0xff, clamps);
    const __m256i y1 =
        saturate32(rsh<16>(_mm512_mul_epi32(high_half(s), high_half(u))), 0xff, clamps);
    const __m512i y = _mm512_inserti64x4(_mm512_castsi256_si512(y0), y1, 1);
    _mm512_mask_storeu_epi32(out + i, active, y);
  }
  return clamps;
}

ORRERY_AVX512 void gelu_row(const std::int32_t* x, std::int32_t* out, std::uint32_t n) {
  for (std::uint32_t i = 0; i < n; i += 16) {
    const __mmask16 active = first16(n - i);
    const __m512i v = _mm512_maskz_loadu_epi32(active, x + i);
    _mm512_mask_storeu_epi32(out + i, active, silu(v, exact::gelu_table()));
  }
}

ORRERY_AVX512 std::uint64_t add_row(std::int32_t* x, const std::int32_t* y, std::uint32_t n) {
  std::uint64_t clamps = 0;
  for (std::uint32_t i = 0; i < n; i += 8) {
    const __mmask8 active = first8(n - i);
    const __m512i a = _mm512_cvtepi32_epi64(_mm256_maskz_loadu_epi32(active, x + i));
    const __m512i b = _mm512_cvtepi32_epi64(_mm256_maskz_loadu_epi32(active, y + i));
    _mm256_mask_storeu_epi32(x + i, active, saturate32(_mm512_add_epi64(a, b), active, clamps));
  }
  return clamps;
}

ORRERY_AVX512_INLINE std::uint64_t largest(const std::int32_t* x, std::uint32_t n) {
  __m512i top = _mm512_setzero_si512();
  for (std::uint32_t i = 0; i < n; i += 16) {
    const __m512i v = _mm512_maskz_loadu_epi32(first16(n - i), x + i);
    top = _mm512_max_epu32(top, _mm512_abs_epi32(v));
  }
  return _mm512_reduce_max_epu32(top);
}

// The factors of exact::quantise_row for the largest magnitude a > 0.
struct Quantiser {
  int shift;
  std::int64_t top;
  std::int64_t inverse;
};
ORRERY_AVX512_INLINE Quantiser quantiser(std::uint64_t a) {
  const int shift = exact::bit_length(a) - 30;
  const std::int64_t top = exact::rsh(static_cast<std::int64_t>(a), shift);
  return {shift, top, (std::int64_t{127} << 54) / top};
}

ORRERY_AVX512_INLINE SoftScale quantised_scale(const Quantiser& by, int e) {
  return exact::soft((static_cast<std::uint64_t>(by.top) << 31) / 127, e + by.shift - 31);
}

ORRERY_AVX512_INLINE void store_biased(std::uint8_t* q, __m512i values, __mmask8 active) {
  const __m128i bytes = _mm_xor_si128(_mm512_cvtepi64_epi8(values), _mm_set1_epi8(-128));
  if (active == 0xff) {
    _mm_storel_epi64(reinterpret_cast<__m128i*>(q), bytes);
  } else {
    _mm_mask_storeu_epi8(q, active, bytes);
  }
}

ORRERY_AVX512_INLINE void fill_zero(std::uint8_t* q, std::uint32_t n) {
  for (std::uint32_t i = 0; i < n; ++i) q[i] = 128;
}

ORRERY_AVX512 SoftScale quantise_row(const std::int32_t* u, std::uint32_t n, std::uint8_t* q) {
  const std::uint64_t a = largest(u, n);
  if (a == 0) {
    fill_zero(q, n);
    return {};
  }
  const Quantiser by = quantiser(a);
  const Shift shift = make_shift(by.shift);
  const __m512i inverse = _mm512_set1_epi64(by.inverse);
  for (std::uint32_t i = 0; i < n; i += 8) {
    const __mmask8 active = first8(n - i);
    const __m512i v = _mm512_cvtepi32_epi64(_mm256_maskz_loadu_epi32(active, u + i));
    store_biased(q + i, rsh<54>(_mm512_mullo_epi64(rsh(v, shift), inverse)), active);
  }
  return quantised_scale(by, -16);
}

ORRERY_AVX512 SoftScale norm_row(const NormInput& in, std::uint8_t* q) {
  const int raw = exact::bit_length(largest(in.x, in.n)) - 23;
  const int shift = raw < -14 ? -14 : raw;
  const Shift by_shift = make_shift(shift);
  __m512i squares = _mm512_setzero_si512();
  __m512i top = _mm512_setzero_si512();
  for (std::uint32_t i = 0; i < in.n; i += 8) {
    const __mmask8 active = first8(in.n - i);
    const __m512i x = _mm512_cvtepi32_epi64(_mm256_maskz_loadu_epi32(active, in.x + i));
    const __m512i gain = _mm512_cvtepi16_epi64(_mm_maskz_loadu_epi16(active, in.gain + i));
    const __m512i y = rsh(x, by_shift);
    squares = _mm512_add_epi64(squares, _mm512_mul_epi32(y, y));
    const __m512i u = _mm512_mul_epi32(y, gain);
    top = _mm512_max_epu64(top, _mm512_abs_epi64(u));
    _mm512_mask_storeu_epi64(in.wide + i, active, u);
  }
  const std::uint64_t a = _mm512_reduce_max_epu64(top);
  if (a == 0) {
    fill_zero(q, in.n);
    return {};
  }
  const Quantiser by = quantiser(a);
  const Shift narrow = make_shift(by.shift);
  const __m512i inverse = _mm512_set1_epi64(by.inverse);
  for (std::uint32_t i = 0; i < in.n; i += 8) {
    const __mmask8 active = first8(in.n - i);
    const __m512i u = _mm512_maskz_loadu_epi64(active, in.wide + i);
    store_biased(q + i, rsh<54>(_mm512_mullo_epi64(rsh(u, narrow), inverse)), active);
  }
  const std::int64_t sum =
      exact::rsh(exact::kNormEpsilonQ40 * in.n, 2 * shift + 8) + _mm512_reduce_add_epi64(squares);
  const SoftScale inverse_root =
      exact::soft_inverse(exact::soft_sqrt(static_cast<std::uint64_t>(sum)));
  return exact::soft_mul(quantised_scale(by, -14),
                         exact::soft_mul(inverse_root, exact::soft_sqrt(in.n)));
}

ORRERY_AVX512 std::uint64_t rotate_row(std::int32_t* x, std::uint32_t half,
                                       const std::int32_t* cosine, const std::int32_t* sine) {
  std::uint64_t clamps = 0;
  for (std::uint32_t i = 0; i < half; i += 8) {
    const __mmask8 active = first8(half - i);
    const __m512i a = _mm512_cvtepi32_epi64(_mm256_maskz_loadu_epi32(active, x + i));
    const __m512i b = _mm512_cvtepi32_epi64(_mm256_maskz_loadu_epi32(active, x + half + i));
    const __m512i c = _mm512_cvtepi32_epi64(_mm256_maskz_loadu_epi32(active, cosine + i));
    const __m512i s = _mm512_cvtepi32_epi64(_mm256_maskz_loadu_epi32(active, sine + i));
    const __m512i first = _mm512_sub_epi64(_mm512_mul_epi32(a, c), _mm512_mul_epi32(b, s));
    const __m512i second = _mm512_add_epi64(_mm512_mul_epi32(a, s), _mm512_mul_epi32(b, c));
    _mm256_mask_storeu_epi32(x + i, active, saturate32(rsh<30>(first), active, clamps));
    _mm256_mask_storeu_epi32(x + half + i, active, saturate32(rsh<30>(second), active, clamps));
  }
  return clamps;
}

// Short beside the products of its model, so the compiler's vectors do.
ORRERY_AVX512 std::uint64_t layer_norm_row(const LayerNormInput& in, std::int32_t* out) {
  std::uint64_t clamps = 0;
  exact::layer_norm_row(in.norm.x, in.norm.gain, in.bias, static_cast<std::int32_t>(in.norm.n),
                        in.norm.wide, out, clamps);
  return clamps;
}

}  // namespace

RowKernels row_kernels_avx512() {
  return {requantise_row, gate_row,       gelu_row,   add_row,      quantise_row,
          norm_row,       layer_norm_row, rotate_row, attend_avx512};
}

}  // namespace orrery::gpu

#endif
