#include "gpu/cpu/quantise.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

namespace orrery::gpu {
namespace {

constexpr ModelConfig kConfig{.dim = 32, .hidden = 48, .layers = 1, .heads = 2, .context = 16};

double real(exact::SoftScale s) { return std::ldexp(static_cast<double>(s.m), s.e); }

TEST(QuantiseModel, EveryWeightIsWithinHalfAStepAndTheLargestIsExact) {
  const F32Model model = make_f32_model(kConfig, 5);
  const F32Layout layout(kConfig);
  const auto artefact = quantise_model(model);
  ASSERT_TRUE(artefact) << artefact.error().message;
  const QuantMatrix& down = artefact->layers[0].down;
  for (std::uint32_t n = 0; n < down.rows(); ++n) {
    const double step = real(down.scales()[n]);
    int top = 0;
    for (std::uint32_t k = 0; k < down.cols(); ++k) {
      const double w = model.values[layout.layers[0].down + n * down.cols() + k];
      ASSERT_LE(std::abs(w - down.at(n, k) * step), step * 0.5000001);
      top = std::max(top, std::abs(down.at(n, k)));
    }
    EXPECT_EQ(top, 127);
  }
  for (std::uint32_t i = 0; i < 258 * 32; ++i) {
    ASSERT_EQ(artefact->embedding[i], std::nearbyint(model.values[i] * 65536.0));
  }
  EXPECT_EQ(artefact->final_norm[3], 1 << 14);
}

TEST(QuantiseModel, LargeGainsMoveIntoTheScalesOfTheMatrixThatReadsThem) {
  F32Model model = make_f32_model(kConfig, 5);
  const F32Layout layout(kConfig);
  const auto plain = quantise_model(model);
  model.values[layout.layers[0].mlp_norm + 7] = 6.0f;
  const auto large = quantise_model(model);
  ASSERT_TRUE(plain && large);
  EXPECT_EQ(large->layers[0].mlp_norm[7], 6 * (1 << 12));
  EXPECT_EQ(large->layers[0].mlp_norm[8], 1 << 12);
  EXPECT_EQ(large->layers[0].gate_up.scales()[5].e, plain->layers[0].gate_up.scales()[5].e + 2);
  EXPECT_EQ(large->layers[0].gate_up.scales()[5].m, plain->layers[0].gate_up.scales()[5].m);
  EXPECT_EQ(large->layers[0].down, plain->layers[0].down);
}

TEST(QuantiseModel, ZeroRowsAndWhatHasNoPlaceInIntegers) {
  F32Model model = make_f32_model(kConfig, 6);
  const F32Layout layout(kConfig);
  std::fill_n(model.values.begin() + static_cast<std::ptrdiff_t>(layout.head), 32, 0.0f);
  EXPECT_EQ(quantise_model(model)->head.scales()[0], exact::SoftScale{});
  model.values[3] = 40'000.0f;
  EXPECT_THAT(quantise_model(model).error().message, testing::HasSubstr("embedding entry 3"));
  model.values[3] = std::nanf("");
  EXPECT_THAT(quantise_model(model).error().message, testing::HasSubstr("not a number, at 3"));
  model.values.resize(5);
  EXPECT_THAT(quantise_model(model).error().message, testing::HasSubstr("parameters, not 5"));
}

}  // namespace
}  // namespace orrery::gpu
