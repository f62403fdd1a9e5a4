// bench_coalitions(), declared in bench_attribution.h.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "harness/model/bench_attribution.h"
#include "harness/model/contributor_shapley.h"

namespace orrery::model {
namespace {

constexpr std::uint32_t kPlayers = 8;
constexpr std::uint32_t kOrders = 4;  // of the Monte Carlo walk: about a tenth of the coalitions
constexpr std::uint64_t kBootstrapSeed = 1;

std::vector<std::vector<std::size_t>> all_coalitions(const Corpus& corpus) {
  std::vector<std::vector<std::size_t>> out;
  for (std::size_t mask = 0; mask < std::size_t{1} << kPlayers; ++mask) {
    std::vector<std::size_t> members;
    for (std::size_t i = 0; i < corpus.documents.size(); ++i) {
      if ((mask >> corpus.documents[i].contributor & 1) != 0) members.push_back(i);
    }
    out.push_back(std::move(members));
  }
  return out;
}

// A contributor's score: the sum of its documents'.
std::vector<double> of_contributors(std::span<const std::int64_t> scores, const Corpus& corpus) {
  std::vector<double> out(kPlayers);
  for (std::size_t i = 0; i < scores.size(); ++i) {
    out[corpus.documents[i].contributor] += static_cast<double>(scores[i]);
  }
  return out;
}

std::size_t best(std::span<const double> values) {
  return static_cast<std::size_t>(std::max_element(values.begin(), values.end()) - values.begin());
}

AttributionRow row_of(const std::string& name, std::span<const double> values) {
  return {.corpus = "coalitions",
          .name = "shapley." + name,
          .value = mean(values),
          .interval = bootstrap_mean(values, kBootstrapSeed)};
}

// Spearman over contributors, and whether the best one is the same, of each query.
struct Agreement {
  std::vector<double> order;
  std::vector<double> top1;

  void add(std::span<const double> scores, std::span<const double> truth) {
    order.push_back(spearman(scores, truth));
    top1.push_back(best(scores) == best(truth) ? 1 : 0);
  }
};

struct MonteCarlo {
  Agreement agreement;
  std::vector<double> asked;  // coalitions
};

MonteCarlo monte_carlo(const Retrained& truth, std::span<const std::vector<double>> exact) {
  MonteCarlo out;
  for (std::size_t q = 0; q < truth.queries; ++q) {
    const auto worths = truth.gains(q, 0, truth.seeds);
    const PermutationOptions options{.players = kPlayers,
                                     .orders = kOrders,
                                     .tolerance = 0.05 * (worths.back() - worths.front()),
                                     .seed = q + 1};
    const auto made =
        permutation_shapley(options, [&](std::uint64_t mask) { return worths[mask]; });
    out.agreement.add(made.values, exact[q]);
    out.asked.push_back(static_cast<double>(made.evaluations));
  }
  return out;
}

}  // namespace

Result<std::vector<AttributionRow>> bench_coalitions(std::uint32_t seeds, std::uint64_t seed,
                                                     gpu::Parallel* parallel) {
  ASSIGN_OR_RETURN(Corpus corpus, make_corpus({.contributors = kPlayers,
                                               .documents = 8,
                                               .facts = 1,
                                               .copies = 5,
                                               .both_forms = true,
                                               .seed = seed}));
  const WordBed bed = make_word_bed("coalitions", std::move(corpus));
  const Retrained truth = retrain(study_training(bed, {}), bed.documents, bed.queries,
                                  all_coalitions(bed.corpus), seeds, parallel);
  std::vector<std::vector<double>> exact;
  Agreement retest;
  for (std::size_t q = 0; q < truth.queries; ++q) {
    exact.push_back(exact_shapley(kPlayers, truth.gains(q, 0, seeds)));
    const auto first = exact_shapley(kPlayers, truth.gains(q, 0, 1));
    retest.add(first, exact_shapley(kPlayers, truth.gains(q, seeds - 1, seeds)));
  }
  const double ceiling = std::sqrt(spearman_brown(mean(retest.order), seeds));
  std::vector<AttributionRow> rows{row_of("retest", retest.order)};
  ASSIGN_OR_RETURN(const auto methods, study_scores(bed, {}, parallel));
  for (const MethodScores& m : methods) {
    Agreement agreement;
    for (std::size_t q = 0; q < truth.queries; ++q) {
      agreement.add(of_contributors(m.table.of(q), bed.corpus), exact[q]);
    }
    rows.push_back(row_of(m.method, agreement.order));
    rows.back().ceiling = ceiling;
    rows.push_back(row_of(m.method + ".top1", agreement.top1));
  }
  const MonteCarlo walk = monte_carlo(truth, exact);
  rows.push_back(row_of("monte-carlo", walk.agreement.order));
  rows.push_back(row_of("monte-carlo.top1", walk.agreement.top1));
  rows.push_back(row_of("monte-carlo.coalitions", walk.asked));
  return rows;
}

}  // namespace orrery::model
