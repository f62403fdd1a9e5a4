// Tiles of rows x panels whose accumulators stay in registers. Few rows (decoding) are bound by
// reading the weights once: one panel at a time, in the order of memory, with several chains of
// sums so that the latency of the instruction does not show. Many rows (prompts, batches) are
// bound by arithmetic: up to 12 rows by 2 panels, 24 accumulators of the 32 registers.
#include <cstring>
#include <utility>

#include "gpu/cpu/gemm_x86.h"

#if ORRERY_X86_KERNELS
#include <immintrin.h>

namespace orrery::gpu {
namespace {

#define ORRERY_VNNI __attribute__((target("avx512f,avx512bw,avx512vnni")))

constexpr std::uint32_t kPanel = QuantMatrix::kPanel;
constexpr std::uint32_t kGroup = QuantMatrix::kGroup;
constexpr std::uint32_t kGroupBytes = kPanel * kGroup;
constexpr std::uint32_t kMaxRows = 12;
constexpr std::size_t kAhead = 8192;  // bytes of weights prefetched ahead

struct Tile {
  const std::int8_t* weights;  // first panel; the next follows
  const std::int32_t* sums;    // row sums of the weights
  std::uint32_t groups;
  const std::uint8_t* rows;
  std::size_t stride;
  std::int32_t* acc;
  std::size_t acc_stride;
};

ORRERY_VNNI inline __m512i load_group(const std::uint8_t* a) {
  std::int32_t four;
  std::memcpy(&four, a, sizeof(four));
  return _mm512_set1_epi32(four);
}

// What q + 128 adds to each output, negated.
ORRERY_VNNI inline __m512i correction(const std::int32_t* sums) {
  return _mm512_sub_epi32(_mm512_setzero_si512(), _mm512_slli_epi32(_mm512_load_si512(sums), 7));
}

template <int kRows, int kPanels>
ORRERY_VNNI void wide_tile(const Tile& t) {
  __m512i sums[kRows][kPanels];
#pragma GCC unroll 12
  for (int p = 0; p < kPanels; ++p) {
    const __m512i start = correction(t.sums + p * kPanel);
#pragma GCC unroll 12
    for (int m = 0; m < kRows; ++m) sums[m][p] = start;
  }
  const std::size_t panel_bytes = std::size_t{t.groups} * kGroupBytes;
  const std::int8_t* w = t.weights;
  for (std::uint32_t g = 0; g < t.groups; ++g, w += kGroupBytes) {
    __m512i v[kPanels];
#pragma GCC unroll 12
    for (int p = 0; p < kPanels; ++p) {
      _mm_prefetch(w + p * panel_bytes + kAhead, _MM_HINT_T0);
      v[p] = _mm512_load_si512(w + p * panel_bytes);
    }
#pragma GCC unroll 12
    for (int m = 0; m < kRows; ++m) {
      const __m512i x = load_group(t.rows + m * t.stride + g * kGroup);
#pragma GCC unroll 12
      for (int p = 0; p < kPanels; ++p) sums[m][p] = _mm512_dpbusd_epi32(sums[m][p], x, v[p]);
    }
  }
#pragma GCC unroll 12
  for (int m = 0; m < kRows; ++m) {
#pragma GCC unroll 12
    for (int p = 0; p < kPanels; ++p) {
      _mm512_storeu_si512(t.acc + m * t.acc_stride + p * kPanel, sums[m][p]);
    }
  }
}

// One panel, the groups dealt out to kChains sums a row.
template <int kRows, int kChains>
ORRERY_VNNI void narrow_tile(const Tile& t) {
  __m512i sums[kRows][kChains];
#pragma GCC unroll 12
  for (int m = 0; m < kRows; ++m) {
    sums[m][0] = correction(t.sums);
#pragma GCC unroll 12
    for (int c = 1; c < kChains; ++c) sums[m][c] = _mm512_setzero_si512();
  }
  const std::int8_t* w = t.weights;
  std::uint32_t g = 0;
  for (; g + kChains <= t.groups; g += kChains, w += kChains * kGroupBytes) {
#pragma GCC unroll 12
    for (int c = 0; c < kChains; ++c) {
      _mm_prefetch(w + kAhead + c * kGroupBytes, _MM_HINT_T0);
      const __m512i v = _mm512_load_si512(w + c * kGroupBytes);
#pragma GCC unroll 12
      for (int m = 0; m < kRows; ++m) {
        const __m512i x = load_group(t.rows + m * t.stride + (g + c) * kGroup);
        sums[m][c] = _mm512_dpbusd_epi32(sums[m][c], x, v);
      }
    }
  }
  for (; g < t.groups; ++g, w += kGroupBytes) {
    const __m512i v = _mm512_load_si512(w);
#pragma GCC unroll 12
    for (int m = 0; m < kRows; ++m) {
      const __m512i x = load_group(t.rows + m * t.stride + g * kGroup);
      sums[m][0] = _mm512_dpbusd_epi32(sums[m][0], x, v);
    }
  }
#pragma GCC unroll 12
  for (int m = 0; m < kRows; ++m) {
    __m512i total = sums[m][0];
#pragma GCC unroll 12
    for (int c = 1; c < kChains; ++c) total = _mm512_add_epi32(total, sums[m][c]);
    _mm512_storeu_si512(t.acc + m * t.acc_stride, total);
  }
}

using TileFunction = void (*)(const Tile&);

// Rows 1 to kMaxRows over one panel and over two.
constexpr TileFunction kOnePanel[kMaxRows] = {
    narrow_tile<1, 8>, narrow_tile<2, 4>, narrow_tile<3, 4>, narrow_tile<4, 4>,
    narrow_tile<5, 2>, narrow_tile<6, 2>, narrow_tile<7, 2>, narrow_tile<8, 2>,
    wide_tile<9, 1>,   wide_tile<10, 1>,  wide_tile<11, 1>,  wide_tile<12, 1>};
constexpr TileFunction kTwoPanels[kMaxRows] = {
    wide_tile<1, 2>, wide_tile<2, 2>,  wide_tile<3, 2>,  wide_tile<4, 2>,
    wide_tile<5, 2>, wide_tile<6, 2>,  wide_tile<7, 2>,  wide_tile<8, 2>,
    wide_tile<9, 2>, wide_tile<10, 2>, wide_tile<11, 2>, wide_tile<12, 2>};
// From this many rows on, arithmetic outweighs reading the weights.
constexpr std::uint32_t kTwoPanelRows = 9;

}  // namespace

ORRERY_VNNI void multiply_vnni(const QuantMatrix& matrix, const RowBatch& batch, PartRange panels,
                               std::int32_t* acc, std::uint32_t acc_stride) {
  const std::uint32_t tiles = (batch.count + kMaxRows - 1) / kMaxRows;
  for (std::uint32_t p = panels.begin; p < panels.end;) {
    const bool two = batch.count >= kTwoPanelRows && p + 2 <= panels.end;
    for (std::uint32_t i = 0; i < tiles; ++i) {
      const PartRange rows = part_range(batch.count, i, tiles);
      const Tile tile{.weights = matrix.panel(p),
                      .sums = matrix.row_sums() + std::size_t{p} * kPanel,
                      .groups = matrix.groups(),
                      .rows = batch.data + std::size_t{rows.begin} * batch.stride,
                      .stride = batch.stride,
                      .acc = acc + std::size_t{rows.begin} * acc_stride + p * kPanel,
                      .acc_stride = acc_stride};
      (two ? kTwoPanels : kOnePanel)[rows.end - rows.begin - 1](tile);
    }
    p += two ? 2 : 1;
  }
}

}  // namespace orrery::gpu

#endif
