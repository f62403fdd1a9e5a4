#include "harness/model/attribution_study.h"

#include <numeric>

#include "harness/model/trak.h"

namespace orrery::model {
namespace {

constexpr std::uint64_t kFirstSeed = 1'000;  // retrain() counts from 1
constexpr std::uint32_t kParts = 6;          // of a training, a checkpoint after each but the last

struct ModelScores {
  GradientScores during;
  GradientScores at_end;
  ScoreTable trak;
  Status status;
};

// One model's scores; `at_end` and `trak` only if `all`.
ModelScores scores_of(const EpochOptions& options, std::span<const Example> documents,
                      std::span<const Example> queries, bool all) {
  ModelScores out;
  std::vector<std::size_t> members(documents.size());
  std::iota(members.begin(), members.end(), std::size_t{0});
  const auto keep = [&](const Status& status) {
    if (out.status) out.status = status;
  };
  train_on(options, documents, members, [&](std::uint32_t epoch, const gpu::F32Model& model) {
    if (epoch == options.epochs && all) {
      keep(add_checkpoint(model, {documents, queries, 1}, nullptr, out.at_end));
      keep(add_trak(model, {documents, queries, 1}, {}, nullptr, out.trak));
    }
    if (epoch == options.epochs || epoch * kParts % options.epochs != 0) return;
    const double weight = 1 - 0.9 * epoch / options.epochs;  // the rate falls to a tenth
    keep(add_checkpoint(model, {documents, queries, weight}, nullptr, out.during));
  });
  return out;
}

std::vector<ModelScores> train_and_score(const WordBed& bed, std::span<const Example> documents,
                                         const StudyOptions& options, gpu::Parallel* parallel,
                                         bool all) {
  std::vector<ModelScores> out(options.models);
  gpu::Serial serial;
  gpu::Parallel& threads = parallel != nullptr ? *parallel : static_cast<gpu::Parallel&>(serial);
  threads.each_part([&](std::uint32_t part) {
    const gpu::PartRange mine = gpu::part_range(options.models, part, threads.width());
    for (std::uint32_t m = mine.begin; m < mine.end; ++m) {
      EpochOptions training = study_training(bed, options);
      training.seed = kFirstSeed + m;
      out[m] = scores_of(training, documents, bed.queries, all);
    }
  });
  return out;
}

void add(const ScoreTable& from, ScoreTable& to) {
  if (to.scores.empty())
    to = {from.queries, from.documents, std::vector<std::int64_t>(from.scores.size())};
  for (std::size_t i = 0; i < from.scores.size(); ++i) to.scores[i] += from.scores[i];
}

}  // namespace

EpochOptions study_training(const WordBed& bed, const StudyOptions& options) {
  return {.config = bed.config, .epochs = options.epochs, .optimizer = {}};
}

Result<std::vector<MethodScores>> study_scores(const WordBed& bed, const StudyOptions& options,
                                               gpu::Parallel* parallel) {
  std::vector<MethodScores> out{
      {"graddot", {}},
      {"tracin", {}},
      {"trak", {}},
      {"unscaled-influence", {}},
      {"influence", {}},
      {"suffix", suffix_match(bed.corpus.documents, bed.corpus.queries)},
      {"knn-shapley", knn_shapley_of_texts(bed.corpus.documents, bed.corpus.queries)}};
  for (const ModelScores& m : train_and_score(bed, bed.documents, options, parallel, true)) {
    TRY(m.status);
    add(m.at_end.dot, out[0].table);
    add(m.during.dot, out[1].table);
    add(m.trak, out[2].table);
    add(m.during.plain_influence, out[3].table);
    add(m.during.influence, out[4].table);
  }
  return out;
}

Result<ScoreTable> influence_scores(const WordBed& bed, std::span<const std::size_t> members,
                                    const StudyOptions& options, gpu::Parallel* parallel) {
  std::vector<Example> documents;
  for (const std::size_t m : members) documents.push_back(bed.documents[m]);
  ScoreTable out;
  for (const ModelScores& m : train_and_score(bed, documents, options, parallel, false)) {
    TRY(m.status);
    add(m.during.influence, out);
  }
  return out;
}

}  // namespace orrery::model
