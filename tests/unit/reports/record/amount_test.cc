#include "reports/record/amount.h"

#include <gtest/gtest.h>

namespace orrery::report {
namespace {

TEST(Amount, KeepsEveryDigitOfTheWholeSupply) {
  EXPECT_EQ(format_amount("1000000000000000000000000000", 18), "1,000,000,000.000000000000000000");
  EXPECT_EQ(format_amount("999999999999999999999999999", 18), "999,999,999.999999999999999999");
}

TEST(Amount, PadsAmountsBelowOneToken) {
  EXPECT_EQ(format_amount("1", 18), "0.000000000000000001");
  EXPECT_EQ(format_amount("0", 18), "0.000000000000000000");
  EXPECT_EQ(format_amount("1000000000000000000", 18), "1.000000000000000000");
}

TEST(Amount, TrimsOnlyTrailingZerosOfTheFraction) {
  EXPECT_EQ(format_amount("1234500", 3, Fraction::kTrimmed), "1,234.5");
  EXPECT_EQ(format_amount("1230000", 3, Fraction::kTrimmed), "1,230");
  EXPECT_EQ(format_amount("100", 0, Fraction::kTrimmed), "100");
  EXPECT_EQ(format_amount("0", 18, Fraction::kTrimmed), "0");
}

TEST(Amount, KeepsTheSignOutsideTheGrouping) {
  EXPECT_EQ(format_amount("-123456", 3), "-123.456");
  EXPECT_EQ(format_amount("-1", 3, Fraction::kTrimmed), "-0.001");
}

TEST(Amount, LeavesTextThatIsNoIntegerVisible) {
  EXPECT_EQ(format_amount("12a", 3), "12a");
  EXPECT_EQ(format_amount("", 3), "");
  EXPECT_EQ(format_amount("-", 3), "-");
  EXPECT_EQ(format_amount("1.5", 3), "1.5");
}

TEST(Amount, FormatsNumbersWiderThanMachineIntegers) {
  EXPECT_EQ(format_amount(std::string(60, '9'), 18, Fraction::kTrimmed).size(), 42u + 13u + 19u);
}

TEST(Amount, AddsAndSubtractsWhereDoublesWouldRound) {
  EXPECT_EQ(add_amounts("999999999999999999999999999", "1").value(),
            "1000000000000000000000000000");
  EXPECT_EQ(subtract_amounts("1000000000000000000000000000", "999999999999999999999999999").value(),
            "1");
  EXPECT_EQ(subtract_amounts("0", "5").value(), "-5");
}

TEST(Amount, RefusesWhatIsNoAmountOrDoesNotFit) {
  EXPECT_EQ(add_amounts("1e5", "1").error().code, ErrorCode::kMalformed);
  EXPECT_EQ(add_amounts("-1", "1").error().code, ErrorCode::kMalformed);
  EXPECT_EQ(add_amounts("170141183460469231731687303715884105727", "1").error().code,
            ErrorCode::kLimit);
  EXPECT_EQ(add_amounts("170141183460469231731687303715884105728", "0").error().code,
            ErrorCode::kLimit);
}

TEST(Amount, GroupsDigitsByThousands) {
  EXPECT_EQ(group_digits("1"), "1");
  EXPECT_EQ(group_digits("123"), "123");
  EXPECT_EQ(group_digits("1234567"), "1,234,567");
}

}  // namespace
}  // namespace orrery::report
