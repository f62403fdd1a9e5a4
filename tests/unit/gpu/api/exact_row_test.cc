#include "gpu/api/exact/row.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "engine/base/random.h"
#include "gpu/api/rope.h"

namespace orrery::gpu::exact {
namespace {

double real(SoftScale s) { return std::ldexp(static_cast<double>(s.m), s.e); }

std::vector<std::int32_t> random_row(std::size_t n, int bits, std::uint64_t seed) {
  RandomStream random(seed, 0, stream_id("row"));
  std::vector<std::int32_t> row(n);
  for (auto& x : row) {
    x = static_cast<std::int32_t>(static_cast<std::int64_t>(random.next()) >> (64 - bits));
  }
  return row;
}

TEST(ExactRow, QuantisedRowIsWithinHalfAStepOfTheInput) {
  for (int bits = 2; bits <= 32; ++bits) {
    const auto row = random_row(97, bits, 5);
    std::vector<std::int8_t> q(row.size());
    const SoftScale scale = quantise_row(row.data(), 97, -16, q.data());
    std::int32_t widest = 0;
    for (std::size_t i = 0; i < row.size(); ++i) {
      EXPECT_NEAR(q[i] * real(scale), row[i] * 0x1p-16, real(scale) * 0.500001) << bits;
      EXPECT_NE(q[i], INT8_MIN);
      widest = std::max(widest, std::abs(static_cast<std::int32_t>(q[i])));
    }
    EXPECT_EQ(widest, 127) << bits;
  }
}

TEST(ExactRow, QuantisingExtremesStaysInRange) {
  for (const std::int64_t a :
       {std::int64_t{1}, (std::int64_t{1} << 30) - 1, (std::int64_t{1} << 31) - 1,
        (std::int64_t{1} << 61) + 12345, (std::int64_t{1} << 62) - 1}) {
    const std::int64_t row[] = {a, -a, 0, a / 2, -a / 3};
    std::int8_t q[5];
    const SoftScale scale = quantise_row(row, 5, -16, q);
    EXPECT_EQ(q[0], 127);
    EXPECT_EQ(q[1], -127);
    EXPECT_EQ(q[2], 0);
    EXPECT_NEAR(127 * real(scale) / std::ldexp(static_cast<double>(a), -16), 1, 1e-8);
  }
}

TEST(ExactRow, LayerNormIsNearTheRealOneAtEverySize) {
  for (int bits = 12; bits <= 31; ++bits) {
    const auto x = random_row(97, bits, 8);
    std::vector<std::int16_t> gain(97);
    std::vector<std::int32_t> bias(97);
    for (std::size_t i = 0; i < 97; ++i) {
      gain[i] = static_cast<std::int16_t>(8000 + 200 * i);
      bias[i] = static_cast<std::int32_t>(i * 1000) - 40'000;
    }
    std::vector<std::int64_t> u(97);
    std::vector<std::int32_t> y(97);
    std::uint64_t clamps = 0;
    layer_norm_row(x.data(), gain.data(), bias.data(), 97, u.data(), y.data(), clamps);
    double mean = 0;
    for (const auto v : x) mean += v * 0x1p-16 / 97;
    double variance = 0;
    for (const auto v : x) variance += std::pow(v * 0x1p-16 - mean, 2) / 97;
    for (std::size_t i = 0; i < 97; ++i) {
      const double want = (x[i] * 0x1p-16 - mean) / std::sqrt(variance + 1e-5) * gain[i] / 16384.0 +
                          bias[i] / 65536.0;
      // A step of the input's own format weighs more the smaller the row is.
      EXPECT_NEAR(y[i] * 0x1p-16, want, 3e-5 + 3 * 0x1p-16 / std::sqrt(variance + 1e-5)) << bits;
    }
    EXPECT_EQ(clamps, 0u);
  }
}

TEST(ExactRow, ZeroRowHasScaleZero) {
  const std::vector<std::int32_t> row(8, 0);
  std::vector<std::int8_t> q(8, 1);
  EXPECT_EQ(quantise_row(row.data(), 8, -16, q.data()), SoftScale{});
  EXPECT_EQ(q, std::vector<std::int8_t>(8, 0));
}

// The norm's own error, apart from int8 quantisation: scale * 127 must be the largest |x_i * g_i| /
// rms, and every q the rounding of the rest.
void expect_norm_close(const std::vector<std::int32_t>& x, const std::vector<std::int16_t>& gain,
                       double bound) {
  const std::size_t n = x.size();
  std::vector<std::int64_t> wide(n);
  std::vector<std::int8_t> q(n);
  const SoftScale scale =
      norm_quantise_row(x.data(), gain.data(), static_cast<std::int32_t>(n), wide.data(), q.data());
  double squares = 0;
  for (std::int32_t v : x) squares += std::pow(v * 0x1p-16, 2);
  const double rms = std::sqrt(squares / static_cast<double>(n) + 1e-5);
  double largest = 0;
  for (std::size_t i = 0; i < n; ++i) {
    const double want = x[i] * 0x1p-16 / rms * gain[i] * 0x1p-14;
    largest = std::max(largest, std::abs(want));
    EXPECT_NEAR(q[i] * real(scale), want, real(scale) * 0.501 + bound);
  }
  EXPECT_NEAR(127 * real(scale), largest, bound);
}

TEST(ExactRow, RmsNormIsWithinAHundredThousandthAtAnyMagnitude) {
  for (const std::size_t n : {2u, 64u, 288u, 4096u}) {
    RandomStream random(n, 0, stream_id("gain"));
    std::vector<std::int16_t> gain(n);
    for (auto& g : gain) g = static_cast<std::int16_t>(8192 + random.below(16384));
    for (int bits = 4; bits <= 32; bits += 4) {
      expect_norm_close(random_row(n, bits, 9), gain, 1.1e-5);
    }
    auto outlier = random_row(n, 17, 11);
    outlier[n / 2] = 1'000'000'000;
    expect_norm_close(outlier, gain, 1.1e-5 * std::sqrt(static_cast<double>(n)));
  }
}

TEST(ExactRow, RmsNormAtTheLongestRowOfExtremesDoesNotOverflow) {
  const std::vector<std::int32_t> x(kMaxNorm, INT32_MIN);
  const std::vector<std::int16_t> gain(kMaxNorm, INT16_MIN);
  expect_norm_close(x, gain, 1e-5);
  expect_norm_close(std::vector<std::int32_t>(kMaxNorm, 1), gain, 1e-5);
}

TEST(ExactRow, RotationMatchesRealRotationAndSaturates) {
  const CosSin angle = cos_sin(std::uint64_t{1} << 61);  // an eighth of a turn
  std::int32_t x[] = {100'000, -250'000};
  std::uint64_t clamps = 0;
  rotate_head(x, 1, &angle.cosine, &angle.sine, clamps);
  EXPECT_NEAR(x[0], (100'000 + 250'000) / std::sqrt(2.0), 1);
  EXPECT_NEAR(x[1], (100'000 - 250'000) / std::sqrt(2.0), 1);
  EXPECT_EQ(clamps, 0u);
  std::int32_t extreme[] = {INT32_MIN, INT32_MIN};
  rotate_head(extreme, 1, &angle.cosine, &angle.sine, clamps);
  EXPECT_EQ(extreme[1], INT32_MIN);
  EXPECT_EQ(clamps, 1u);
}

TEST(ExactRow, GateAndResidualSaturateAndCount) {
  std::uint64_t clamps = 0;
  EXPECT_NEAR(gate_product(2 << 16, 3 << 16, sigmoid_table(), clamps) * 0x1p-16,
              6 / (1 + std::exp(-2.0)), 1e-4);
  EXPECT_EQ(residual_add(5, -7, clamps), -2);
  EXPECT_EQ(clamps, 0u);
  EXPECT_EQ(gate_product(INT32_MAX, INT32_MIN, sigmoid_table(), clamps), INT32_MIN);
  EXPECT_EQ(residual_add(INT32_MAX, 1, clamps), INT32_MAX);
  EXPECT_EQ(clamps, 2u);
}

}  // namespace
}  // namespace orrery::gpu::exact
