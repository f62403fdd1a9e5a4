#include <cstring>

#include "gpu/cpu/gemm_x86.h"

#if ORRERY_X86_KERNELS
#include <immintrin.h>

namespace orrery::gpu {
namespace {

#define ORRERY_AVX2 __attribute__((target("avx2")))

constexpr std::uint32_t kPanel = QuantMatrix::kPanel;
constexpr std::uint32_t kGroup = QuantMatrix::kGroup;

// 16 weights (4 outputs) times 4 activations, as two 16-bit products summed: |sum| <= 2 * 127^2.
ORRERY_AVX2 inline __m256i pairs(const std::int8_t* w, __m256i x) {
  const __m256i v = _mm256_cvtepi8_epi16(_mm_load_si128(reinterpret_cast<const __m128i*>(w)));
  return _mm256_madd_epi16(v, x);
}

// Adds the two halves of each output; `low` holds outputs 0..3, `high` outputs 4..7.
ORRERY_AVX2 inline __m256i fold(__m256i low, __m256i high) {
  return _mm256_permute4x64_epi64(_mm256_hadd_epi32(low, high), 0xD8);
}

template <int kRows>
ORRERY_AVX2 inline void tile(const QuantMatrix& matrix, std::uint32_t p, const std::uint8_t* a,
                             std::uint32_t stride, std::int32_t* acc, std::uint32_t acc_stride) {
  const std::int8_t* w = matrix.panel(p);
  const __m256i bias = _mm256_set1_epi16(128);
  __m256i sums[kRows][4];
  for (int m = 0; m < kRows; ++m) {
    for (int j = 0; j < 4; ++j) sums[m][j] = _mm256_setzero_si256();
  }
  for (std::uint32_t g = 0; g < matrix.groups(); ++g, w += kPanel * kGroup) {
    for (int m = 0; m < kRows; ++m) {
      std::int32_t four;
      std::memcpy(&four, a + static_cast<std::size_t>(m) * stride + g * kGroup, sizeof(four));
      const __m256i x = _mm256_sub_epi16(_mm256_cvtepu8_epi16(_mm_set1_epi32(four)), bias);
      for (int j = 0; j < 4; ++j) {
        sums[m][j] = _mm256_add_epi32(sums[m][j], pairs(w + 16 * j, x));
      }
    }
  }
  for (int m = 0; m < kRows; ++m) {
    auto* out =
        reinterpret_cast<__m256i*>(acc + static_cast<std::size_t>(m) * acc_stride + p * kPanel);
    _mm256_storeu_si256(out, fold(sums[m][0], sums[m][1]));
    _mm256_storeu_si256(out + 1, fold(sums[m][2], sums[m][3]));
  }
}

}  // namespace

ORRERY_AVX2 void multiply_avx2(const QuantMatrix& matrix, const RowBatch& batch, PartRange panels,
                               std::int32_t* acc, std::uint32_t acc_stride) {
  for (std::uint32_t p = panels.begin; p < panels.end; ++p) {
    std::uint32_t m = 0;
    for (; m + 2 <= batch.count; m += 2) {
      tile<2>(matrix, p, batch.data + static_cast<std::size_t>(m) * batch.stride, batch.stride,
              acc + static_cast<std::size_t>(m) * acc_stride, acc_stride);
    }
    if (m < batch.count) {
      tile<1>(matrix, p, batch.data + static_cast<std::size_t>(m) * batch.stride, batch.stride,
              acc + static_cast<std::size_t>(m) * acc_stride, acc_stride);
    }
  }
}

}  // namespace orrery::gpu

#endif
