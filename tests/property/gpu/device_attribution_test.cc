// The kernels of attribution on the CPU, against plain loops and gpu/cpu: equal in every bit on one
// lane and on emulated ones. On a CUDA device too, where there is one.
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <numeric>
#include <vector>

#include "engine/base/random.h"
#include "gpu/cpu/f32_gemm.h"
#include "gpu/cuda/cuda_device.h"
#include "gpu/cuda/device_attribution.h"
#include "gpu/cuda/host_accelerator.h"

namespace orrery::gpu {
namespace {

std::vector<std::unique_ptr<Accelerator>> accelerators() {
  std::vector<std::unique_ptr<Accelerator>> all;
  for (const std::uint32_t lanes : {1u, 4u, 32u}) {
    all.push_back(std::make_unique<HostAccelerator>(lanes));
  }
  if (auto cuda = open_cuda_accelerator()) all.push_back(std::move(*cuda));
  return all;
}

std::vector<std::int8_t> bytes(std::size_t count, std::uint64_t seed) {
  RandomStream random(seed, 0, stream_id("bytes"));
  std::vector<std::int8_t> out(count);
  for (auto& v : out) v = static_cast<std::int8_t>(static_cast<int>(random.below(255)) - 127);
  return out;
}

TEST(DeviceAttribution, SignsAreTheBitsOfPhilox) {
  for (const std::uint64_t seed : {std::uint64_t{1}, std::uint64_t{0x123456789abcdef}}) {
    for (const std::uint32_t parameter : {0u, 7u, 16'000'000u}) {
      for (std::uint32_t draw = 0; draw < 3; ++draw) {
        const auto want =
            philox4x32({parameter, draw, 0x7472616bu, 0},
                       {static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)});
        const exact::SignWords got = exact::draw_signs(seed, parameter, draw);
        EXPECT_TRUE(std::equal(want.begin(), want.end(), got.w));
      }
    }
  }
}

TEST(DeviceAttribution, ProjectionsAreSumsOfSignedValues) {
  constexpr std::uint32_t kRows = 3;
  constexpr std::uint32_t kWidth = 777;
  constexpr std::uint32_t kColumns = 256;
  const auto q = bytes(kRows * kWidth, 1);
  std::vector<std::int32_t> want(kRows * kColumns);
  for (std::uint32_t r = 0; r < kRows; ++r) {
    for (std::uint32_t j = 0; j < kWidth; ++j) {
      for (std::uint32_t c = 0; c < kColumns; ++c) {
        const auto words = philox4x32({j, c / 128, 0x7472616bu, 0}, {9, 0});
        const bool plus = (words[c % 128 / 32] >> c % 32 & 1) != 0;
        want[r * kColumns + c] += plus ? q[r * kWidth + j] : -q[r * kWidth + j];
      }
    }
  }
  for (const auto& accelerator : accelerators()) {
    const auto got = project_signs(*accelerator, {q, kRows, kWidth}, kColumns, 9);
    ASSERT_TRUE(got) << got.error().message;
    EXPECT_EQ(*got, want) << accelerator->name();
  }
}

TEST(DeviceAttribution, IntegerGramsAreExactPastThirtyTwoBits) {
  constexpr std::uint32_t kWidth = 140'001;  // 127^2 times this passes 2^31
  constexpr std::uint32_t kA = 2;
  constexpr std::uint32_t kB = 11;
  auto a = bytes(std::size_t{kA} * kWidth, 2);
  auto b = bytes(std::size_t{kB} * kWidth, 3);
  std::fill_n(a.begin(), kWidth, std::int8_t{-127});
  std::fill_n(b.begin() + 4 * kWidth, kWidth, std::int8_t{-127});
  std::vector<std::int64_t> want;
  for (std::uint32_t i = 0; i < kA; ++i) {
    for (std::uint32_t j = 0; j < kB; ++j) {
      std::int64_t sum = 0;
      for (std::uint32_t k = 0; k < kWidth; ++k) {
        sum += a[std::size_t{i} * kWidth + k] * b[std::size_t{j} * kWidth + k];
      }
      want.push_back(sum);
    }
  }
  EXPECT_GT(want[4], INT32_MAX);
  for (const auto& accelerator : accelerators()) {
    const auto got = gram(*accelerator, QuantisedRows{a, kA, kWidth}, QuantisedRows{b, kB, kWidth});
    ASSERT_TRUE(got) << got.error().message;
    EXPECT_EQ(*got, want) << accelerator->name();
  }
}

TEST(DeviceAttribution, FloatGramsHaveTheBitsOfTheCpu) {
  constexpr std::uint32_t kA = 5;
  constexpr std::uint32_t kB = 7;
  constexpr std::uint32_t kWidth = 1'003;
  RandomStream random(4, 0, stream_id("floats"));
  const auto floats = [&](std::size_t count) {
    std::vector<float> out(count);
    for (auto& v : out) {
      v = static_cast<float>(static_cast<std::int64_t>(random.next()) >> 20) * 0x1p-30f;
    }
    return out;
  };
  const auto a = floats(kA * kWidth);
  const auto b = floats(kB * kWidth);
  std::vector<float> want(kA * kB);
  F32Gemm(available_kernels().back())
      .multiply({kA, kB, kWidth, by_rows(a.data(), kWidth), transposed(b.data(), kWidth),
                 want.data(), kB, false});
  for (const auto& accelerator : accelerators()) {
    const auto got = gram(*accelerator, FloatRows{a, kA, kWidth}, FloatRows{b, kB, kWidth});
    ASSERT_TRUE(got) << got.error().message;
    EXPECT_EQ(*got, want) << accelerator->name();
  }
}

TEST(DeviceAttribution, BestScoresComeLargestFirstAndEqualOnesInOrder) {
  constexpr std::uint32_t kRows = 4;
  constexpr std::uint32_t kColumns = 60;
  RandomStream random(6, 0, stream_id("scores"));
  std::vector<std::int64_t> scores(kRows * kColumns);
  for (auto& v : scores) v = static_cast<std::int64_t>(random.below(9)) - 4;  // many equal ones
  std::fill_n(scores.begin() + kColumns, kColumns, INT64_MIN);
  scores[2 * kColumns + 31] = INT64_MAX;
  scores[2 * kColumns + 7] = INT64_MAX;
  for (const std::uint32_t k : {1u, 5u, kColumns}) {
    std::vector<std::uint32_t> want;
    for (std::uint32_t r = 0; r < kRows; ++r) {
      std::vector<std::uint32_t> order(kColumns);
      std::iota(order.begin(), order.end(), 0u);
      std::stable_sort(order.begin(), order.end(), [&](std::uint32_t x, std::uint32_t y) {
        return scores[r * kColumns + x] > scores[r * kColumns + y];
      });
      want.insert(want.end(), order.begin(), order.begin() + k);
    }
    for (const auto& accelerator : accelerators()) {
      const auto got = best_scores(*accelerator, {scores, kRows, kColumns}, k);
      ASSERT_TRUE(got) << got.error().message;
      EXPECT_EQ(*got, want) << accelerator->name() << " " << k;
    }
  }
}

}  // namespace
}  // namespace orrery::gpu
