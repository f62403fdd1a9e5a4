#include "harness/model/bench_attribution.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "harness/model/thread_pool.h"

namespace orrery::model {
namespace {

constexpr std::uint64_t kJudgeSeed = 7;
constexpr std::uint64_t kBootstrapSeed = 1;
constexpr double kOfCeiling = 0.7;
constexpr double kOverGradDot = 1.5;
constexpr double kRecall = 0.65;
constexpr double kTop1 = 0.9;

constexpr const char* kKinds[] = {"fact", "paraphrase", "style"};

std::vector<std::size_t> queries_of_kind(const WordBed& bed, std::size_t kind) {
  std::vector<std::size_t> out;
  for (std::size_t q = 0; q < bed.corpus.queries.size(); ++q) {
    if (static_cast<std::size_t>(bed.corpus.queries[q].kind) == kind) out.push_back(q);
  }
  return out;
}

std::vector<double> at(std::span<const double> values, std::span<const std::size_t> places) {
  std::vector<double> out;
  for (const std::size_t p : places) out.push_back(values[p]);
  return out;
}

// Of each query: Spearman over subsets of its summed scores and its mean gain.
std::vector<double> lds_of(const ScoreTable& table, const Retrained& truth) {
  std::vector<double> out;
  for (std::size_t q = 0; q < table.queries; ++q) {
    const auto scores = table.of(q);
    std::vector<double> sums;
    for (const auto& subset : truth.subsets) {
      double sum = 0;
      for (const std::size_t d : subset) sum += static_cast<double>(scores[d]);
      sums.push_back(sum);
    }
    out.push_back(spearman(sums, truth.gains(q, 0, truth.seeds)));
  }
  return out;
}

// Of each query: the mean over pairs of seeds of Spearman between their gains.
std::vector<double> retest_of(const Retrained& truth) {
  std::vector<double> out;
  for (std::size_t q = 0; q < truth.queries; ++q) {
    std::vector<double> pairs;
    for (std::uint32_t a = 0; a < truth.seeds; ++a) {
      for (std::uint32_t b = a + 1; b < truth.seeds; ++b) {
        pairs.push_back(spearman(truth.gains(q, a, a + 1), truth.gains(q, b, b + 1)));
      }
    }
    out.push_back(mean(pairs));
  }
  return out;
}

ScoreTable planted(const WordBed& bed) {
  ScoreTable table{bed.queries.size(), bed.documents.size(), {}};
  for (const Query& query : bed.corpus.queries) {
    for (const Document& d : bed.corpus.documents) {
      const bool tells = query.kind == QueryKind::kStyle
                             ? d.contributor == query.contributor
                             : std::count(d.facts.begin(), d.facts.end(), query.fact) > 0;
      table.scores.push_back(tells);
    }
  }
  return table;
}

class Rows {
 public:
  Rows(const WordBed& bed, const Retrained& truth)
      : bed_(bed), truth_(truth), retest_(retest_of(truth)) {
    ceiling_ = ceiling_of(retest_);
    add({.name = "retest",
         .value = mean(retest_),
         .interval = bootstrap_mean(retest_, kBootstrapSeed)});
    add({.name = "ceiling", .value = ceiling_, .interval = over_queries([&](auto sample) {
                                                 return ceiling_of(at(retest_, sample));
                                               })});
  }

  std::vector<double> lds(const MethodScores& scores) {
    const std::vector<double> values = lds_of(scores.table, truth_);
    add({.name = "lds." + scores.method,
         .value = mean(values),
         .interval = bootstrap_mean(values, kBootstrapSeed),
         .ceiling = ceiling_});
    for (std::size_t kind = 0; kind < std::size(kKinds); ++kind) {
      const auto places = queries_of_kind(bed_, kind);
      const auto some = at(values, places);
      add({.name = fmt::format("lds.{}.{}", scores.method, kKinds[kind]),
           .value = mean(some),
           .interval = bootstrap_mean(some, kBootstrapSeed),
           .ceiling = ceiling_of(at(retest_, places))});
    }
    return values;
  }

  void of_ceiling(std::span<const double> values) {
    add({.name = "lds.influence/ceiling",
         .value = mean(values) / ceiling_,
         .interval = over_queries([&](auto sample) {
           return mean(at(values, sample)) / ceiling_of(at(retest_, sample));
         }),
         .target = kOfCeiling});
  }
  void over_graddot(std::span<const double> values, std::span<const double> graddot) {
    add({.name = "lds.influence/graddot",
         .value = mean(values) / mean(graddot),
         .interval = over_queries(
             [&](auto sample) { return mean(at(values, sample)) / mean(at(graddot, sample)); }),
         .target = kOverGradDot});
  }
  void suffix_wins(std::span<const double> suffix, std::span<const double> influence) {
    for (std::size_t kind = 0; kind < std::size(kKinds); ++kind) {
      std::vector<double> less;
      for (const std::size_t q : queries_of_kind(bed_, kind)) {
        less.push_back(suffix[q] - influence[q]);
      }
      add({.name = fmt::format("wins.suffix.{}", kKinds[kind]),
           .value = mean(less),
           .interval = bootstrap_mean(less, kBootstrapSeed)});
    }
  }
  void found(const MethodScores& scores, bool judged) {
    const auto row = [&](const char* name, bool facts_only, double target) {
      std::vector<double> values;
      for (std::size_t q = 0; q < bed_.queries.size(); ++q) {
        if (facts_only && bed_.corpus.queries[q].kind == QueryKind::kStyle) continue;
        const std::size_t one[] = {q};
        const AttributionQuality quality = judge(scores.table, bed_.corpus, one);
        values.push_back(facts_only ? quality.recall_at_5 : quality.top1_contributor);
      }
      add({.name = fmt::format("{}.{}", name, scores.method),
           .value = mean(values),
           .interval = bootstrap_mean(values, kBootstrapSeed),
           .target = judged ? std::optional(target) : std::nullopt});
    };
    row("recall@5", true, kRecall);
    row("top1", false, kTop1);
  }

  std::vector<AttributionRow> take() { return std::move(rows_); }

 private:
  double ceiling_of(std::span<const double> retest) const {
    return std::sqrt(spearman_brown(mean(retest), truth_.seeds));
  }
  Interval over_queries(const Statistic& statistic) const {
    return bootstrap(retest_.size(), kBootstrapSeed, statistic);
  }
  void add(AttributionRow row) {
    row.corpus = bed_.name;
    rows_.push_back(std::move(row));
  }

  const WordBed& bed_;
  const Retrained& truth_;
  std::vector<double> retest_;
  double ceiling_ = 0;
  std::vector<AttributionRow> rows_;
};

Result<std::vector<AttributionRow>> bench_corpus(const std::string& name, const AttributionBench& o,
                                                 gpu::Parallel* pool,
                                                 const AttributionBenchListener& listener) {
  ASSIGN_OR_RETURN(const WordBed bed, make_word_bed(name, o.seed));
  listener.step(name + ": scores of all methods");
  ASSIGN_OR_RETURN(const auto methods, study_scores(bed, {}, pool));
  listener.step(fmt::format("{}: {} trainings on halves of {} texts", name, o.models * o.seeds,
                            bed.documents.size()));
  const Retrained truth =
      retrain(study_training(bed, {}), bed.documents, bed.queries,
              random_halves(bed.documents.size(), o.models, kJudgeSeed), o.seeds, pool);
  Rows rows(bed, truth);
  rows.lds({"planted", planted(bed)});
  std::vector<double> graddot;
  std::vector<double> influence;
  std::vector<double> suffix;
  for (const MethodScores& m : methods) {
    const auto values = rows.lds(m);
    if (m.method == "graddot") graddot = values;
    if (m.method == "influence") influence = values;
    if (m.method == "suffix") suffix = values;
  }
  rows.of_ceiling(influence);
  rows.over_graddot(influence, graddot);
  rows.suffix_wins(suffix, influence);
  for (const MethodScores& m : methods) rows.found(m, m.method == "influence");
  std::vector<AttributionRow> out = rows.take();
  listener.step(name + ": copies");
  ASSIGN_OR_RETURN(const auto copies, bench_copies(bed, {}, pool));
  out.insert(out.end(), copies.begin(), copies.end());
  return out;
}

Status check(const AttributionBench& o) {
  const auto refuse = [](const std::string& what) {
    return fail(ErrorCode::kInvalidArgument, "bench attribution: " + what);
  };
  if (o.models < 8 || o.models > 10'000) return refuse("models are outside [8, 10000]");
  if (o.seeds < 2 || o.seeds > 100) return refuse("seeds are outside [2, 100]");
  if (o.threads < 1 || o.threads > 256) return refuse("threads are outside [1, 256]");
  for (const std::string& name : o.corpora) TRY(make_word_bed(name, o.seed));
  return {};
}

}  // namespace

Status bench_attribution(const AttributionBench& options,
                         const AttributionBenchListener& listener) {
  TRY(check(options));
  ThreadPool pool(options.threads);
  for (const std::string& name : options.corpora.empty() ? word_bed_names() : options.corpora) {
    ASSIGN_OR_RETURN(const auto rows, bench_corpus(name, options, &pool, listener));
    listener.rows(rows);
  }
  if (!options.coalitions) return {};
  listener.step("coalitions: trainings on each");
  ASSIGN_OR_RETURN(const auto rows, bench_coalitions(options.seeds, options.seed, &pool));
  listener.rows(rows);
  return {};
}

}  // namespace orrery::model
