// The kernels of attribution, as bodies (see bodies.h): random projections, Gram matrices and the
// best scores in integers, inner products of gradients in exact-f32.
#pragma once

#include "gpu/api/exact/signs.h"
#include "gpu/api/f32_math.h"
#include "gpu/cuda/bodies.h"

namespace orrery::gpu::bodies {

// out[row][column] = the sum over parameters of sign(parameter, column) * q[row][parameter], for
// fewer than 2^24 parameters (127 * 2^24 < 2^31). Items: rows x width / kColumns.
struct SignProjection {
  static constexpr Lanes kLanes = Lanes::kBlock;
  static constexpr std::uint32_t kColumns = 32;  // one word of a draw; sums a lane keeps
  const std::int8_t* q;                          // rows x parameters
  std::uint32_t rows;
  std::uint32_t parameters;
  std::uint32_t width;  // a multiple of exact::kSignsADraw
  std::uint64_t seed;
  std::int32_t* out;  // rows x width

  std::uint32_t items() const { return rows * (width / kColumns); }

  template <class Group>
  ORRERY_HOST_DEVICE void operator()(const Group& group, std::uint32_t item) const {
    const std::uint32_t words = width / kColumns;
    const std::uint32_t word = item % words;
    const std::int8_t* row = q + std::size_t{item / words} * parameters;
    std::int32_t sums[kColumns];
    group.sums(static_cast<std::int32_t>(parameters), sums,
               [&](std::int32_t j, std::int32_t(&to)[kColumns]) {
                 const std::int32_t v = row[j];
                 if (v == 0) return;
                 const exact::SignWords drawn =
                     exact::draw_signs(seed, static_cast<std::uint32_t>(j), word / 4);
                 const std::uint32_t bits = drawn.w[word % 4];
                 ORRERY_UNROLL
                 for (std::uint32_t k = 0; k < kColumns; ++k) {
                   to[k] += exact::signed_by(bits, k, v);
                 }
               });
    group.one([&] {
      std::int32_t* to = out + std::size_t{item / words} * width + std::size_t{word} * kColumns;
      for (std::uint32_t k = 0; k < kColumns; ++k) to[k] = sums[k];
    });
  }
};

// out[i][j] = the inner product of int8 rows a[i] and b[j], in 64 bits. Rows are padded with zeros
// to `stride`, a multiple of 16, and b to whole groups of kRows rows. Items: rows of a x groups of
// rows of b.
struct GramColumn {
  static constexpr Lanes kLanes = Lanes::kBlock;
  static constexpr std::uint32_t kRows = 8;
  const std::int8_t* a;
  const std::int8_t* b;
  std::uint32_t a_rows;
  std::uint32_t b_rows;
  std::uint32_t stride;
  std::int64_t* out;  // a_rows x b_rows

  std::uint32_t items() const { return a_rows * ((b_rows + kRows - 1) / kRows); }

  template <class Group>
  ORRERY_HOST_DEVICE void operator()(const Group& group, std::uint32_t item) const {
    const std::uint32_t i = item % a_rows;
    const std::uint32_t first = item / a_rows * kRows;
    const auto* left = reinterpret_cast<const Chunk*>(a + std::size_t{i} * stride);
    const std::size_t chunks = stride / sizeof(Chunk);
    const auto* right = reinterpret_cast<const Chunk*>(b + std::size_t{first} * stride);
    std::int64_t sums[kRows];
    group.sums(static_cast<std::int32_t>(chunks), sums,
               [&](std::int32_t c, std::int64_t(&to)[kRows]) {
                 const Chunk x = left[c];
                 ORRERY_UNROLL
                 for (std::uint32_t r = 0; r < kRows; ++r) {
                   const Chunk y = right[r * chunks + static_cast<std::size_t>(c)];
                   std::int32_t product = 0;
                   for (int k = 0; k < 4; ++k) product = dot4(x.words[k], y.words[k], product);
                   to[r] += product;
                 }
               });
    group.one([&] {
      for (std::uint32_t r = 0; r < kRows; ++r) {
        if (first + r < b_rows) out[std::size_t{i} * b_rows + first + r] = sums[r];
      }
    });
  }
};

// best[row][0..k): the columns of the largest scores, larger first, lower column among equals.
// Items: rows.
struct BestScores {
  static constexpr Lanes kLanes = Lanes::kBlock;
  const std::int64_t* scores;  // rows x columns
  std::uint32_t rows;
  std::uint32_t columns;
  std::uint32_t k;  // at most columns
  std::uint32_t* best;

  std::uint32_t items() const { return rows; }

  // Maps the order of int64 to that of uint64; never 0, but for the least score of all.
  ORRERY_HOST_DEVICE static constexpr std::uint64_t ordered(std::int64_t score) {
    return static_cast<std::uint64_t>(score) ^ std::uint64_t{1} << 63;
  }

  template <class Group>
  ORRERY_HOST_DEVICE void operator()(const Group& group, std::uint32_t row) const {
    const std::int64_t* z = scores + std::size_t{row} * columns;
    const auto n = static_cast<std::int32_t>(columns);
    std::uint64_t last = UINT64_MAX;   // score that was found last
    std::uint32_t found = UINT32_MAX;  // its column; none yet
    for (std::uint32_t rank = 0; rank < k; ++rank) {
      // What comes after the last: smaller scores, or equal ones further on.
      const auto after = [&](std::int32_t i) {
        const std::uint64_t score = ordered(z[i]);
        if (found == UINT32_MAX || score < last) return true;
        return score == last && static_cast<std::uint32_t>(i) > found;
      };
      const std::uint64_t top =
          group.max(n, [&](std::int32_t i) { return after(i) ? ordered(z[i]) : 0; });
      const std::uint64_t column = group.max(n, [&](std::int32_t i) -> std::uint64_t {
        if (!after(i) || ordered(z[i]) != top) return 0;
        return UINT32_MAX - static_cast<std::uint32_t>(i);
      });
      last = top;
      found = UINT32_MAX - static_cast<std::uint32_t>(column);
      group.one([&] { best[std::size_t{row} * k + rank] = found; });
    }
  }
};

// out[i][j] = the inner product of float rows, one chain of fused multiply-adds in ascending order
// from +0: exact-f32, as gpu/cpu/f32_gemm.h defines it. A lane owns an output. Items: outputs.
struct F32Gram {
  static constexpr Lanes kLanes = Lanes::kThread;
  const float* a;
  const float* b;
  std::uint32_t a_rows;
  std::uint32_t b_rows;
  std::uint32_t width;
  float* out;  // a_rows x b_rows

  std::uint32_t items() const { return a_rows * b_rows; }

  template <class Group>
  ORRERY_HOST_DEVICE void operator()(const Group&, std::uint32_t item) const {
    const float* x = a + std::size_t{item / b_rows} * width;
    const float* y = b + std::size_t{item % b_rows} * width;
    float acc = 0;
    for (std::uint32_t k = 0; k < width; ++k) acc = fma_f32(x[k], y[k], acc);
    out[item] = acc;
  }
};

}  // namespace orrery::gpu::bodies
