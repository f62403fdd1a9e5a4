// Blocking after Goto and van de Geijn ("Anatomy of high-performance matrix multiplication", 2008):
// a slice of b is packed whole, blocks of a are packed by their thread, and a tile of c stays in
// registers for kDepth steps of k. Between slices c holds the chains, which loses no bit.
#include "gpu/cpu/f32_gemm.h"

#include <algorithm>
#include <cstring>

#include "engine/base/ensure.h"
#include "gpu/cpu/f32_micro.h"

namespace orrery::gpu {
namespace {

constexpr std::size_t kDepth = 1024;    // k of a slice: c is read and written once a slice
constexpr std::size_t kBlockRows = 48;  // rows of a block of a: a fraction of the second cache
constexpr std::size_t kLargestTile = 12 * 32;

F32Micro micro_of([[maybe_unused]] Kernel kernel) {
#if ORRERY_X86_KERNELS
  if (kernel == Kernel::kAvx512Vnni) return f32_micro_avx512();
  if (kernel == Kernel::kAvx2) return f32_micro_avx2();
#endif
  return f32_micro_portable();
}

constexpr std::size_t round_up(std::size_t n, std::size_t unit) {
  return (n + unit - 1) / unit * unit;
}

// A strip of `width` vectors along k, interleaved: to[k * width + i]; missing vectors are zero.
struct Strip {
  const float* data;
  std::size_t step;    // between vectors
  std::size_t k_step;  // along k
  std::size_t present;
  std::size_t width;
};

void pack(const F32Micro& micro, const Strip& s, std::size_t k, float* to) {
  if (s.step == 1 && s.present == s.width) {
    for (std::size_t i = 0; i < k; ++i) {
      std::memcpy(to + i * s.width, s.data + i * s.k_step, s.width * sizeof(float));
    }
    return;
  }
  std::size_t first = 0;
  if (s.k_step == 1 && micro.transpose8 != nullptr) {
    for (; first + 8 <= s.present; first += 8) {
      const float* from = s.data + first * s.step;
      std::size_t i = 0;
      for (; i + 8 <= k; i += 8) {
        micro.transpose8(from + i, s.step, to + i * s.width + first, s.width);
      }
      for (; i < k; ++i) {
        for (std::size_t j = 0; j < 8; ++j) to[i * s.width + first + j] = from[j * s.step + i];
      }
    }
  }
  for (std::size_t j = first; j < s.present; ++j) {
    const float* from = s.data + j * s.step;
    for (std::size_t i = 0; i < k; ++i) to[i * s.width + j] = from[i * s.k_step];
  }
  for (std::size_t j = s.present; j < s.width; ++j) {
    for (std::size_t i = 0; i < k; ++i) to[i * s.width + j] = 0.0f;
  }
}

// A tile that may stick out of c goes through a tile of its own.
void run_tile(const F32Micro& micro, F32Tile tile, std::size_t rows, std::size_t cols) {
  if (rows == micro.rows && cols == micro.cols) return micro.run(tile);
  alignas(kCacheLine) float whole[kLargestTile] = {};
  float* c = tile.c;
  const std::size_t c_step = tile.c_step;
  if (tile.accumulate) {
    for (std::size_t m = 0; m < rows; ++m) {
      std::copy_n(c + m * c_step, cols, whole + m * micro.cols);
    }
  }
  tile.c = whole;
  tile.c_step = micro.cols;
  micro.run(tile);
  for (std::size_t m = 0; m < rows; ++m) {
    std::copy_n(whole + m * micro.cols, cols, c + m * c_step);
  }
}

}  // namespace

F32Gemm::F32Gemm(Kernel kernel, Parallel* parallel, std::size_t share_from)
    : kernel_(kernel),
      parallel_(parallel != nullptr ? *parallel : serial_),
      share_from_(share_from),
      tile_rows_(micro_of(kernel).rows),
      tile_cols_(micro_of(kernel).cols),
      packed_a_(parallel_.width()) {
  ENSURE(tile_rows_ * tile_cols_ <= kLargestTile, "room for a whole tile");
  for (auto& a : packed_a_) a.resize(kDepth * round_up(kBlockRows, tile_rows_));
}

void F32Gemm::multiply(const F32Product& p) {
  ENSURE(p.c_step >= p.n, "rows of the product do not overlap");
  if (p.k == 0 && !p.accumulate) {
    for (std::size_t m = 0; m < p.m; ++m) std::fill_n(p.c + m * p.c_step, p.n, 0.0f);
  }
  for (std::size_t k = 0; k < p.k; k += kDepth) {
    block(p, k, std::min(k + kDepth, p.k), p.accumulate || k > 0);
  }
}

void F32Gemm::block(const F32Product& p, std::size_t k0, std::size_t k1, bool accumulate) {
  const std::size_t depth = k1 - k0;
  Parallel& parallel = p.m * p.n * depth < share_from_ ? serial_ : parallel_;
  const std::size_t strips = (p.n + tile_cols_ - 1) / tile_cols_;
  packed_b_.resize(std::max(packed_b_.size(), strips * tile_cols_ * depth));
  const std::size_t tiles = (p.m + tile_rows_ - 1) / tile_rows_;
  const F32Micro micro = micro_of(kernel_);
  parallel.each_part([&](std::uint32_t part) {
    const PartRange mine = part_range(static_cast<std::uint32_t>(strips), part, parallel.width());
    for (std::size_t s = mine.begin; s < mine.end; ++s) {
      const std::size_t n = s * tile_cols_;
      pack(micro,
           {.data = p.b.data + k0 * p.b.row_step + n * p.b.col_step,
            .step = p.b.col_step,
            .k_step = p.b.row_step,
            .present = std::min(tile_cols_, p.n - n),
            .width = tile_cols_},
           depth, packed_b_.data() + n * depth);
    }
  });
  parallel.each_part([&](std::uint32_t part) {
    const PartRange mine = part_range(static_cast<std::uint32_t>(tiles), part, parallel.width());
    rows_part(p, mine, k0, k1, accumulate, part);
  });
}

void F32Gemm::rows_part(const F32Product& p, PartRange tiles, std::size_t k0, std::size_t k1,
                        bool accumulate, std::uint32_t part) {
  const F32Micro micro = micro_of(kernel_);
  const std::size_t depth = k1 - k0;
  const std::size_t last = std::min(std::size_t{tiles.end} * tile_rows_, p.m);
  float* packed = packed_a_[part].data();
  const std::size_t block_rows = kBlockRows / tile_rows_ * tile_rows_;
  for (std::size_t m0 = std::size_t{tiles.begin} * tile_rows_; m0 < last; m0 += block_rows) {
    const std::size_t m1 = std::min(m0 + block_rows, last);
    for (std::size_t m = m0; m < m1; m += tile_rows_) {
      pack(micro,
           {.data = p.a.data + m * p.a.row_step + k0 * p.a.col_step,
            .step = p.a.row_step,
            .k_step = p.a.col_step,
            .present = std::min(tile_rows_, m1 - m),
            .width = tile_rows_},
           depth, packed + (m - m0) * depth);
    }
    for (std::size_t n = 0; n < p.n; n += tile_cols_) {
      for (std::size_t m = m0; m < m1; m += tile_rows_) {
        run_tile(micro,
                 {.k = depth,
                  .a = packed + (m - m0) * depth,
                  .b = packed_b_.data() + n * depth,
                  .c = p.c + m * p.c_step + n,
                  .c_step = p.c_step,
                  .accumulate = accumulate},
                 std::min(tile_rows_, m1 - m), std::min(tile_cols_, p.n - n));
      }
    }
  }
}

}  // namespace orrery::gpu
