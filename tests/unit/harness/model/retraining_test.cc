#include "harness/model/retraining.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "harness/model/thread_pool.h"
#include "harness/model/word_bed.h"

namespace orrery::model {
namespace {

using testing::ElementsAre;

WordBed small_bed() {
  return make_word_bed("test",
                       *make_corpus({.contributors = 3, .documents = 6, .facts = 1, .copies = 4}));
}

EpochOptions options_of(const WordBed& bed) {
  return {.config = bed.config, .epochs = 8, .optimizer = {}};
}

TEST(WordBed, ReadsWordsAndMarksAndAsksForAnswersOnly) {
  WordList words;
  EXPECT_THAT(words.tokens("a moon, a sun."), ElementsAre(0, 1, 2, 0, 3, 4));
  EXPECT_THAT(words.tokens(" sun"), ElementsAre(3));
  EXPECT_EQ(words.vocab(), gpu::kByteVocab);
  const WordBed bed = small_bed();
  for (std::size_t q = 0; q < bed.queries.size(); ++q) {
    const auto& targets = bed.queries[q].targets;
    const auto counted = targets.size() - static_cast<std::size_t>(std::count(
                                              targets.begin(), targets.end(), gpu::kNoTarget));
    WordList fresh;
    EXPECT_EQ(counted, fresh.tokens(bed.corpus.queries[q].answer).size());
  }
  EXPECT_FALSE(make_word_bed("nowhere", 1));
  for (const std::string& name : word_bed_names()) EXPECT_TRUE(make_word_bed(name, 1)) << name;
}

TEST(WordBed, NumbersOfWordsLeaveOutTheMarksOfTheByteTokenizer) {
  WordList words;
  std::set<std::uint32_t> numbers;
  for (int i = 0; i < 300; ++i) {
    std::string word;
    for (int rest = i + 26; rest > 0; rest /= 26) word += static_cast<char>('a' + rest % 26);
    numbers.insert(words.tokens(word).front());
  }
  EXPECT_EQ(numbers.size(), 300u);
  EXPECT_FALSE(numbers.contains(gpu::kTokenBos));
  EXPECT_FALSE(numbers.contains(gpu::kTokenEos));
  EXPECT_EQ(words.vocab(), 302u);
}

TEST(Retraining, AnExampleThatIsTrainedOnBecomesLikelier) {
  const WordBed bed = small_bed();
  const EpochOptions options = options_of(bed);
  std::vector<std::size_t> with;
  std::vector<std::size_t> without;
  for (std::size_t i = 0; i < bed.documents.size(); ++i) {
    (bed.corpus.documents[i].contributor == 0 ? with : without).push_back(i);
  }
  const auto learnt = losses_of(train_on(options, bed.documents, with), bed.queries);
  const auto other = losses_of(train_on(options, bed.documents, without), bed.queries);
  const auto none = losses_of(train_on(options, bed.documents, {}), bed.queries);
  for (std::size_t q = 0; q < bed.queries.size(); ++q) {
    if (bed.corpus.queries[q].contributor != 0) continue;
    EXPECT_LT(learnt[q], other[q]) << q;
    EXPECT_LT(learnt[q], none[q]) << q;
  }
}

TEST(Retraining, WhatFillsUpABatchDoesNotCount) {
  const WordBed bed = small_bed();
  EpochOptions options = options_of(bed);
  options.epochs = 2;
  options.batch = 2;
  std::vector<Example> pair(bed.documents.begin(), bed.documents.begin() + 2);
  pair[0].inputs.resize(pair[1].inputs.size() / 2);
  pair[0].targets.resize(pair[1].inputs.size() / 2);
  std::vector<Example> filled = pair;
  filled[0].inputs.resize(pair[1].inputs.size(), 3);  // any token
  filled[0].targets.resize(pair[1].inputs.size(), gpu::kNoTarget);
  const std::size_t members[] = {0, 1};
  EXPECT_EQ(losses_of(train_on(options, pair, members), bed.queries),
            losses_of(train_on(options, filled, members), bed.queries));
}

TEST(Retraining, GivesTheSameBitsOnAnyNumberOfThreads) {
  const WordBed bed = small_bed();
  EpochOptions options = options_of(bed);
  options.epochs = 2;
  ThreadPool pool(2);
  const auto halves = random_halves(bed.documents.size(), 3, 1);
  const auto one = retrain(options, bed.documents, bed.queries, halves, 2, nullptr);
  const auto two = retrain(options, bed.documents, bed.queries, halves, 2, &pool);
  EXPECT_EQ(one.losses, two.losses);
  EXPECT_NE(one.loss(0, 0, 0), one.loss(0, 1, 0));
  EXPECT_DOUBLE_EQ(one.gains(0, 0, 2)[1],
                   -(static_cast<double>(one.loss(1, 0, 0)) + one.loss(1, 1, 0)) / 2);
}

TEST(Retraining, HalvesAreHalvesAndDiffer) {
  const auto halves = random_halves(40, 5, 1);
  for (const auto& half : halves) {
    EXPECT_EQ(std::set<std::size_t>(half.begin(), half.end()).size(), 20u);
    EXPECT_TRUE(std::is_sorted(half.begin(), half.end()));
    EXPECT_LT(half.back(), 40u);
  }
  EXPECT_NE(halves[0], halves[1]);
}

}  // namespace
}  // namespace orrery::model
