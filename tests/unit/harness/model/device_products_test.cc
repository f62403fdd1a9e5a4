// Products of the fast mode as a device is given them, on the emulation: what is copied, in which
// shape and type. A library's own rounding is a device's affair.
#include "gpu/cuda/device_products.h"

#include <gtest/gtest.h>

#include <cmath>

#include "gpu/api/seeded_model.h"
#include "gpu/cuda/host_accelerator.h"
#include "gpu/fast/fast_model.h"

namespace orrery::gpu {
namespace {

constexpr ModelConfig kShape{.dim = 48, .hidden = 120, .layers = 2, .heads = 3, .context = 40};

double relative(std::span<const float> a, std::span<const float> b) {
  double off = 0, size = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    off += std::pow(static_cast<double>(a[i]) - static_cast<double>(b[i]), 2);
    size += std::pow(static_cast<double>(b[i]), 2);
  }
  return std::sqrt(off / size);
}

std::vector<float> logits(FastDecoder& decoder) {
  const std::vector<std::uint32_t> first{256, 't', 'h', 'e', ' '};
  const std::uint32_t next[] = {'m'};
  decoder.append(first);
  decoder.append(next);
  EXPECT_TRUE(decoder.status());
  return decoder.logits();
}

TEST(DeviceProducts, GiveTheFastLogitsOfTheProcessorUpToRounding) {
  for (const Family family : {Family::kLlama, Family::kGpt2}) {
    ModelConfig config = kShape;
    config.family = family;
    const FastModel model = fast_model(make_seeded_model(config, 3));
    HostAccelerator host;
    for (const LtType type : {LtType::kF32, LtType::kTf32}) {
      DeviceProducts products(host, type);
      FastDecoder here(model, FastPrecision::kF32);
      FastDecoder there(model, FastPrecision::kF32, &products);
      // Independent roundings of sums of up to 1,000 products (fast_decoder_test.cc).
      EXPECT_LT(relative(logits(there), logits(here)), 4 * 0x1p-24 * std::sqrt(1008.0));
    }
    DeviceProducts products(host, LtType::kBf16);
    FastDecoder here(model, FastPrecision::kBf16);
    FastDecoder there(model, FastPrecision::kBf16, &products);
    FastDecoder floats(model, FastPrecision::kF32);
    // Sums of another order flip some roundings to 8 bits, and no more than rounding itself does.
    const auto want = logits(here);
    EXPECT_LT(relative(logits(there), want), relative(want, logits(floats)));
  }
}

TEST(DeviceProducts, NarrowToTheNearestBfloat16) {
  HostAccelerator host;
  DeviceProducts products(host, LtType::kBf16);
  const float weights[] = {1.0f, 1.00390625f, -3.0f, 1.01171875f};  // two halfway cases
  const float x[] = {1.0f, 0.0f, 0.0f, 1.0f};
  float y[4] = {};
  ASSERT_TRUE(products.multiply({weights, x, y, 2, 2, 2}));
  EXPECT_EQ(y[0], 1.0f);
  EXPECT_EQ(y[1], -3.0f);
  EXPECT_EQ(y[2], 1.0f);       // 1 + 2^-8, to even
  EXPECT_EQ(y[3], 1.015625f);  // 1 + 3 * 2^-8, to even
}

}  // namespace
}  // namespace orrery::gpu
