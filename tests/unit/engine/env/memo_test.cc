#include "engine/env/memo.h"

#include <gtest/gtest.h>

namespace orrery::env {
namespace {

constexpr std::uint64_t kDomain = stream_id("memo_test");

int value_of(Memo& memo, std::uint64_t key, int& computed, std::uint64_t domain = kDomain) {
  return *memo.get<int>(domain, Digest128{key, 0}, [&] {
    ++computed;
    return static_cast<int>(key * 2);
  });
}

TEST(Memo, ComputesEachKeyOnce) {
  Memo memo;
  int computed = 0;
  for (int round = 0; round < 3; ++round) {
    for (std::uint64_t key = 0; key < 5; ++key) EXPECT_EQ(value_of(memo, key, computed), key * 2);
  }
  EXPECT_EQ(computed, 5);
  EXPECT_EQ(memo.hits(), 10u);
  EXPECT_EQ(memo.misses(), 5u);
}

TEST(Memo, DomainsAreApart) {
  Memo memo;
  int computed = 0;
  value_of(memo, 1, computed, 1);
  value_of(memo, 1, computed, 2);
  EXPECT_EQ(computed, 2);
}

TEST(Memo, OffComputesEveryTimeAndGivesTheSameValues) {
  Memo memo(false);
  int computed = 0;
  EXPECT_EQ(value_of(memo, 4, computed), 8);
  EXPECT_EQ(value_of(memo, 4, computed), 8);
  EXPECT_EQ(computed, 2);
}

TEST(Memo, KeepsAValueForItsCapacityOfNewerOnesAndForgetsItAfterTwo) {
  constexpr std::size_t kCapacity = 10;
  Memo memo(true, kCapacity);
  int computed = 0;
  value_of(memo, 0, computed);
  for (std::uint64_t key = 1; key <= kCapacity; ++key) value_of(memo, key, computed);
  computed = 0;
  value_of(memo, 0, computed);
  EXPECT_EQ(computed, 0);
  for (std::uint64_t key = 100; key < 100 + 2 * kCapacity + 1; ++key) value_of(memo, key, computed);
  computed = 0;
  value_of(memo, 0, computed);
  EXPECT_EQ(computed, 1);
}

TEST(Memo, HeavyValuesMakeAGenerationShort) {
  Memo memo(true, 1'000, 100);
  int computed = 0;
  const auto heavy = [&](std::uint64_t key) {
    memo.get<int>(
        kDomain, Digest128{key, 0}, [&] { return ++computed; }, 40);
  };
  for (std::uint64_t key = 0; key < 4; ++key) heavy(key);  // two a generation
  computed = 0;
  heavy(3);
  heavy(2);
  EXPECT_EQ(computed, 0);
  for (std::uint64_t key = 10; key < 14; ++key) heavy(key);
  computed = 0;
  heavy(0);
  EXPECT_EQ(computed, 1);
}

TEST(Memo, AHolderOutlivesEviction) {
  Memo memo(true, 1);
  const auto kept = memo.get<int>(kDomain, {1, 0}, [] { return 7; });
  for (std::uint64_t key = 2; key < 10; ++key) memo.get<int>(kDomain, {key, 0}, [] { return 0; });
  EXPECT_EQ(*kept, 7);
}

TEST(Memo, AComputationMayUseTheMemoItself) {
  Memo memo(true, 1);
  const auto outer = memo.get<int>(kDomain, {1, 0}, [&] {
    int sum = 0;
    for (std::uint64_t key = 2; key < 6; ++key) {
      sum += *memo.get<int>(kDomain, {key, 0}, [] { return 10; });
    }
    return sum;
  });
  EXPECT_EQ(*outer, 40);
}

}  // namespace
}  // namespace orrery::env
