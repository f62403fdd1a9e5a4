// How faithful attribution is: scores against what training without the texts really changes, with
// the noise of that measurement, on corpora whose truth is planted.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/result.h"
#include "gpu/cpu/parallel.h"
#include "harness/model/attribution_study.h"
#include "harness/model/rank_statistics.h"

namespace orrery::model {

struct AttributionBench {
  std::vector<std::string> corpora;  // of word_bed_names(); empty: all
  std::uint32_t models = 40;         // random halves of a corpus to train on, at least 8
  std::uint32_t seeds = 3;           // trainings of each half, at least 2
  std::uint32_t threads = 2;
  std::uint64_t seed = 2;  // of the corpora; methods were chosen on those of seed 1
  bool coalitions = true;  // also train on every coalition of eight contributors
};

// A measured number. Intervals are 95 % bootstrap intervals over queries (of copies.*: none).
struct AttributionRow {
  std::string corpus;
  std::string name;
  double value = 0;
  std::optional<Interval> interval;
  std::optional<double> ceiling;  // what perfect scores would reach, given the noise of training
  std::optional<double> target;
  bool at_most = false;  // the target is an upper bound

  bool missed() const { return target && (at_most ? value > *target : value < *target); }
};

// Rows of each corpus. LDS: the mean over queries of Spearman's correlation, over random halves of
// the corpus, between the sum of a half's scores and minus the query's loss after training on it
// (Park et al., 2023), averaged over seeds.
//   retest         the same correlation between two seeds
//   ceiling        sqrt of the reliability of the mean over seeds, by Spearman and Brown from
//   retest lds.METHOD, lds.METHOD.KIND; lds.planted: of scores 1 for planted texts, else 0
//   lds.influence/ceiling, lds.influence/graddot; wins.suffix.KIND: its LDS less that of influence
//   recall@5.METHOD, top1.METHOD
//   copies.ATTACK  what contributors are paid after submitting copies, by what before
// and of the corpus "coalitions": rows shapley.* against exact Shapley values by retraining.
// kInvalidArgument with the broken bound. The listener hears what is being done, and the rows of
// each corpus as soon as they are there.
struct AttributionBenchListener {
  std::function<void(const std::string& what)> step;
  std::function<void(const std::vector<AttributionRow>& rows)> rows;
};
Status bench_attribution(const AttributionBench& options, const AttributionBenchListener& listener);

// Its parts. Gains by copying: attackers are the first contributors, 1.1 is the most they may win.
Result<std::vector<AttributionRow>> bench_copies(const WordBed& bed, const StudyOptions& study,
                                                 gpu::Parallel* parallel);
// Contributors' scores against exact_shapley() of losses after training on every coalition, and
// what permutation_shapley() makes of a tenth of them.
Result<std::vector<AttributionRow>> bench_coalitions(std::uint32_t seeds, std::uint64_t seed,
                                                     gpu::Parallel* parallel);

}  // namespace orrery::model
