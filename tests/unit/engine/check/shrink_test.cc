#include "engine/check/shrink.h"

#include <gmock/gmock.h>

#include <numeric>

namespace orrery::check {
namespace {

using Items = std::vector<int>;

std::vector<Items> without_ranges(const Items& items) {
  std::vector<Items> proposals;
  for (const auto& [begin, end] : ranges_to_drop(items.size())) {
    Items rest = items;
    rest.erase(rest.begin() + static_cast<std::ptrdiff_t>(begin),
               rest.begin() + static_cast<std::ptrdiff_t>(end));
    proposals.push_back(std::move(rest));
  }
  return proposals;
}

bool has(const Items& items, int item) {
  return std::find(items.begin(), items.end(), item) != items.end();
}

TEST(Shrink, KeepsOnlyWhatTheFailureNeeds) {
  Items items(100);
  std::iota(items.begin(), items.end(), 0);
  ShrinkCounts counts;
  const Items small = shrink<Items>(
      items, {without_ranges},
      [](const Items& i) { return has(i, 17) && has(i, 18) && has(i, 93); }, &counts);
  EXPECT_THAT(small, testing::ElementsAre(17, 18, 93));
  EXPECT_LT(counts.tried, 400u);
}

TEST(Shrink, LaterPassesMayMakeEarlierOnesWorthAnotherLook) {
  // An item may go only once the one after it has been made smaller.
  const ShrinkPass<Items> halve = [](const Items& items) {
    std::vector<Items> proposals;
    for (std::size_t i = 0; i < items.size(); ++i) {
      if (items[i] < 2) continue;
      proposals.push_back(items);
      proposals.back()[i] /= 2;
    }
    return proposals;
  };
  const Items small = shrink<Items>({9, 9, 9}, {without_ranges, halve}, [](const Items& items) {
    return !items.empty() && (items.size() == 3 || items.back() == 1);
  });
  EXPECT_THAT(small, testing::ElementsAre(1));
}

TEST(Shrink, WhatCannotBeSmallerStays) {
  const Items start = {1, 2};
  EXPECT_EQ(shrink<Items>(start, {without_ranges}, [](const Items&) { return false; }), start);
}

TEST(Shrink, RangesCoverEverythingFromTheWholeToSingleItems) {
  EXPECT_TRUE(ranges_to_drop(0).empty());
  const auto ranges = ranges_to_drop(5);
  EXPECT_EQ(ranges.front(), std::make_pair(std::size_t{0}, std::size_t{5}));
  EXPECT_EQ(ranges.back(), std::make_pair(std::size_t{4}, std::size_t{5}));
}

}  // namespace
}  // namespace orrery::check
