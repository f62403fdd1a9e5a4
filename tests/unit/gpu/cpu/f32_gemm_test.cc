#include "gpu/cpu/f32_gemm.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <vector>

#include "engine/base/random.h"

namespace orrery::gpu {
namespace {

// Values of many magnitudes, so that any other order of summation would round differently.
std::vector<float> values(std::size_t n, std::uint64_t seed) {
  RandomStream random(seed, 0, stream_id("f32"));
  std::vector<float> v(n);
  for (float& x : v) {
    const auto mantissa = static_cast<float>(static_cast<std::int32_t>(random.next() >> 32));
    x = std::ldexp(mantissa, static_cast<int>(random.below(24)) - 43);
  }
  return v;
}

struct Shape {
  std::size_t m, n, k;
};
constexpr Shape kShapes[] = {{1, 1, 1},     {3, 5, 7},     {12, 32, 256},
                             {13, 33, 257}, {50, 70, 600}, {2, 100, 0}};

std::vector<std::uint32_t> bits(const std::vector<float>& v) {
  std::vector<std::uint32_t> out;
  for (const float x : v) out.push_back(std::bit_cast<std::uint32_t>(x));
  return out;
}

TEST(F32Gemm, EveryOutputIsOneChainOfFusedMultiplyAddsOnEveryKernel) {
  for (const auto& [m, n, k] : kShapes) {
    const auto a = values(m * k, 1);
    const auto b = values(k * n, 2);
    const auto start = values(m * n, 3);
    for (const bool accumulate : {false, true}) {
      std::vector<float> want(m * n);
      for (std::size_t r = 0; r < m; ++r) {
        for (std::size_t c = 0; c < n; ++c) {
          float acc = accumulate ? start[r * n + c] : 0.0f;
          for (std::size_t i = 0; i < k; ++i) acc = std::fma(a[r * k + i], b[i * n + c], acc);
          want[r * n + c] = acc;
        }
      }
      for (const Kernel kernel : available_kernels()) {
        std::vector<float> got = start;
        F32Gemm(kernel).multiply(
            {m, n, k, by_rows(a.data(), k), by_rows(b.data(), n), got.data(), n, accumulate});
        ASSERT_EQ(bits(got), bits(want)) << m << " " << n << " " << k;
      }
    }
  }
}

TEST(F32Gemm, TransposedViewsGiveTheSameBits) {
  constexpr std::size_t kM = 40;
  constexpr std::size_t kN = 50;
  constexpr std::size_t kK = 300;
  const auto a = values(kM * kK, 4);
  const auto b = values(kK * kN, 5);
  std::vector<float> at(a.size());
  std::vector<float> bt(b.size());
  for (std::size_t r = 0; r < kM; ++r) {
    for (std::size_t c = 0; c < kK; ++c) at[c * kM + r] = a[r * kK + c];
  }
  for (std::size_t r = 0; r < kK; ++r) {
    for (std::size_t c = 0; c < kN; ++c) bt[c * kK + r] = b[r * kN + c];
  }
  F32Gemm gemm(available_kernels().back());
  std::vector<float> plain(kM * kN);
  std::vector<float> turned(kM * kN);
  gemm.multiply({kM, kN, kK, by_rows(a.data(), kK), by_rows(b.data(), kN), plain.data(), kN});
  gemm.multiply(
      {kM, kN, kK, transposed(at.data(), kM), transposed(bt.data(), kK), turned.data(), kN});
  EXPECT_EQ(bits(plain), bits(turned));
}

// Eigen and BLAS give a row other bits alone than in a batch; here it may not.
TEST(F32Gemm, ARowHasTheSameBitsAloneAndInABatch) {
  constexpr std::size_t kN = 96;
  constexpr std::size_t kK = 700;
  const auto a = values(30 * kK, 6);
  const auto b = values(kK * kN, 7);
  F32Gemm gemm(available_kernels().back());
  std::vector<float> batch(30 * kN);
  std::vector<float> alone(kN);
  gemm.multiply({30, kN, kK, by_rows(a.data(), kK), by_rows(b.data(), kN), batch.data(), kN});
  for (std::size_t row = 0; row < 30; ++row) {
    gemm.multiply(
        {1, kN, kK, by_rows(a.data() + row * kK, kK), by_rows(b.data(), kN), alone.data(), kN});
    const std::vector<float> same(batch.begin() + static_cast<std::ptrdiff_t>(row * kN),
                                  batch.begin() + static_cast<std::ptrdiff_t>((row + 1) * kN));
    ASSERT_EQ(bits(alone), bits(same));
  }
}

}  // namespace
}  // namespace orrery::gpu
