#include "gpu/cuda/self_test.h"

#include <gtest/gtest.h>

#include <vector>

#include "engine/base/random.h"
#include "gpu/cuda/host_accelerator.h"

namespace orrery::gpu {
namespace {

// Row after row, padded, in host memory.
struct Weights {
  Weights(std::uint32_t rows, std::uint32_t cols)
      : view{.rows = rows, .cols = cols, .stride = round_up(cols, kProductPadding)},
        bytes(std::size_t{view.padded_rows()} * view.stride + kPad) {
    RandomStream random(6, rows, stream_id("weights"));
    std::int8_t* start = aligned();
    for (std::uint32_t n = 0; n < rows; ++n) {
      for (std::uint32_t k = 0; k < cols; ++k) {
        start[n * view.stride + k] =
            static_cast<std::int8_t>(static_cast<int>(random.below(255)) - 127);
      }
    }
    view.weights = start;
  }
  std::int8_t* aligned() {
    void* at = bytes.data();
    std::size_t space = bytes.size();
    return static_cast<std::int8_t*>(std::align(kPad, 1, at, space));
  }

  static constexpr std::size_t kPad = 64;
  DeviceMatrix view;
  std::vector<std::int8_t> bytes;
};

// Written without the kernels: row by row, input by input.
std::vector<std::int32_t> products(const Weights& w, const std::vector<std::int8_t>& q,
                                   std::uint32_t rows, std::uint32_t q_stride) {
  std::vector<std::int32_t> acc(std::size_t{rows} * w.view.padded_rows());
  for (std::uint32_t m = 0; m < rows; ++m) {
    for (std::uint32_t n = 0; n < w.view.rows; ++n) {
      std::int32_t& sum = acc[m * w.view.padded_rows() + n];
      for (std::uint32_t k = 0; k < w.view.cols; ++k) {
        sum += q[m * q_stride + k] * w.view.weights[n * w.view.stride + k];
      }
    }
  }
  return acc;
}

TEST(ProductTest, AcceptsTheProductAndSeesOneUnitInEveryCheckedRow) {
  for (const auto& [rows, cols] : {std::pair{40u, 64u}, std::pair{7u, 33u}, std::pair{100u, 1u}}) {
    const Weights w(rows, cols);
    const std::uint32_t stride = w.view.stride + 32;
    for (const std::uint32_t count : {1u, 8u, 32u, 64u}) {
      const ProductTest test(w.view, count, stride);
      auto acc = products(w, test.q(), count, stride);
      EXPECT_TRUE(test.passes(acc, w.view.padded_rows())) << rows << " " << cols << " " << count;
      for (const std::uint32_t row : {0u, count - 1}) {
        for (const std::uint32_t n : {0u, rows - 1}) {
          std::int32_t& product = acc[row * w.view.padded_rows() + n];
          product += 1;
          EXPECT_FALSE(test.passes(acc, w.view.padded_rows()));
          product -= 1;
        }
      }
    }
  }
}

TEST(ProductTest, ReachesTheLargestSums) {
  Weights w(32, 512);
  std::fill_n(w.aligned(), std::size_t{32} * 512, std::int8_t{-127});
  const ProductTest test(w.view, 32, 512);
  const auto acc = products(w, test.q(), 32, 512);
  EXPECT_EQ(acc[0], 127 * 127 * 512);
  EXPECT_TRUE(test.passes(acc, 32));
}

}  // namespace
}  // namespace orrery::gpu
