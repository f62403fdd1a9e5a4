#include "engine/base/distribution.h"

#include <gtest/gtest.h>

#include <cmath>

#include "engine/base/codec.h"
#include "engine/base/hash.h"
#include "engine/base/random.h"

// Tests may compute with doubles; the code under test may not.
namespace orrery {
namespace {

constexpr std::int64_t q32(double v) { return static_cast<std::int64_t>(v * 4294967296.0); }

Distribution make(const DistributionSpec& spec) { return Distribution::make(spec).value(); }
// The draw that falls on point k of the 1,024.
std::int64_t point(const Distribution& d, std::uint64_t k) { return d.at(k << 54); }

TEST(Distribution, NormalMeetsItsKnownQuantiles) {
  const auto d =
      make({DistributionKind::kNormal, 5'000'000'000'000, 1'000'000'000'000, 0, INT64_MIN});
  // Quantile function of the standard normal, 16 digits.
  const std::pair<std::uint64_t, double> known[] = {
      {1, -3.0972690781987844},  {100, -1.2950224067058145}, {512, 0.0},
      {700, 0.4777719889038859}, {1000, 1.9874278859298962}, {1023, 3.0972690781987844}};
  for (const auto& [k, z] : known) {
    EXPECT_NEAR(static_cast<double>(point(d, k)), 5e12 + z * 1e12, 500.0) << k;  // 5e-10 sigma
  }
}

TEST(Distribution, NormalIsSymmetricAndEndsAtOneIn8192) {
  const auto d = make({DistributionKind::kNormal, 0, 1'000'000'000, 0, INT64_MIN});
  for (std::uint64_t k = 1; k < 1024; ++k) {
    EXPECT_NEAR(static_cast<double>(point(d, k)), -static_cast<double>(point(d, 1024 - k)), 1.0);
  }
  EXPECT_NEAR(static_cast<double>(d.minimum()), -3.6684e9, 1e5);
}

TEST(Distribution, ExponentialMeetsItsKnownQuantiles) {
  const auto d = make({DistributionKind::kExp, 1'000'000'000'000});
  for (const std::uint64_t k : {1u, 100u, 512u, 700u, 1000u, 1023u}) {
    EXPECT_NEAR(static_cast<double>(point(d, k)),
                -std::log1p(-static_cast<double>(k) / 1024) * 1e12, 10.0);
  }
  EXPECT_EQ(d.minimum(), 0);
}

TEST(Distribution, LognormalHasItsMedianInTheMiddleAndTheRightRatios) {
  const auto d = make({DistributionKind::kLognormal, 40'000'000'000, 0, q32(0.6)});
  EXPECT_EQ(point(d, 512), 40'000'000'000);
  EXPECT_NEAR(static_cast<double>(point(d, 1000)), 4e10 * std::exp(0.6 * 1.9874278859298962),
              100.0);
  EXPECT_NEAR(static_cast<double>(point(d, 24)), 4e10 * std::exp(-0.6 * 1.9874278859298962), 100.0);
}

TEST(Distribution, ParetoMeetsItsClosedForm) {
  const auto d = make({DistributionKind::kPareto, 1'000'000'000, 0, q32(1.5)});
  EXPECT_EQ(d.minimum(), 1'000'000'000);
  for (const std::uint64_t k : {100u, 512u, 1000u, 1023u}) {
    const double exact = 1e9 * std::pow(1 - static_cast<double>(k) / 1024, -1 / 1.5);
    EXPECT_NEAR(static_cast<double>(point(d, k)), exact, exact * 1e-9);
  }
}

TEST(Distribution, UniformAndConstantAreExact) {
  const auto u = make({DistributionKind::kUniform, -1024, 1024, 0, INT64_MIN});
  EXPECT_EQ(u.minimum(), -1024);
  EXPECT_EQ(point(u, 1), -1022);
  EXPECT_EQ(u.at(UINT64_MAX), 1023);
  EXPECT_EQ(make({DistributionKind::kConst, 7}).at(UINT64_MAX), 7);
}

TEST(Distribution, SampledMeansAreTheStatedOnes) {
  RandomStream random(11, 0, stream_id("distribution_test"));
  const auto mean = [&](const DistributionSpec& spec) {
    const auto d = make(spec);
    double sum = 0;
    constexpr int kDraws = 200'000;
    for (int i = 0; i < kDraws; ++i) sum += static_cast<double>(d.at(random.next()));
    return sum / kDraws;
  };
  // Tolerance: 5 sigma / sqrt(200,000).
  EXPECT_NEAR(mean({DistributionKind::kExp, 1'000'000}), 1e6, 5e6 / 447);
  EXPECT_NEAR(mean({DistributionKind::kNormal, 1'000'000, 300'000}), 1e6, 1.5e6 / 447);
  EXPECT_NEAR(mean({DistributionKind::kLognormal, 1'000'000, 0, q32(0.5)}), 1e6 * std::exp(0.125),
              3e6 / 447);
}

TEST(Distribution, SamplesAreMonotoneInTheDrawAndStayInTheirBounds) {
  const auto d = make({DistributionKind::kNormal, 100, 1000, 0, 0, 500});
  std::int64_t last = d.at(0);
  for (std::uint64_t i = 0; i < 20'000; ++i) {
    const std::int64_t v = d.at(i * (UINT64_MAX / 20'000));
    EXPECT_GE(v, last);
    EXPECT_GE(v, 0);
    EXPECT_LE(v, 500);
    last = v;
  }
  EXPECT_EQ(last, 500);
}

TEST(Distribution, HugeParametersSaturateInsteadOfWrapping) {
  const auto wide = make({DistributionKind::kLognormal, INT64_MAX, 0, q32(60)});
  EXPECT_EQ(wide.at(UINT64_MAX), INT64_MAX);
  EXPECT_EQ(wide.minimum(), 0);
  EXPECT_EQ(make({DistributionKind::kExp, INT64_MAX}).at(UINT64_MAX), INT64_MAX);
  EXPECT_EQ(make({DistributionKind::kNormal, INT64_MAX, INT64_MAX, 0, INT64_MIN}).at(UINT64_MAX),
            INT64_MAX);
  EXPECT_EQ(make({DistributionKind::kUniform, INT64_MIN, INT64_MAX, 0, INT64_MIN}).minimum(),
            INT64_MIN);
  EXPECT_EQ(make({DistributionKind::kPareto, INT64_MAX, 0, 1}).at(UINT64_MAX), INT64_MAX);
}

TEST(Distribution, NonsenseIsRefused) {
  const DistributionSpec wrong[] = {{DistributionKind::kUniform, 2, 1},
                                    {DistributionKind::kNormal, 0, -1},
                                    {DistributionKind::kLognormal, -1},
                                    {DistributionKind::kLognormal, 1, 0, -1},
                                    {DistributionKind::kExp, -1},
                                    {DistributionKind::kPareto, 1, 0, 0},
                                    {DistributionKind::kConst, 1, 0, 0, 5, 4},
                                    {static_cast<DistributionKind>(99), 1}};
  for (const auto& spec : wrong) {
    const auto made = Distribution::make(spec);
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().code, ErrorCode::kInvalidArgument);
  }
}

// The tables to the last bit: another compiler, level or library must give the same.
TEST(Distribution, TablesAreTheSameBitsEverywhere) {
  Writer out;
  const DistributionSpec specs[] = {{DistributionKind::kNormal, 1'000'000'007, 123'456'789},
                                    {DistributionKind::kLognormal, 40'000'003, 0, q32(0.6)},
                                    {DistributionKind::kExp, 999'999'937},
                                    {DistributionKind::kPareto, 1'000'003, 0, q32(1.25)}};
  for (const auto& spec : specs) {
    const auto d = make(spec);
    for (std::uint64_t k = 0; k < 1024; ++k) out.i64(d.at((k << 54) + 12345678901234));
  }
  EXPECT_EQ(to_hex(sha256(out.view())),
            "80bf75f3a8c1e798372627393975d7814759447744ec4d8bcc31dbc56dccd6f3");
}

}  // namespace
}  // namespace orrery
