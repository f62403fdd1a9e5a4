#include "gpu/api/f32_math.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace orrery::gpu {
namespace {

TEST(F32Math, ExpAndLogStayWithinTheirBounds) {
  double worst_exp = 0;
  double worst_log = 0;
  for (int i = -86'000; i <= 88'000; i += 7) {
    const float x = static_cast<float>(i) * 1e-3f;
    worst_exp = std::max(worst_exp, std::abs(exp_f32(x) / std::exp(static_cast<double>(x)) - 1));
    const float y = exp_f32(x);
    const double exact = std::log(static_cast<double>(y));
    worst_log = std::max(worst_log, std::abs(log_f32(y) - exact) / std::max(1.0, std::abs(exact)));
  }
  EXPECT_LT(worst_exp, 2e-7);
  EXPECT_LT(worst_log, 2e-7);
}

TEST(F32Math, SumsHaveTheirWrittenShape) {
  std::vector<float> v(75);
  for (std::size_t i = 0; i < v.size(); ++i)
    v[i] = std::ldexp(1.0f, static_cast<int>(i % 30)) + 0.3f;
  float lanes[32] = {};
  for (std::size_t i = 0; i < v.size(); ++i) lanes[i % 32] += v[i];
  for (int width = 16; width > 0; width /= 2) {
    for (int j = 0; j < width; ++j) lanes[j] += lanes[j + width];
  }
  EXPECT_EQ(sum_f32(static_cast<std::int32_t>(v.size()),
                    [&](std::int32_t i) { return v[static_cast<std::size_t>(i)]; }),
            lanes[0]);
}

}  // namespace
}  // namespace orrery::gpu
