// The vector loops against the portable ones, on values from the whole range of their inputs.
#include "gpu/cpu/row_kernels.h"

#include <gtest/gtest.h>

#include <vector>

#include "engine/base/random.h"
#include "gpu/api/exact/tables.h"

namespace orrery::gpu {
namespace {

using exact::SoftScale;
using Row = std::vector<std::int32_t>;

class RowKernelsTest : public testing::TestWithParam<Kernel> {
 protected:
  // Of up to `bits` significant bits, now and then an extreme.
  std::int32_t value(int bits) {
    const std::uint64_t kind = random_.below(40);
    if (kind == 0) return INT32_MIN;
    if (kind == 1) return INT32_MAX;
    if (kind == 2) return 0;
    const auto width = static_cast<int>(random_.below(static_cast<std::uint64_t>(bits))) + 1;
    return static_cast<std::int32_t>(random_.next() >> 32) >> (32 - width);
  }
  Row row(std::uint32_t n, int bits = 32) {
    Row x(n);
    for (auto& v : x) v = value(bits);
    return x;
  }
  SoftScale scale(int exponents) {
    if (random_.below(20) == 0) return {};
    const auto e = static_cast<std::int32_t>(random_.below(2 * exponents)) - exponents;
    return {static_cast<std::uint32_t>(1u << 30 | random_.below(1u << 30)), e};
  }

  RowKernels portable_ = row_kernels(Kernel::kPortable);
  RowKernels fast_ = row_kernels(GetParam());
  RandomStream random_{5, 0, stream_id("row kernels")};
};

constexpr std::uint32_t kWidths[] = {1, 2, 7, 8, 9, 15, 16, 17, 48, 100, 257};

TEST_P(RowKernelsTest, RequantiseAgreesAndCountsTheSameClamps) {
  for (const std::uint32_t n : kWidths) {
    for (int round = 0; round < 200; ++round) {
      const int spread = round % 2 == 0 ? 40 : 300;
      std::vector<SoftScale> columns(n);
      for (auto& c : columns) c = scale(spread);
      Row a = row(n);
      Row b = a;
      const SoftScale by = scale(spread);
      const auto clamps = portable_.requantise({a.data(), n, by, columns.data()});
      EXPECT_EQ(fast_.requantise({b.data(), n, by, columns.data()}), clamps);
      ASSERT_EQ(a, b) << n;
    }
  }
}

TEST_P(RowKernelsTest, GatesAndSumsAgreeOnTheWholeRange) {
  for (const std::uint32_t n : kWidths) {
    for (int round = 0; round < 50; ++round) {
      const Row gate = row(n, round % 2 == 0 ? 32 : 22);
      const Row up = row(n);
      Row a(n);
      Row b(n);
      EXPECT_EQ(fast_.gate(gate.data(), up.data(), b.data(), n),
                portable_.gate(gate.data(), up.data(), a.data(), n));
      ASSERT_EQ(a, b);
      fast_.gelu(gate.data(), b.data(), n);
      portable_.gelu(gate.data(), a.data(), n);
      ASSERT_EQ(a, b);
      EXPECT_EQ(fast_.add(b.data(), up.data(), n), portable_.add(a.data(), up.data(), n));
      ASSERT_EQ(a, b);
    }
  }
}

TEST_P(RowKernelsTest, QuantisersAgreeAlsoOnZeroRows) {
  for (const std::uint32_t n : kWidths) {
    for (int round = 0; round < 60; ++round) {
      const Row x = round == 0 ? Row(n) : row(n, 1 + round % 32);
      std::vector<std::uint8_t> a(n);
      std::vector<std::uint8_t> b(n);
      EXPECT_EQ(fast_.quantise(x.data(), n, b.data()), portable_.quantise(x.data(), n, a.data()));
      ASSERT_EQ(a, b);
      std::vector<std::int16_t> gain(n);
      for (auto& g : gain) g = static_cast<std::int16_t>(random_.next() >> 48);
      std::vector<std::int64_t> wide(n);
      const NormInput in{x.data(), gain.data(), n, wide.data()};
      EXPECT_EQ(fast_.norm(in, b.data()), portable_.norm(in, a.data()));
      ASSERT_EQ(a, b);
      const Row bias = row(n);
      Row c(n);
      Row d(n);
      EXPECT_EQ(fast_.layer_norm({in, bias.data()}, d.data()),
                portable_.layer_norm({in, bias.data()}, c.data()));
      ASSERT_EQ(c, d);
    }
  }
}

TEST_P(RowKernelsTest, RotationsAgree) {
  for (const std::uint32_t half : {1u, 4u, 8u, 24u, 33u}) {
    const CosSin angle = cos_sin(random_.next());
    const Row cosine(half, angle.cosine);
    const Row sine(half, angle.sine);
    Row a = row(2 * half);
    Row b = a;
    EXPECT_EQ(fast_.rotate(b.data(), half, cosine.data(), sine.data()),
              portable_.rotate(a.data(), half, cosine.data(), sine.data()));
    ASSERT_EQ(a, b);
  }
}

TEST_P(RowKernelsTest, AttentionAgreesFromOneKeyToALongContext) {
  for (const std::uint32_t width : {2u, 6u, 16u, 48u, 80u, 130u}) {
    constexpr std::uint32_t kLongest = 300;
    const ModelConfig config{
        .dim = width, .hidden = 4, .layers = 1, .heads = 1, .context = kLongest};
    KvCache cache(config, kLongest, 48);
    cache.reserve(kLongest);
    std::vector<std::int8_t> query((width + 3) / 4 * 4);
    const auto byte = [&] { return static_cast<std::int8_t>(random_.below(255)); };
    for (std::uint32_t t = 0; t < kLongest; ++t) {
      std::vector<std::int8_t> key(width);
      std::vector<std::int16_t> value(width);
      for (auto& k : key) k = std::max<std::int8_t>(byte(), -127);
      for (auto& v : value) v = static_cast<std::int16_t>(random_.next() >> 48);
      // Scales that spread logits a little, a lot, and beyond the range.
      const int exponent = t < 100 ? -22 : t < 200 ? -18 : -6;
      cache.store(0, 0, t, {key.data(), {1u << 30, exponent - 30}, value.data()});
    }
    for (const std::uint32_t count : {1u, 2u, 15u, 16u, 17u, 47u, 48u, 49u, 97u, 180u, 300u}) {
      for (std::uint32_t i = 0; i < width; ++i) query[i] = std::max<std::int8_t>(byte(), -127);
      Row weights((count + 15) / 16 * 16);
      const HeadInput head{query.data(), {1u << 30, -30}, cache.head(0, 0),
                           count,        width,           weights.data()};
      Row a(width);
      Row b(width);
      EXPECT_EQ(fast_.attend(head, b.data()), portable_.attend(head, a.data()));
      ASSERT_EQ(a, b) << width << " wide, " << count << " keys";
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Kernels, RowKernelsTest, testing::ValuesIn(available_kernels()));

}  // namespace
}  // namespace orrery::gpu
