#include "harness/model/bench_attribution.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "harness/model/thread_pool.h"

namespace orrery::model {
namespace {

using testing::HasSubstr;

WordBed tiny_bed() {
  return make_word_bed(
      "tiny", *make_corpus(
                  {.contributors = 4, .documents = 10, .facts = 2, .both_forms = true, .seed = 4}));
}

const AttributionRow* find(const std::vector<AttributionRow>& rows, const std::string& name) {
  const auto at =
      std::find_if(rows.begin(), rows.end(), [&](const auto& r) { return r.name == name; });
  return at == rows.end() ? nullptr : &*at;
}

TEST(AttributionStudy, ScoresAreTheSameBitsOnAnyNumberOfThreads) {
  const WordBed bed = tiny_bed();
  ThreadPool pool(2);
  const StudyOptions options{.models = 2, .halves = 3, .epochs = 6};
  const auto one = study_scores(bed, options, nullptr);
  const auto two = study_scores(bed, options, &pool);
  ASSERT_TRUE(one && two);
  ASSERT_EQ(one->size(), 10u);
  for (std::size_t m = 0; m < one->size(); ++m) {
    EXPECT_EQ((*one)[m].table.scores, (*two)[m].table.scores) << (*one)[m].method;
    EXPECT_EQ((*one)[m].table.queries, bed.queries.size());
    EXPECT_EQ((*one)[m].table.documents, bed.documents.size());
  }
}

TEST(AttributionStudy, InfluenceOfAPartKnowsThatPartAlone) {
  const WordBed bed = tiny_bed();
  const std::vector<std::size_t> members{1, 5, 7};
  const auto table =
      influence_scores(bed, members, {.models = 1, .halves = 2, .epochs = 6}, nullptr);
  ASSERT_TRUE(table);
  EXPECT_EQ(table->documents, 3u);
  WordBed part = bed;
  part.documents = {bed.documents[1], bed.documents[5], bed.documents[7]};
  const std::vector<std::size_t> all{0, 1, 2};
  EXPECT_EQ(influence_scores(part, all, {.models = 1, .halves = 2, .epochs = 6}, nullptr)->scores,
            table->scores);
}

// Two contributors of five texts: each attack trains again.
TEST(AttributionBench, CopiesPayNothingBecauseTheyCountOnce) {
  const WordBed bed =
      make_word_bed("two", *make_corpus({.contributors = 2, .documents = 5, .facts = 1}));
  ThreadPool pool(2);
  const auto rows = bench_copies(bed, {.models = 1, .halves = 2, .epochs = 6}, &pool);
  ASSERT_TRUE(rows) << rows.error().message;
  for (const char* attack : {"copies.exact", "copies.identities", "copies.theft"}) {
    ASSERT_NE(find(*rows, attack), nullptr) << attack;
    EXPECT_EQ(find(*rows, attack)->value, 1.0) << attack;
    EXPECT_FALSE(find(*rows, attack)->missed());
  }
  // Without the quotient the same attack pays.
  EXPECT_GT(find(*rows, "copies.exact.unprotected")->value, 1.1);
}

TEST(AttributionBench, RowsSayWhatIsMissed) {
  AttributionRow row{.corpus = "c", .name = "n", .value = 1.2};
  EXPECT_FALSE(row.missed());
  row.target = 1.1;
  EXPECT_FALSE(row.missed());
  row.at_most = true;
  EXPECT_TRUE(row.missed());
}

TEST(AttributionBench, RefusesWhatItCannotMeasure) {
  const AttributionBenchListener silent{[](const auto&) {}, [](const auto&) {}};
  EXPECT_THAT(bench_attribution({.corpora = {"nowhere"}}, silent).error().message,
              HasSubstr("plain, shared or wide"));
  EXPECT_FALSE(bench_attribution({.models = 2}, silent));
  EXPECT_FALSE(bench_attribution({.seeds = 1}, silent));
  EXPECT_FALSE(bench_attribution({.threads = 0}, silent));
}

}  // namespace
}  // namespace orrery::model
