#include "gpu/cpu/gemm.h"

#include <cstring>

#include "engine/base/ensure.h"

#if defined(__x86_64__)
#include <immintrin.h>
#define ORRERY_X86_KERNELS 1
#else
#define ORRERY_X86_KERNELS 0
#endif

namespace orrery::gpu {
namespace {

constexpr std::uint32_t kPanel = QuantMatrix::kPanel;
constexpr std::uint32_t kGroup = QuantMatrix::kGroup;
constexpr std::uint32_t kGroupBytes = kPanel * kGroup;

void portable(const QuantMatrix& matrix, const RowBatch& batch, std::int32_t* acc,
              std::uint32_t acc_stride) {
  for (std::uint32_t p = 0; p < matrix.panels(); ++p) {
    for (std::uint32_t m = 0; m < batch.count; ++m) {
      const std::int8_t* w = matrix.panel(p);
      const std::int8_t* a = batch.data + static_cast<std::size_t>(m) * batch.stride;
      std::int32_t sums[kPanel] = {};
      for (std::uint32_t g = 0; g < matrix.groups(); ++g, w += kGroupBytes, a += kGroup) {
        for (std::uint32_t j = 0; j < kPanel; ++j) {
          const std::int8_t* v = w + j * kGroup;
          sums[j] += v[0] * a[0] + v[1] * a[1] + v[2] * a[2] + v[3] * a[3];
        }
      }
      std::memcpy(acc + static_cast<std::size_t>(m) * acc_stride + p * kPanel, sums, sizeof(sums));
    }
  }
}

#if ORRERY_X86_KERNELS

// Four activations of a row as one 32-bit value.
inline std::int32_t load_group(const std::int8_t* a) {
  std::int32_t v;
  std::memcpy(&v, a, sizeof(v));
  return v;
}

// kRows rows against one panel. Activations go in as a + 128 (unsigned), which adds 128 * row_sum
// to each output, so sums start from its negative.
template <int kRows>
__attribute__((target("avx512f,avx512bw,avx512vnni"))) inline void vnni_tile(
    const QuantMatrix& matrix, std::uint32_t p, const std::int8_t* a, std::uint32_t stride,
    std::int32_t* acc, std::uint32_t acc_stride) {
  const std::int8_t* w = matrix.panel(p);
  const __m512i flip = _mm512_set1_epi8(-128);
  __m512i sums[kRows];
  const __m512i offset = _mm512_mullo_epi32(_mm512_loadu_si512(matrix.row_sums() + p * kPanel),
                                            _mm512_set1_epi32(-128));
  for (int m = 0; m < kRows; ++m) sums[m] = offset;
  for (std::uint32_t g = 0; g < matrix.groups(); ++g) {
    const __m512i weights = _mm512_loadu_si512(w + static_cast<std::size_t>(g) * kGroupBytes);
    for (int m = 0; m < kRows; ++m) {
      const std::int8_t* row = a + static_cast<std::size_t>(m) * stride;
      const __m512i x = _mm512_xor_si512(_mm512_set1_epi32(load_group(row + g * kGroup)), flip);
      sums[m] = _mm512_dpbusd_epi32(sums[m], x, weights);
    }
  }
  for (int m = 0; m < kRows; ++m) {
    _mm512_storeu_si512(acc + static_cast<std::size_t>(m) * acc_stride + p * kPanel, sums[m]);
  }
}

// 16 weights (4 outputs) times 4 activations, as two 16-bit products summed: |sum| <= 2 * 127^2.
__attribute__((target("avx2"))) inline __m256i avx2_pairs(const std::int8_t* w, __m256i x) {
  const __m256i v = _mm256_cvtepi8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(w)));
  return _mm256_madd_epi16(v, x);
}

// Adds the two halves of each output; `low` holds outputs 0..3, `high` outputs 4..7.
__attribute__((target("avx2"))) inline __m256i avx2_fold(__m256i low, __m256i high) {
  return _mm256_permute4x64_epi64(_mm256_hadd_epi32(low, high), 0xD8);
}

template <int kRows>
__attribute__((target("avx2"))) inline void avx2_tile(const QuantMatrix& matrix, std::uint32_t p,
                                                      const std::int8_t* a, std::uint32_t stride,
                                                      std::int32_t* acc, std::uint32_t acc_stride) {
  const std::int8_t* w = matrix.panel(p);
  __m256i sums[kRows][4];
  for (int m = 0; m < kRows; ++m) {
    for (int j = 0; j < 4; ++j) sums[m][j] = _mm256_setzero_si256();
  }
  for (std::uint32_t g = 0; g < matrix.groups(); ++g, w += kGroupBytes) {
    for (int m = 0; m < kRows; ++m) {
      const std::int8_t* row = a + static_cast<std::size_t>(m) * stride;
      const __m128i bytes = _mm_set1_epi32(load_group(row + g * kGroup));
      const __m256i x = _mm256_cvtepi8_epi16(bytes);
      for (int j = 0; j < 4; ++j) {
        sums[m][j] = _mm256_add_epi32(sums[m][j], avx2_pairs(w + 16 * j, x));
      }
    }
  }
  for (int m = 0; m < kRows; ++m) {
    auto* out =
        reinterpret_cast<__m256i*>(acc + static_cast<std::size_t>(m) * acc_stride + p * kPanel);
    _mm256_storeu_si256(out, avx2_fold(sums[m][0], sums[m][1]));
    _mm256_storeu_si256(out + 1, avx2_fold(sums[m][2], sums[m][3]));
  }
}

// Walks panels, and within a panel rows in tiles; the last rows go one at a time.
#define ORRERY_TILED_KERNEL(name, tile, rows, isa)                                                \
  __attribute__((target(isa))) void name(const QuantMatrix& matrix, const RowBatch& batch,        \
                                         std::int32_t* acc, std::uint32_t acc_stride) {           \
    for (std::uint32_t p = 0; p < matrix.panels(); ++p) {                                         \
      std::uint32_t m = 0;                                                                        \
      for (; m + rows <= batch.count; m += rows) {                                                \
        tile<rows>(matrix, p, batch.data + static_cast<std::size_t>(m) * batch.stride,            \
                   batch.stride, acc + static_cast<std::size_t>(m) * acc_stride, acc_stride);     \
      }                                                                                           \
      for (; m < batch.count; ++m) {                                                              \
        tile<1>(matrix, p, batch.data + static_cast<std::size_t>(m) * batch.stride, batch.stride, \
                acc + static_cast<std::size_t>(m) * acc_stride, acc_stride);                      \
      }                                                                                           \
    }                                                                                             \
  }
ORRERY_TILED_KERNEL(vnni, vnni_tile, 8, "avx512f,avx512bw,avx512vnni")
ORRERY_TILED_KERNEL(avx2, avx2_tile, 2, "avx2")
#undef ORRERY_TILED_KERNEL

#endif

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

void multiply(Kernel kernel, const QuantMatrix& matrix, const RowBatch& batch, std::int32_t* acc,
              std::uint32_t acc_stride) {
  ENSURE(batch.stride >= matrix.groups() * kGroup && acc_stride >= matrix.panels() * kPanel,
         "rows are padded to whole groups and panels");
  switch (kernel) {
#if ORRERY_X86_KERNELS
    case Kernel::kAvx2: return avx2(matrix, batch, acc, acc_stride);
    case Kernel::kAvx512Vnni: return vnni(matrix, batch, acc, acc_stride);
#endif
    default: return portable(matrix, batch, acc, acc_stride);
  }
}

}  // namespace orrery::gpu
