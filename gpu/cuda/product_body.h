// Matrix products of exact-f32 for accelerators, as a body (see bodies.h).
#pragma once

#include "gpu/api/f32_math.h"
#include "gpu/cuda/bodies.h"

namespace orrery::gpu::bodies {

// Element (r, c) of matrix (outer, inner) lies at
//   data[outer * outer_step + inner * inner_step + r * row_step + c * col_step]:
// heads of sequences are many matrices, a transposed one has its steps exchanged.
template <class T>
struct Strided {
  T* data;
  std::size_t row_step;
  std::size_t col_step;
  std::size_t outer_step = 0;
  std::size_t inner_step = 0;

  ORRERY_HOST_DEVICE T* matrix(std::uint32_t outer, std::uint32_t inner) const {
    return data + outer * outer_step + inner * inner_step;
  }
};

// to = from, rows x cols of each matrix: with the steps exchanged, a transposition. Items:
// elements.
struct StridedCopy {
  static constexpr Lanes kLanes = Lanes::kThread;
  std::uint32_t rows;
  std::uint32_t cols;
  Strided<const float> from;
  Strided<float> to;
  std::uint32_t outer = 1;  // matrices: outer x inner
  std::uint32_t inner = 1;

  std::uint32_t items() const { return outer * inner * rows * cols; }

  template <class Group>
  ORRERY_HOST_DEVICE void operator()(const Group&, std::uint32_t item) const {
    const std::uint32_t which = item / (rows * cols);
    const std::size_t row = item % (rows * cols) / cols;
    const std::size_t col = item % cols;
    to.matrix(which / inner, which % inner)[row * to.row_step + col * to.col_step] =
        from.matrix(which / inner, which % inner)[row * from.row_step + col * from.col_step];
  }
};

// c (m x n) of each matrix: one chain of fused multiply-adds an output,
//   acc = fma(a[m][k], b[k][n], acc), k ascending, from +0, or from the old output,
// as gpu/cpu/f32_gemm.h has it. A lane owns a tile of outputs: kTile rows that follow each other,
// and columns as far apart as there are tiles, so that neighbours read neighbours. Items: tiles.
struct F32Products {
  static constexpr Lanes kLanes = Lanes::kThread;
  static constexpr std::uint32_t kTile = 4;
  std::uint32_t m;
  std::uint32_t n;
  std::uint32_t k;         // positive, as m and n
  Strided<const float> a;  // m x k
  Strided<const float> b;  // k x n
  Strided<float> c;
  bool accumulate = false;
  std::uint32_t outer = 1;  // matrices: outer x inner
  std::uint32_t inner = 1;

  ORRERY_HOST_DEVICE static constexpr std::uint32_t tiles(std::uint32_t count) {
    return (count + kTile - 1) / kTile;
  }
  std::uint32_t items() const { return outer * inner * tiles(m) * tiles(n); }

  template <class Group>
  ORRERY_HOST_DEVICE void operator()(const Group&, std::uint32_t item) const {
    const std::uint32_t across = tiles(n);
    const std::uint32_t which = item / (across * tiles(m));
    const std::uint32_t tile = item % (across * tiles(m));
    const std::uint32_t top = tile / across * kTile;
    const std::uint32_t left = tile % across;
    const float* x = a.matrix(which / inner, which % inner);
    const float* y = b.matrix(which / inner, which % inner);
    float* z = c.matrix(which / inner, which % inner);
    // Outputs beyond the edge do the edge's work again and are not written.
    const float* row[kTile];
    const float* col[kTile];
    float acc[kTile][kTile];
    ORRERY_UNROLL
    for (std::uint32_t i = 0; i < kTile; ++i) {
      row[i] = x + at_most(top + i, m - 1) * a.row_step;
      col[i] = y + at_most(left + i * across, n - 1) * b.col_step;
    }
    ORRERY_UNROLL
    for (std::uint32_t i = 0; i < kTile; ++i) {
      ORRERY_UNROLL
      for (std::uint32_t j = 0; j < kTile; ++j) {
        acc[i][j] = accumulate ? z[at_most(top + i, m - 1) * c.row_step +
                                   at_most(left + j * across, n - 1) * c.col_step]
                               : 0.0f;
      }
    }
    for (std::uint32_t step = 0; step < k; ++step) {
      float u[kTile];
      float v[kTile];
      ORRERY_UNROLL
      for (std::uint32_t i = 0; i < kTile; ++i) {
        u[i] = row[i][step * a.col_step];
        v[i] = col[i][step * b.row_step];
      }
      ORRERY_UNROLL
      for (std::uint32_t i = 0; i < kTile; ++i) {
        ORRERY_UNROLL
        for (std::uint32_t j = 0; j < kTile; ++j) acc[i][j] = fma_f32(u[i], v[j], acc[i][j]);
      }
    }
    ORRERY_UNROLL
    for (std::uint32_t i = 0; i < kTile; ++i) {
      ORRERY_UNROLL
      for (std::uint32_t j = 0; j < kTile; ++j) {
        if (top + i >= m || left + j * across >= n) continue;
        z[(top + i) * c.row_step + (left + j * across) * c.col_step] = acc[i][j];
      }
    }
  }

 private:
  ORRERY_HOST_DEVICE static constexpr std::uint32_t at_most(std::uint32_t i, std::uint32_t last) {
    return i < last ? i : last;
  }
};

}  // namespace orrery::gpu::bodies
