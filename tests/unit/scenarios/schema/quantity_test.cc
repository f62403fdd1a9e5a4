#include "scenarios/schema/quantity.h"

#include <gtest/gtest.h>

#include "scenarios/schema/distribution_text.h"

namespace orrery::scenario {
namespace {

struct Case {
  const char* text;
  Dimension dimension;
  std::int64_t value;
};

TEST(Quantity, ReadsEveryUnitIntoTheBaseUnit) {
  const Case cases[] = {
      {"7ns", Dimension::kDuration, 7},
      {"7us", Dimension::kDuration, 7'000},
      {"250ms", Dimension::kDuration, 250'000'000},
      {"1.5s", Dimension::kDuration, 1'500'000'000},
      {"2m", Dimension::kDuration, 120'000'000'000},
      {"3h", Dimension::kDuration, 10'800'000'000'000},
      {"1d", Dimension::kDuration, 86'400'000'000'000},
      {"1h5m", Dimension::kDuration, 3'900'000'000'000},
      {"-20ms", Dimension::kDuration, -20'000'000},
      {"512B", Dimension::kSize, 512},
      {"2kB", Dimension::kSize, 2'000},
      {"2MB", Dimension::kSize, 2'000'000},
      {"1.5GB", Dimension::kSize, 1'500'000'000},
      {"4KiB", Dimension::kSize, 4'096},
      {"25MiB", Dimension::kSize, 26'214'400},
      {"1GiB", Dimension::kSize, 1'073'741'824},
      {"8bps", Dimension::kBitRate, 1},
      {"16kbps", Dimension::kBitRate, 2'000},
      {"10Mbps", Dimension::kBitRate, 1'250'000},
      {"1Gbps", Dimension::kBitRate, 125'000'000},
      {"25/s", Dimension::kEventRate, 40'000'000},
      {"1/m", Dimension::kEventRate, 60'000'000'000},
      {"6/h", Dimension::kEventRate, 600'000'000'000},
      {"2/d", Dimension::kEventRate, 43'200'000'000'000},
      {"0.5/s", Dimension::kEventRate, 2'000'000'000},
      {"1 per 90s", Dimension::kEventRate, 90'000'000'000},
      {"40%", Dimension::kPercent, 40},
      {"33%", Dimension::kPpm, 330'000},
      {"0.33", Dimension::kPpm, 330'000},
      {"0.1%", Dimension::kPpm, 1'000},
      {"15ppm", Dimension::kPpm, 15},
      {"110ppb", Dimension::kPpb, 110},
      {"20ppm", Dimension::kPpb, 20'000},
      {"-5ppm", Dimension::kPpb, -5'000},
      {"12", Dimension::kCount, 12},
  };
  for (const Case& c : cases) {
    const auto value = parse_quantity(c.text, c.dimension);
    ASSERT_TRUE(value) << c.text << ": " << value.error().message;
    EXPECT_EQ(static_cast<std::int64_t>(*value), c.value) << c.text;
    const std::string spelling = format_quantity(*value, c.dimension);
    const auto again = parse_quantity(spelling, c.dimension);
    ASSERT_TRUE(again) << spelling << " from " << c.text;
    EXPECT_TRUE(*again == *value) << spelling << " from " << c.text;
  }
}

TEST(Quantity, RefusesWhatItWouldHaveToRoundOrGuess) {
  const std::pair<const char*, Dimension> cases[] = {
      {"", Dimension::kDuration},
      {"5", Dimension::kDuration},
      {"5min", Dimension::kDuration},
      {"0.5ns", Dimension::kDuration},
      {"5m1h", Dimension::kDuration},
      {"1m1m", Dimension::kDuration},
      {"1e3s", Dimension::kDuration},
      {"05s", Dimension::kDuration},
      {"1_000s", Dimension::kDuration},
      {".5s", Dimension::kDuration},
      {"5.s", Dimension::kDuration},
      {"300000d", Dimension::kDuration},
      {"99999999999999999999999999999999999d", Dimension::kDuration},
      {"99999999999999999999999999999999999999999s", Dimension::kDuration},
      {"1:30", Dimension::kDuration},
      {"0.3B", Dimension::kSize},
      {"5s", Dimension::kSize},
      {"1kb", Dimension::kSize},
      {"1bps", Dimension::kBitRate},
      {"0/s", Dimension::kEventRate},
      {"-1/s", Dimension::kEventRate},
      {"5", Dimension::kEventRate},
      {"33.5%", Dimension::kPercent},
      {"33", Dimension::kPpm},
      {"0.0000001", Dimension::kPpm},
      {"0.00001%", Dimension::kPpm},
      {"1.5", Dimension::kCount},
      {"5 s", Dimension::kCount},
      {"0x10", Dimension::kCount},
      {"+5", Dimension::kCount},
  };
  for (const auto& [text, dimension] : cases) {
    EXPECT_FALSE(parse_quantity(text, dimension)) << "'" << text << "'";
  }
}

TEST(Quantity, SaysWhichUnitWasMeant) {
  EXPECT_NE(parse_quantity("5sec", Dimension::kDuration).error().message.find("did you mean 's'?"),
            std::string::npos);
  EXPECT_NE(parse_quantity("5Mib", Dimension::kSize).error().message.find("did you mean 'MiB'?"),
            std::string::npos);
  EXPECT_NE(parse_quantity("5MiB", Dimension::kDuration).error().message.find("is a size"),
            std::string::npos);
}

TEST(Quantity, MoneyIsExactToTheLastBaseUnit) {
  const Currency aigen;
  const auto value = parse_money("12.000000000000000001 AIGEN", aigen);
  ASSERT_TRUE(value);
  EXPECT_EQ(to_decimal(*value), "12000000000000000001");
  EXPECT_EQ(format_money(static_cast<u128>(*value), aigen), "12.000000000000000001 AIGEN");
  EXPECT_EQ(to_decimal(*parse_money("1000000000 AIGEN", aigen)), "1000000000000000000000000000");
  EXPECT_EQ(to_decimal(*parse_money("999999999.999999999999999999 AIGEN", aigen)),
            "999999999999999999999999999");
  EXPECT_EQ(to_decimal(*parse_money("2.5 AIN", {"AIN", 6})), "2500000");
  EXPECT_FALSE(parse_money("1.0000000000000000001 AIGEN", aigen));
  EXPECT_FALSE(parse_money("2.5000001 AIN", {"AIN", 6}));
  EXPECT_FALSE(parse_money("5 AIN", aigen));
  EXPECT_FALSE(parse_money("5", aigen));
  EXPECT_FALSE(parse_money("999999999999999999999999999999999999 AIGEN", aigen));
}

TEST(DistributionText, ReadsEveryFormBackFromItsSpelling) {
  for (const char* text :
       {"50ms", "uniform(from=5ms, to=155ms)", "normal(mean=80ms, sd=10ms, min=20ms)",
        "lognormal(median=40ms, sigma=0.6, max=2s)", "exp(mean=10s)",
        "pareto(min=10ms, alpha=1.5, max=1m)"}) {
    const auto spec = parse_distribution(text, Dimension::kDuration);
    ASSERT_TRUE(spec) << spec.error().message;
    EXPECT_EQ(format_distribution(*spec, Dimension::kDuration), text);
    EXPECT_TRUE(Distribution::make(*spec)) << text;
  }
  EXPECT_EQ(*parse_distribution("uniform(5ms,155ms)", Dimension::kDuration),
            *parse_distribution("uniform(from=5ms, to=155ms)", Dimension::kDuration));
  EXPECT_EQ(*parse_distribution("const(16)", Dimension::kCount),
            *parse_distribution("16", Dimension::kCount));
  EXPECT_EQ(
      parse_distribution("lognormal(median=40ms, sigma=0.5)", Dimension::kDuration)->shape_q32,
      1LL << 31);
}

TEST(DistributionText, RefusesWrongParameters) {
  for (const char* text :
       {"uniform(5ms)", "uniform(9ms, 5ms)", "uniform(1ms, 2ms, 3ms)", "normal(mean=1ms)",
        "exp(mean=1ms, mean=2ms)", "exp(5)", "lognormal(median=1ms, sigma=-1)",
        "lognormal(median=1ms, sigma=1ms)", "pareto(min=0ms, alpha=1)", "exp(mean=1ms",
        "exp(mean=-1ms)", "gauss(1ms)", "uniform(1ms, 2ms, min=5ms, max=1ms)", "()", ")", "("}) {
    EXPECT_FALSE(parse_distribution(text, Dimension::kDuration)) << text;
  }
}

}  // namespace
}  // namespace orrery::scenario
