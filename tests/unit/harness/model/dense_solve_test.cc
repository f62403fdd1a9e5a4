#include "harness/model/dense_solve.h"

#include <gtest/gtest.h>

#include <cmath>

#include "engine/base/ensure.h"
#include "engine/base/random.h"

namespace orrery::model {
namespace {

// Row after row and in one sum an element: what the blocked form must give to the bit.
std::vector<double> factor_by_hand(std::vector<double> a, std::size_t n) {
  for (std::size_t j = 0; j < n; ++j) {
    for (std::size_t i = j; i < n; ++i) {
      double sum = a[j * n + i];
      for (std::size_t k = 0; k < j; ++k) sum -= a[k * n + j] * a[k * n + i];
      a[j * n + i] = i == j ? std::sqrt(sum) : sum / a[j * n + j];
    }
  }
  return a;
}

// B^T B + I for a random B.
std::vector<double> positive_definite(std::size_t n) {
  RandomStream random(n, 0, stream_id("test.matrix"));
  std::vector<double> b(n * n);
  for (double& v : b) v = static_cast<double>(random.below(2001)) / 1000.0 - 1.0;
  std::vector<double> a(n * n);
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < n; ++j) {
      for (std::size_t k = 0; k < n; ++k) a[i * n + j] += b[k * n + i] * b[k * n + j];
    }
    a[i * n + i] += 1;
  }
  return a;
}

TEST(DenseSolve, BlocksGiveTheBitsOfOneSumAnElement) {
  for (const std::size_t n : {1u, 7u, 8u, 9u, 37u}) {
    auto a = positive_definite(n);
    const auto want = factor_by_hand(a, n);
    factorise(a, n);
    EXPECT_EQ(a, want) << n;
  }
}

TEST(DenseSolve, TheSolutionSolves) {
  const std::size_t n = 41;
  const auto a = positive_definite(n);
  std::vector<double> b;
  for (std::size_t i = 0; i < n; ++i) b.push_back(static_cast<double>(i) - 20);
  auto factor = a;
  factorise(factor, n);
  auto x = b;
  solve(factor, x);
  for (std::size_t i = 0; i < n; ++i) {
    double product = 0;
    for (std::size_t j = 0; j < n; ++j) product += a[i * n + j] * x[j];
    EXPECT_NEAR(product, b[i], 1e-9);
  }
}

TEST(DenseSolve, SaysThatAMatrixIsNotPositiveDefinite) {
  std::vector<double> a{1, 2, 2, 1};
  EXPECT_THROW(factorise(a, 2), EnsureFailure);
}

}  // namespace
}  // namespace orrery::model
