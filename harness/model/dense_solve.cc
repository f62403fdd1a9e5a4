#include "harness/model/dense_solve.h"

#include <algorithm>
#include <cmath>

#include "engine/base/ensure.h"

namespace orrery::model {
namespace {

constexpr std::size_t kRows = 8;  // that a row above them is subtracted from while it is in a cache

// row -= factor * above, both from column `first` on.
void subtract(const double* __restrict above, double factor, double* __restrict row,
              std::size_t first, std::size_t n) {
  for (std::size_t i = first; i < n; ++i) row[i] -= factor * above[i];
}

}  // namespace

// An element is a sum over the rows above it, from the first to the last.
void factorise(std::vector<double>& a, std::size_t n) {
  for (std::size_t block = 0; block < n; block += kRows) {
    const std::size_t end = std::min(block + kRows, n);
    for (std::size_t k = 0; k < block; ++k) {
      const double* above = &a[k * n];
      for (std::size_t j = block; j < end; ++j) subtract(above, above[j], &a[j * n], j, n);
    }
    for (std::size_t j = block; j < end; ++j) {
      double* row = &a[j * n];
      for (std::size_t k = block; k < j; ++k) subtract(&a[k * n], a[k * n + j], row, j, n);
      ENSURE(row[j] > 0, "a positive definite matrix");
      row[j] = std::sqrt(row[j]);
      for (std::size_t i = j + 1; i < n; ++i) row[i] /= row[j];
    }
  }
}

void solve(const std::vector<double>& u, std::span<double> x) {
  const std::size_t n = x.size();
  for (std::size_t k = 0; k < n; ++k) {
    x[k] /= u[k * n + k];
    subtract(&u[k * n], x[k], x.data(), k + 1, n);
  }
  for (std::size_t i = n; i-- > 0;) {
    for (std::size_t k = i + 1; k < n; ++k) x[i] -= u[i * n + k] * x[k];
    x[i] /= u[i * n + i];
  }
}

}  // namespace orrery::model
