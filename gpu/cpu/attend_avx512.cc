#include "gpu/cpu/attend_avx512.h"

#include <cstring>

#include "gpu/api/exact/attention.h"
#include "gpu/cpu/avx512.h"

#if ORRERY_X86_KERNELS

namespace orrery::gpu {
namespace {

using avx512::first16;
using avx512::high_half;
using avx512::low_half;
using avx512::RowScale;

ORRERY_AVX512_INLINE __m512i join(__m256i low, __m256i high) {
  return _mm512_inserti64x4(_mm512_castsi256_si512(low), high, 1);
}

ORRERY_AVX512_INLINE __m512i broadcast4(const void* p) {
  std::int32_t four;
  std::memcpy(&four, p, sizeof(four));
  return _mm512_set1_epi32(four);
}

// weights[t] = base-2 logits in Q16; returns the number of clamps. Keys are the unsigned operand
// (k + 128), so every sum starts from -128 times the query's.
ORRERY_AVX512_INLINE std::uint64_t scores(const HeadInput& head, __m512i& top) {
  const KvLayout& layout = head.cache.layout;
  std::int32_t query_sum = 0;
  for (std::uint32_t i = 0; i < head.width; ++i) query_sum += head.query[i];
  const __m512i start = _mm512_set1_epi32(-128 * query_sum);
  const RowScale scale = avx512::row_scale(head.scale);
  std::uint64_t clamps = 0;
  top = _mm512_set1_epi32(INT32_MIN);
  for (std::uint32_t t = 0; t < head.count; t += KvLayout::kKeyPanel) {
    const std::uint32_t b = t / layout.block;
    const std::uint32_t slot = t % layout.block;
    const std::uint8_t* keys = head.cache.keys(b) + layout.key_index(slot, 0);
    __m512i even = start;
    __m512i odd = _mm512_setzero_si512();
    std::uint32_t g = 0;
    for (; g + 2 <= layout.groups; g += 2) {
      even = _mm512_dpbusd_epi32(even, _mm512_load_si512(keys + g * 64),
                                 broadcast4(head.query + g * 4));
      odd = _mm512_dpbusd_epi32(odd, _mm512_load_si512(keys + g * 64 + 64),
                                broadcast4(head.query + g * 4 + 4));
    }
    if (g < layout.groups) {
      even = _mm512_dpbusd_epi32(even, _mm512_load_si512(keys + g * 64),
                                 broadcast4(head.query + g * 4));
    }
    const __m512i acc = _mm512_add_epi32(even, odd);
    const __mmask16 active = first16(head.count - t);
    const exact::SoftScale* scales = head.cache.scales(b) + slot;
    const __m512i z0 = avx512::requantise(low_half(acc), scale, _mm512_load_si512(scales));
    const __m512i z1 = avx512::requantise(high_half(acc), scale, _mm512_load_si512(scales + 8));
    const __m512i z = join(avx512::saturate32(z0, static_cast<__mmask8>(active), clamps),
                           avx512::saturate32(z1, static_cast<__mmask8>(active >> 8), clamps));
    top = _mm512_mask_max_epi32(top, active, top, z);
    _mm512_storeu_si512(head.weights + t, z);
  }
  return clamps;
}

// exact::exp2_negative.
ORRERY_AVX512_INLINE __m512i exp2_negative(__m512i d, const std::int32_t* table) {
  const __m512i whole = _mm512_srli_epi32(d, 16);
  const __m512i byte = _mm512_set1_epi32(255);
  const __m512i i = _mm512_and_si512(_mm512_srli_epi32(d, 8), byte);
  const __m512i fraction = _mm512_and_si512(d, byte);
  const __m512i here = _mm512_i32gather_epi32(i, table, 4);
  const __m512i next = _mm512_i32gather_epi32(i, table + 1, 4);
  const __m512i step = _mm512_mullo_epi32(_mm512_sub_epi32(here, next), fraction);
  const __m512i v =
      _mm512_sub_epi32(here, _mm512_srai_epi32(_mm512_add_epi32(step, _mm512_set1_epi32(128)), 8));
  const __m512i shift = _mm512_min_epu32(whole, _mm512_set1_epi32(30));
  const __m512i half = _mm512_srli_epi32(_mm512_sllv_epi32(_mm512_set1_epi32(1), shift), 1);
  const __m512i rounded = _mm512_srav_epi32(_mm512_add_epi32(v, half), shift);
  const __mmask16 inside = _mm512_cmple_epu32_mask(whole, _mm512_set1_epi32(30));
  return _mm512_maskz_mov_epi32(inside, rounded);
}

// Weights in Q15 as packed int16. The one weight that can be 2^15, which int16 cannot hold, is
// stored as 2^15 - 1 and named by `full`.
struct Weights {
  std::int32_t total = 0;
  std::uint32_t full = UINT32_MAX;
};

// exact::softmax_q15 over head.weights, whose largest entry is `top`; packs the result in place.
ORRERY_AVX512_INLINE Weights softmax(const HeadInput& head, std::int32_t top) {
  const std::int32_t* table = exact::exp2_table();
  const __m512i highest = _mm512_set1_epi32(top);
  __m512i sum = _mm512_setzero_si512();
  for (std::uint32_t t = 0; t < head.count; t += 16) {
    const __m512i z = _mm512_loadu_si512(head.weights + t);
    const __m512i e = _mm512_maskz_mov_epi32(first16(head.count - t),
                                             exp2_negative(_mm512_sub_epi32(highest, z), table));
    _mm512_storeu_si512(head.weights + t, e);
    sum = _mm512_add_epi64(sum, _mm512_add_epi64(low_half(e), high_half(e)));
  }
  const auto all = static_cast<std::uint64_t>(_mm512_reduce_add_epi64(sum));
  const __m512i inverse =
      _mm512_set1_epi64(static_cast<std::int64_t>((std::uint64_t{1} << 62) / all));
  const __m512i full = _mm512_set1_epi32(1 << 15);
  __m512i total = _mm512_setzero_si512();
  Weights weights;
  auto* packed = reinterpret_cast<std::uint8_t*>(head.weights);
  for (std::uint32_t t = 0; t < head.count; t += 16) {
    const __m512i e = _mm512_loadu_si512(head.weights + t);
    const __m512i p0 = avx512::rsh<47>(_mm512_mullo_epi64(low_half(e), inverse));
    const __m512i p1 = avx512::rsh<47>(_mm512_mullo_epi64(high_half(e), inverse));
    const __m512i p = join(_mm512_cvtepi64_epi32(p0), _mm512_cvtepi64_epi32(p1));
    total = _mm512_add_epi32(total, p);
    if (const __mmask16 at = _mm512_cmpeq_epi32_mask(p, full); __builtin_expect(at, 0)) {
      weights.full = t + static_cast<std::uint32_t>(__builtin_ctz(at));
    }
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(packed + std::size_t{t} * 2),
                        _mm512_cvtsepi32_epi16(p));
  }
  weights.total = _mm512_reduce_add_epi32(total);
  return weights;
}

// out[16 c ..] = sum over positions of p * v for kChunks chunks of 16 components from chunk c on.
template <int kChunks>
ORRERY_AVX512_INLINE void weigh(const HeadInput& head, std::uint32_t first, std::int32_t* out) {
  const KvLayout& layout = head.cache.layout;
  const auto* packed = reinterpret_cast<const std::uint8_t*>(head.weights);
  __m512i sums[2][kChunks];
  for (int c = 0; c < kChunks; ++c) sums[0][c] = sums[1][c] = _mm512_setzero_si512();
  const std::size_t pair_stride = std::size_t{layout.value_width} * 2;
  for (std::uint32_t start = 0, b = 0; start < head.count; start += layout.block, ++b) {
    const std::uint32_t left = head.count - start;
    const std::uint32_t pairs = ((left < layout.block ? left : layout.block) + 1) / 2;
    const std::int16_t* v = head.cache.values(b) + std::size_t{first} * 32;
    const std::uint8_t* p = packed + std::size_t{start} * 2;
    std::uint32_t i = 0;
    for (; i + 2 <= pairs; i += 2, v += 2 * pair_stride, p += 8) {
      for (int chain = 0; chain < 2; ++chain) {
        const __m512i weight = broadcast4(p + chain * 4);
        for (int c = 0; c < kChunks; ++c) {
          sums[chain][c] = _mm512_dpwssd_epi32(sums[chain][c], weight,
                                               _mm512_load_si512(v + chain * pair_stride + c * 32));
        }
      }
    }
    for (; i < pairs; ++i, v += pair_stride, p += 4) {
      const __m512i weight = broadcast4(p);
      for (int c = 0; c < kChunks; ++c) {
        sums[0][c] = _mm512_dpwssd_epi32(sums[0][c], weight, _mm512_load_si512(v + c * 32));
      }
    }
  }
  for (int c = 0; c < kChunks; ++c) {
    const std::uint32_t at = (first + static_cast<std::uint32_t>(c)) * 16;
    _mm512_mask_storeu_epi32(out + at, first16(head.width - at),
                             _mm512_add_epi32(sums[0][c], sums[1][c]));
  }
}

// exact::weighted_mean of a row. The quotient comes from a reciprocal: with P >= 2^14 and
// a < 2^38, a * floor(2^40 / P) < 2^64 and its quotient by 2^40 is at most one too small.
ORRERY_AVX512_INLINE void divide(std::int32_t* out, std::uint32_t n, std::int32_t total) {
  if (total < 1 << 14) {
    for (std::uint32_t i = 0; i < n; ++i) out[i] = exact::weighted_mean(out[i], total);
    return;
  }
  const __m512i p = _mm512_set1_epi64(total);
  const __m512i half = _mm512_set1_epi64(total / 2);
  const __m512i reciprocal = _mm512_set1_epi64((std::int64_t{1} << 40) / total);
  for (std::uint32_t i = 0; i < n; i += 8) {
    const __mmask8 active = avx512::first8(n - i);
    const __m512i o = _mm512_cvtepi32_epi64(_mm256_maskz_loadu_epi32(active, out + i));
    const __m512i a =
        _mm512_add_epi64(_mm512_slli_epi64(_mm512_abs_epi64(o), 16 - exact::kValueBits), half);
    __m512i y = _mm512_srli_epi64(_mm512_mullo_epi64(a, reciprocal), 40);
    const __m512i rest = _mm512_sub_epi64(a, _mm512_mullo_epi64(y, p));
    y = _mm512_mask_add_epi64(y, _mm512_cmpge_epi64_mask(rest, p), y, _mm512_set1_epi64(1));
    const __m512i sign = _mm512_srai_epi64(o, 63);
    y = _mm512_sub_epi64(_mm512_xor_si512(y, sign), sign);
    _mm256_mask_storeu_epi32(out + i, active, _mm512_cvtepi64_epi32(y));
  }
}

}  // namespace

ORRERY_AVX512 std::uint64_t attend_avx512(const HeadInput& head, std::int32_t* out) {
  __m512i tops;
  const std::uint64_t clamps = scores(head, tops);
  const Weights weights = softmax(head, _mm512_reduce_max_epi32(tops));
  const KvLayout& layout = head.cache.layout;
  const std::uint32_t chunks = layout.value_width / 16;
  std::uint32_t c = 0;
  for (; c + 4 <= chunks; c += 4) weigh<4>(head, c, out);
  switch (chunks - c) {
    case 3: weigh<3>(head, c, out); break;
    case 2: weigh<2>(head, c, out); break;
    case 1: weigh<1>(head, c, out); break;
    default: break;
  }
  if (weights.full != UINT32_MAX) {  // the unit that packing took away
    const std::int16_t* values = head.cache.values(weights.full / layout.block);
    for (std::uint32_t i = 0; i < head.width; ++i) {
      out[i] += values[layout.value_index(weights.full % layout.block, i)];
    }
  }
  divide(out, head.width, weights.total);
  return clamps;
}

}  // namespace orrery::gpu

#endif
