// Matrix products of the numeric class exact-f32: each output is one chain of fused multiply-adds,
//   acc = fma(a[m][k], b[k][n], acc), k ascending, starting from +0 (or from the old output),
// so the bits do not depend on the shape of tiles, on threads, on batches or on the processor.
// Vectors run over outputs, never over k.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "gpu/api/aligned.h"
#include "gpu/cpu/gemm.h"
#include "gpu/cpu/parallel.h"

namespace orrery::gpu {

// An element (r, c) lies at data[r * row_step + c * col_step]: a transposed matrix is the same data
// with the steps exchanged.
struct MatrixView {
  const float* data;
  std::size_t row_step;
  std::size_t col_step;
};
inline MatrixView by_rows(const float* data, std::size_t cols) { return {data, cols, 1}; }
inline MatrixView transposed(const float* data, std::size_t cols) { return {data, 1, cols}; }

struct F32Product {
  std::size_t m = 0;
  std::size_t n = 0;
  std::size_t k = 0;
  MatrixView a{};  // m x k
  MatrixView b{};  // k x n
  float* c = nullptr;
  std::size_t c_step = 0;   // from row to row of c, at least n
  bool accumulate = false;  // chains start from c instead of +0
};

// Multiply-adds below which handing parts to other threads costs more than it saves: about ten
// microseconds of one core.
inline constexpr std::size_t kWorkWorthSharing = std::size_t{1} << 20;

// Owns the packing buffers. The kernel must be available; kAvx512Vnni stands for AVX-512 here.
// Not thread-safe; products of at least `share_from` multiply-adds run on the threads of
// `parallel`, if given, which must outlive it.
class F32Gemm {
 public:
  explicit F32Gemm(Kernel kernel, Parallel* parallel = nullptr,
                   std::size_t share_from = kWorkWorthSharing);
  F32Gemm(const F32Gemm&) = delete;  // refers to itself
  F32Gemm& operator=(const F32Gemm&) = delete;
  // m, n, k of any size; k = 0 gives zeros (or leaves c).
  void multiply(const F32Product& product);

 private:
  void block(const F32Product& product, std::size_t k0, std::size_t k1, bool accumulate);
  void rows_part(const F32Product& product, PartRange rows, std::size_t k0, std::size_t k1,
                 bool accumulate, std::uint32_t part);

  Kernel kernel_;
  Serial serial_;
  Parallel& parallel_;
  std::size_t share_from_;
  std::size_t tile_rows_;
  std::size_t tile_cols_;
  AlignedVector<float> packed_b_;
  std::vector<AlignedVector<float>> packed_a_;  // a part
};

}  // namespace orrery::gpu
