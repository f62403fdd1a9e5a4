#include "gpu/cpu/gemm.h"

#include <gtest/gtest.h>

#include <vector>

#include "engine/base/random.h"

namespace orrery::gpu {
namespace {

constexpr exact::SoftScale kOne{1u << 30, -30};

QuantMatrix random_matrix(std::uint32_t rows, std::uint32_t cols, RandomStream& random) {
  QuantMatrix matrix(rows, cols);
  std::vector<std::int8_t> row(cols);
  for (std::uint32_t n = 0; n < rows; ++n) {
    for (auto& w : row) w = static_cast<std::int8_t>(static_cast<int>(random.below(255)) - 127);
    matrix.set_row(n, row, kOne);
  }
  return matrix;
}

// One element after another, from the last input to the first.
std::int32_t reversed_dot(const QuantMatrix& matrix, std::uint32_t n, const std::int8_t* a) {
  std::int32_t sum = 0;
  for (std::uint32_t k = matrix.cols(); k-- > 0;) sum += matrix.at(n, k) * a[k];
  return sum;
}

void expect_all_kernels_agree(const QuantMatrix& matrix, const std::vector<std::int8_t>& rows,
                              std::uint32_t count, std::uint32_t stride) {
  const std::uint32_t acc_stride = matrix.panels() * QuantMatrix::kPanel + 16;
  std::vector<std::uint8_t> biased_rows;
  for (const std::int8_t q : rows) biased_rows.push_back(biased(q));
  for (const Kernel kernel : available_kernels()) {
    std::vector<std::int32_t> acc(static_cast<std::size_t>(count) * acc_stride, 77);
    multiply(kernel, matrix, {biased_rows.data(), count, stride}, acc.data(), acc_stride);
    for (std::uint32_t m = 0; m < count; ++m) {
      for (std::uint32_t n = 0; n < matrix.rows(); ++n) {
        ASSERT_EQ(acc[m * acc_stride + n], reversed_dot(matrix, n, rows.data() + m * stride))
            << "kernel " << static_cast<int>(kernel) << " row " << m << " output " << n;
      }
    }
  }
}

TEST(Gemm, EveryKernelEqualsTheReversedScalarSumAtOddShapes) {
  RandomStream random(1, 0, stream_id("gemm"));
  for (const std::uint32_t rows : {1u, 15u, 16u, 17u, 70u}) {
    for (const std::uint32_t cols : {1u, 4u, 7u, 64u, 129u}) {
      for (const std::uint32_t count : {1u, 2u, 3u, 8u, 13u, 29u}) {
        const QuantMatrix matrix = random_matrix(rows, cols, random);
        const std::uint32_t stride = matrix.groups() * QuantMatrix::kGroup + 8;
        // Bytes past the inputs are junk on purpose: they meet zero weights.
        std::vector<std::int8_t> batch(static_cast<std::size_t>(count) * stride);
        for (auto& a : batch)
          a = static_cast<std::int8_t>(static_cast<int>(random.below(255)) - 127);
        expect_all_kernels_agree(matrix, batch, count, stride);
      }
    }
  }
}

TEST(Gemm, ExtremesAtTheLongestInnerDimensionDoNotOverflow) {
  constexpr std::uint32_t kLongest = 65'536;
  for (const int w : {-127, 127}) {
    QuantMatrix matrix(2, kLongest);
    const std::vector<std::int8_t> row(kLongest, static_cast<std::int8_t>(w));
    matrix.set_row(0, row, kOne);
    matrix.set_row(1, row, kOne);
    for (const int a : {-127, 127}) {
      expect_all_kernels_agree(
          matrix, std::vector<std::int8_t>(kLongest, static_cast<std::int8_t>(a)), 1, kLongest);
    }
  }
}

}  // namespace
}  // namespace orrery::gpu
