// Gradients as rows of a matrix, of documents and after them of queries, and how alike they are.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "engine/base/result.h"
#include "gpu/api/aligned.h"
#include "harness/model/attribution.h"

namespace orrery::model {

struct GradientRows {
  GradientRows(std::size_t rows, std::size_t columns)
      : count(rows), width(columns), values(rows * columns) {}

  std::span<float> row(std::size_t i) { return std::span(values).subspan(i * width, width); }
  std::span<const float> row(std::size_t i) const {
    return std::span(values).subspan(i * width, width);
  }
  std::span<const float> rows(std::size_t first, std::size_t many) const {
    return std::span(values).subspan(first * width, many * width);
  }

  std::size_t count;
  std::size_t width;
  gpu::AlignedVector<float> values;
};

// Makes the row of unit length (zeros stay) and returns the length that it had.
double normalise(std::span<float> row);
// All of them.
std::vector<double> normalise(GradientRows& g);

// Inner products of rows `a` with rows `b`, all of one width: one row of results for each of a.
// Exact-f32: the same bits on threads and on an accelerator, whose failures are passed on.
struct RowPairs {
  std::span<const float> a;
  std::span<const float> b;
  std::size_t width;
};
Result<std::vector<float>> inner_products(const RowPairs& pairs, const Workers& workers);

// Influence of the first `documents` rows, of unit length, on the others: with G the documents'
// rows and K = G G^T, (K + I)^-1 G q for each query q: damped by K's mean eigenvalue, which is one.
// Where rows are shorter than many, G (G^T G + I)^-1 q, which is the same, with G^T G between the
// columns of each block of `blocks` (their widths, which add up to the rows'; none: all are one)
// and zero between columns of different blocks. One row of documents a query.
Result<std::vector<double>> damped_influence(const GradientRows& g, std::size_t documents,
                                             std::span<const std::size_t> blocks,
                                             const Workers& workers);

}  // namespace orrery::model
