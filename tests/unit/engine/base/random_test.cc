#include "engine/base/random.h"

#include <gtest/gtest.h>

#include <array>

#include "engine/base/lookup_map.h"

namespace orrery {
namespace {

TEST(RandomStream, IsAFunctionOfSeedOwnerStreamAndCounter) {
  RandomStream a(1, 2, 3), b(1, 2, 3);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(a.next(), b.next());
  EXPECT_EQ(a.counter(), 100u);
  const std::uint64_t first = RandomStream(1, 2, 3).next();
  EXPECT_NE(first, RandomStream(2, 2, 3).next());
  EXPECT_NE(first, RandomStream(1, 3, 3).next());
  EXPECT_NE(first, RandomStream(1, 2, 4).next());
}

TEST(RandomStream, ACopyContinuesWhereItsOriginalWas) {
  RandomStream a(1, 2, 3);
  a.next();
  RandomStream fork = a;
  EXPECT_EQ(fork.next(), a.next());
}

TEST(RandomStream, BelowIsUniform) {
  RandomStream random(9, 0, stream_id("random_test"));
  std::array<int, 7> counts{};
  constexpr int kDraws = 70'000;
  for (int i = 0; i < kDraws; ++i) ++counts[random.below(counts.size())];
  double chi_square = 0;
  for (const int n : counts) chi_square += (n - 10'000.0) * (n - 10'000.0) / 10'000.0;
  EXPECT_LT(chi_square, 22.46);  // 6 degrees of freedom, 0.1 %
  EXPECT_EQ(random.below(1), 0u);
  EXPECT_THROW(random.below(0), EnsureFailure);
}

TEST(RandomStream, ChanceHappensAtItsRate) {
  RandomStream random(10, 0, stream_id("random_test"));
  int hits = 0;
  for (int i = 0; i < 40'000; ++i) hits += random.chance(std::uint64_t{1} << 30) ? 1 : 0;
  EXPECT_NEAR(hits, 10'000, 350);  // 4 sigma
  EXPECT_FALSE(random.chance(0));
  EXPECT_TRUE(random.chance(std::uint64_t{1} << 32));
}

TEST(RandomStream, BitsAreBalanced) {
  RandomStream random(12, 0, stream_id("random_test"));
  std::array<int, 64> ones{};
  for (int i = 0; i < 10'000; ++i) {
    const std::uint64_t v = random.next();
    for (std::size_t bit = 0; bit < 64; ++bit) ones[bit] += static_cast<int>(v >> bit & 1);
  }
  for (const int n : ones) EXPECT_NEAR(n, 5000, 250);  // 5 sigma
}

TEST(StreamId, IsFnv1a) {
  EXPECT_EQ(stream_id(""), 0xcbf29ce484222325u);
  EXPECT_EQ(stream_id("a"), 0xaf63dc4c8601ec8cu);
  EXPECT_EQ(stream_id("foobar"), 0x85944171f73967e8u);
}

struct Collide {
  std::size_t operator()(int) const { return 1; }
};

TEST(LookupMap, FindsWhatWasInsertedEvenWhenAllHashesCollide) {
  LookupMap<int, std::string, Collide> map;
  EXPECT_TRUE(map.insert(1, "one").second);
  EXPECT_TRUE(map.insert(2, "two").second);
  const auto [kept, inserted] = map.insert(1, "other");
  EXPECT_FALSE(inserted);
  EXPECT_EQ(*kept, "one");
  map[3] = "three";
  EXPECT_EQ(*map.find(3), "three");
  EXPECT_TRUE(map.erase(2));
  EXPECT_FALSE(map.erase(2));
  EXPECT_EQ(map.find(2), nullptr);
  EXPECT_FALSE(map.contains(2));
  EXPECT_EQ(map.size(), 2u);
  map.clear();
  EXPECT_EQ(map.size(), 0u);
}

}  // namespace
}  // namespace orrery
