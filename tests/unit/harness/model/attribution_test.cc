#include "harness/model/attribution.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "gpu/cpu/f32_network.h"
#include "harness/model/near_copies.h"
#include "harness/model/thread_pool.h"
#include "harness/model/trainer.h"

namespace orrery::model {
namespace {

using testing::ElementsAre;

std::vector<Document> documents(const std::vector<std::pair<std::uint32_t, std::string>>& list) {
  std::vector<Document> out;
  for (const auto& [contributor, text] : list) out.push_back({contributor, {}, text});
  return out;
}

TEST(Payouts, SumExactlyAndGiveNothingForNegativeScores) {
  const auto docs = documents({{0, "a"}, {1, "b"}, {2, "c"}, {2, "d"}});
  const std::int64_t scores[] = {1, 1, 1, -5};
  EXPECT_THAT(payouts(scores, docs, first_of_equals(docs), 100), ElementsAre(34, 33, 33));
  const std::int64_t huge[] = {INT64_MAX, INT64_MAX, INT64_MAX, INT64_MAX};
  const auto paid = payouts(huge, docs, first_of_equals(docs), UINT64_MAX);
  EXPECT_EQ(paid[0] + paid[1] + paid[2], UINT64_MAX);
  const std::int64_t none[] = {-1, 0, -3, 0};
  EXPECT_THAT(payouts(none, docs, first_of_equals(docs), 100), ElementsAre(0, 0, 0));
}

TEST(Payouts, AreTheSameWhenATextIsSubmittedFiveTimes) {
  const auto once = documents({{0, "a"}, {1, "b"}});
  const auto five = documents({{0, "a"}, {1, "b"}, {1, "b"}, {1, "b"}, {1, "b"}, {2, "a"}});
  const std::int64_t few[] = {3, 1};
  const std::int64_t many[] = {3, 1, 1, 1, 1, 3};
  EXPECT_THAT(payouts(few, once, first_of_equals(once), 1000), ElementsAre(750, 250));
  EXPECT_THAT(payouts(many, five, first_of_equals(five), 1000), ElementsAre(750, 250, 0));
}

// Shapley values by their definition: the mean over all orders of what a voter adds.
std::vector<double> shapley_by_orders(const std::vector<std::int64_t>& distances,
                                      const std::vector<std::uint8_t>& agrees, std::uint32_t k) {
  const std::size_t n = distances.size();
  const auto worth = [&](const std::vector<std::size_t>& members) {
    auto sorted = members;
    std::sort(sorted.begin(), sorted.end(), [&](std::size_t a, std::size_t b) {
      return std::pair(distances[a], a) < std::pair(distances[b], b);
    });
    double votes = 0;
    for (std::size_t i = 0; i < std::min<std::size_t>(k, sorted.size()); ++i) {
      votes += agrees[sorted[i]];
    }
    return votes / k;
  };
  std::vector<std::size_t> order(n);
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::vector<double> values(n);
  double orders = 0;
  do {
    std::vector<std::size_t> members;
    double before = 0;
    for (const std::size_t i : order) {
      members.push_back(i);
      const double after = worth(members);
      values[i] += after - before;
      before = after;
    }
    ++orders;
  } while (std::next_permutation(order.begin(), order.end()));
  for (double& v : values) v /= orders;
  return values;
}

TEST(KnnShapley, EqualsTheDefinitionOverAllOrders) {
  const std::vector<std::int64_t> distances{7, 3, 3, 9, 1, 12, 5};
  const std::vector<std::uint8_t> agrees{1, 0, 1, 1, 0, 0, 1};
  for (const std::uint32_t k : {1u, 2u, 3u, 7u}) {
    const auto want = shapley_by_orders(distances, agrees, k);
    const auto got = knn_shapley(distances, agrees, k);
    for (std::size_t i = 0; i < want.size(); ++i) {
      EXPECT_NEAR(std::ldexp(static_cast<double>(got[i]), -32), want[i], 1e-8) << k << " " << i;
    }
  }
}

struct Bed {
  Corpus corpus;
  std::vector<Example> documents;
  std::vector<Example> queries;
  std::vector<std::size_t> facts;
  GradientScores scores;
};

Bed make_bed(gpu::Parallel* parallel) {
  Bed bed;
  bed.corpus = *make_corpus({.contributors = 6, .documents = 10, .facts = 2});
  TrainOptions options{.config = {.dim = 32, .hidden = 64, .layers = 2, .heads = 2, .context = 192},
                       .steps = 120,
                       .batch = 4,
                       .length = 96,
                       .rate = 6e-3f,
                       .warmup = 10,
                       .optimizer = {}};
  for (const Document& d : bed.corpus.documents) {
    bed.documents.push_back(document_example(d.text, options.config.context));
  }
  for (std::size_t q = 0; q < bed.corpus.queries.size(); ++q) {
    bed.queries.push_back(query_example(bed.corpus.queries[q], options.config.context));
    if (bed.corpus.queries[q].kind == QueryKind::kFact) bed.facts.push_back(q);
  }
  Trainer trainer = *Trainer::start(options, token_stream(bed.corpus), parallel);
  while (!trainer.done()) {
    trainer.step();
    if (trainer.steps() % 40 != 0) continue;
    EXPECT_TRUE(
        add_checkpoint(trainer.model(), {bed.documents, bed.queries}, {parallel}, bed.scores));
  }
  return bed;
}

TEST(Attribution, InfluenceFindsThePlantedTextsAndSuffixMatchFindsExactFacts) {
  const Bed bed = make_bed(nullptr);
  const auto influence = judge(bed.scores.influence, bed.corpus, bed.facts);
  const auto suffix =
      judge(suffix_match(bed.corpus.documents, bed.corpus.queries), bed.corpus, bed.facts);
  // Chance is 5 of 60 documents and one of six contributors.
  EXPECT_GT(influence.recall_at_5, 0.35);
  EXPECT_GT(influence.top1_contributor, 0.5);
  EXPECT_EQ(suffix.recall_at_5, 1.0);
  EXPECT_EQ(suffix.top1_contributor, 1.0);
}

TEST(Attribution, ScoresAreTheSameBitsOnAnyNumberOfThreads) {
  ThreadPool pool(2);
  EXPECT_EQ(make_bed(nullptr).scores.influence.scores, make_bed(&pool).scores.influence.scores);
}

// (K + I)^-1 k by Gauss-Jordan without pivots, which a positive definite matrix does not need.
std::vector<double> damped_solution(std::vector<std::vector<double>> a, std::vector<double> k) {
  const std::size_t n = k.size();
  for (std::size_t i = 0; i < n; ++i) a[i][i] += 1;
  for (std::size_t p = 0; p < n; ++p) {
    for (std::size_t i = 0; i < n; ++i) {
      if (i == p) continue;
      const double factor = a[i][p] / a[p][p];
      for (std::size_t j = 0; j < n; ++j) a[i][j] -= factor * a[p][j];
      k[i] -= factor * k[p];
    }
  }
  for (std::size_t i = 0; i < n; ++i) k[i] /= a[i][i];
  return k;
}

TEST(Attribution, InfluenceIsItsFormulaInDoubles) {
  const gpu::F32Model model =
      gpu::make_f32_model({.dim = 16, .hidden = 32, .layers = 1, .heads = 2, .context = 32}, 9);
  const std::vector<Example> documents{document_example("one two", 32),
                                       document_example("two three four", 32),
                                       document_example("fives", 32)};
  const std::vector<Example> query{document_example("two", 32)};
  std::vector<std::vector<double>> g;
  gpu::F32Network network(model.config, gpu::Kernel::kPortable);
  for (const Example& e : {documents[0], documents[1], documents[2], query[0]}) {
    std::vector<float> row(model.values.size());
    network.gradient(model, {e.inputs, e.targets, 1, static_cast<std::uint32_t>(e.inputs.size())},
                     1.0f, row);
    g.emplace_back(row.begin(), row.end());
  }
  std::vector<double> v(model.values.size());
  double mean = 0;
  for (std::size_t j = 0; j < v.size(); ++j) {
    for (std::size_t i = 0; i < 3; ++i) v[j] += g[i][j] * g[i][j] / 3;
    mean += v[j] / static_cast<double>(v.size());
  }
  for (const bool scaled : {false, true}) {
    auto rows = g;
    for (auto& row : rows) {
      double squares = 0;
      for (std::size_t j = 0; j < row.size(); ++j) {
        if (scaled) row[j] /= std::sqrt(v[j] + mean / 100);
        squares += row[j] * row[j];
      }
      for (double& x : row) x /= std::sqrt(squares);
    }
    const auto dot = [&](std::size_t a, std::size_t b) {
      return std::inner_product(rows[a].begin(), rows[a].end(), rows[b].begin(), 0.0);
    };
    std::vector<std::vector<double>> gram(3, std::vector<double>(3));
    std::vector<double> cross(3);
    for (std::size_t i = 0; i < 3; ++i) {
      cross[i] = dot(3, i);
      for (std::size_t j = 0; j < 3; ++j) gram[i][j] = dot(i, j);
    }
    const auto want = damped_solution(gram, cross);
    GradientScores scores;
    ASSERT_TRUE(add_checkpoint(model, {documents, query, 0.5}, {}, scores));
    const ScoreTable& table = scaled ? scores.influence : scores.plain_influence;
    for (std::size_t i = 0; i < 3; ++i) {
      EXPECT_NEAR(std::ldexp(static_cast<double>(table.scores[i]), -31), want[i], 1e-5);
      if (!scaled) {
        EXPECT_NEAR(std::ldexp(static_cast<double>(scores.cosine.scores[i]), -31), cross[i], 1e-5);
      }
    }
  }
}

TEST(Attribution, RefusesWhatDoesNotFit) {
  const gpu::F32Model model =
      gpu::make_f32_model({.dim = 32, .hidden = 64, .layers = 2, .heads = 2, .context = 64}, 1);
  const std::vector<Example> few(2, document_example("abc", 64));
  const std::vector<Example> many(100'000, few[0]);
  GradientScores scores;
  EXPECT_EQ(add_checkpoint(model, {many, few}, {}, scores).error().code, ErrorCode::kLimit);
  EXPECT_FALSE(add_checkpoint(model, {{}, few}, {}, scores));
  ASSERT_TRUE(add_checkpoint(model, {few, few}, {}, scores));
  EXPECT_FALSE(add_checkpoint(model, {std::span(few).first(1), few}, {}, scores));
}

}  // namespace
}  // namespace orrery::model
