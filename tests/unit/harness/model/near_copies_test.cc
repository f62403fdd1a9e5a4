#include "harness/model/near_copies.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/base/random.h"

namespace orrery::model {
namespace {

using testing::ElementsAre;

// Every so many words replaced by another.
std::string with_noise(const std::string& text, std::uint32_t percent, std::uint64_t seed) {
  RandomStream random(seed, 0, stream_id("test.noise"));
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find(' ', at), text.size());
    if (!out.empty()) out += ' ';
    out += random.below(100) < percent ? "noise" + std::to_string(random.below(1000))
                                       : text.substr(at, end - at);
    at = end + 1;
  }
  return out;
}

TEST(NearCopies, ShinglesKnowNeitherCaseNorRunsOfSpaces) {
  EXPECT_EQ(shingles_of("The  moon\nturns ", 5), shingles_of("the moon turns", 5));
  EXPECT_EQ(shingles_of("the moon", 5).size(), 4u);
  EXPECT_EQ(shingles_of("moo", 5).size(), 1u);
  EXPECT_EQ(shingles_of("aaaaaaaaaa", 5).size(), 1u);
  const auto a = shingles_of("abcdefgh", 5);
  EXPECT_EQ(common(a, shingles_of("xxcdefghyy", 5)), 2u);  // cdefg defgh
  EXPECT_EQ(common(a, a), a.size());
  EXPECT_EQ(common(a, {}), 0u);
}

TEST(NearCopies, AnExactCopyIsThatOfTheFirst) {
  const std::vector<Document> documents{
      {0, {}, "one text"}, {1, {}, "another"}, {2, {}, "one text"}};
  EXPECT_THAT(first_of_equals(documents), ElementsAre(0, 1, 0));
  EXPECT_THAT(first_of_copies(documents), ElementsAre(0, 1, 0));
}

TEST(NearCopies, ACopyOfACopyIsACopy) {
  const std::string a = "the moon turns around the earth in a month";
  const std::string b = "the moon turns around the earth in 27 days";
  const std::string c = "the moon spins around the earth in 27 days";
  const std::vector<Document> documents{{0, {}, a}, {1, {}, b}, {2, {}, c}};
  EXPECT_THAT(first_of_copies(documents), ElementsAre(0, 0, 0));
}

TEST(NearCopies, TextsOfOneStyleAreNotCopiesButNoisyOnesAre) {
  const auto corpus = make_corpus({.contributors = 20, .documents = 10, .facts = 2});
  ASSERT_TRUE(corpus);
  std::vector<Document> documents = corpus->documents;
  const std::size_t n = documents.size();
  const auto before = first_of_copies(documents);
  std::size_t mistaken = 0;
  for (std::uint32_t i = 0; i < n; ++i) mistaken += before[i] != i;
  EXPECT_LE(mistaken, n / 100);
  for (const std::uint32_t percent : {2u, 5u, 10u, 20u}) {
    documents.resize(n);
    for (std::size_t i = 0; i < n; ++i) {
      documents.push_back({99, {}, with_noise(documents[i].text, percent, i)});
    }
    const auto after = first_of_copies(documents);
    std::size_t found = 0;
    for (std::size_t i = 0; i < n; ++i) found += after[n + i] == after[i];
    EXPECT_GE(found, percent <= 10 ? n : n * 95 / 100) << percent << " %: " << found;
  }
}

TEST(NearCopies, BoilerplateThatAllShareIsStillOneSet) {
  std::vector<Document> documents(3 * kMaxBandPairs, {0, {}, "all rights reserved, as ever"});
  documents.push_back({0, {}, "nothing like it at all"});
  const auto first = first_of_copies(documents);
  EXPECT_EQ(std::count(first.begin(), first.end(), 0u), 3 * kMaxBandPairs);
  EXPECT_EQ(first.back(), documents.size() - 1);
}

}  // namespace
}  // namespace orrery::model
