// Checking a product of int8 matrices for less than it costs (R. Freivalds, "Probabilistic machines
// can use less running time", 1977): with a secret vector r, C = A W^T holds only if C r = A (W^T
// r), and W^T r is computed once a model. A wrong C passes with probability at most 2^-20.
#pragma once

#include <cstdint>
#include <vector>

#include "gpu/api/model.h"

namespace orrery::gpu {

// A worker's claim: int32 accumulators of `count` quantised rows.
struct ProductClaim {
  const std::int8_t* rows;  // count x row_stride: the matrix's inputs first
  std::size_t row_stride;
  const std::int32_t* products;  // count x product_stride: the matrix's outputs first
  std::size_t product_stride;
  std::uint32_t count;
};

// The key must stay with the validator that drew it: who knows r can forge. Entries of r are
// 20-bit.
class FreivaldsKey {
 public:
  // Every sum stays exact: |C| <= 127^2 K is checked first, so both sides are below
  // 127^2 K 2^20 N < 2^34 K N, and K N <= 2^28 keeps them inside int64 (ENSURE).
  FreivaldsKey(const QuantMatrix& matrix, std::uint64_t secret);

  // True if every row of the claim passes.
  bool accepts(const ProductClaim& claim) const;

 private:
  std::uint32_t inputs_;
  std::int64_t bound_;                // 127^2 K
  std::vector<std::int32_t> random_;  // r, one an output
  std::vector<std::int64_t> mixed_;   // W^T r, one an input
};

}  // namespace orrery::gpu
