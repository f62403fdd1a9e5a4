#include "harness/model/attribution_study.h"

#include <atomic>
#include <numeric>

#include "harness/model/logra.h"
#include "harness/model/trak.h"

namespace orrery::model {
namespace {

struct Texts {
  std::span<const Example> documents;
  std::span<const Example> queries;
};

// Scores summed over a model's checkpoints.
struct ModelScores {
  GradientScores during;  // of a model of a half: late ones
  GradientScores at_end;  // not of a model of a half
  ScoreTable trak;        // likewise
  ScoreTable logra;       // of a model of a half only
  Status status;

  void keep(const Status& made) {
    if (status) status = made;
  }
};

ModelScores scores_of_all(const EpochOptions& options, const Texts& texts) {
  ModelScores out;
  std::vector<std::size_t> members(texts.documents.size());
  std::iota(members.begin(), members.end(), std::size_t{0});
  train_on(options, texts.documents, members, [&](std::uint32_t epoch, const gpu::F32Model& model) {
    if (epoch == options.epochs) {
      out.keep(add_checkpoint(model, {texts.documents, texts.queries, 1}, {}, out.at_end));
      out.keep(add_trak(model, {texts.documents, texts.queries, 1}, {}, {}, out.trak));
    } else if (epoch * kTrainingParts % options.epochs == 0) {
      const double weight = 1 - 0.9 * epoch / options.epochs;  // the rate falls to a tenth
      out.keep(add_checkpoint(model, {texts.documents, texts.queries, weight}, {}, out.during));
    }
  });
  return out;
}

ModelScores scores_of_half(const EpochOptions& options, const Texts& texts,
                           std::span<const std::size_t> half, bool projected) {
  ModelScores out;
  train_on(options, texts.documents, half, [&](std::uint32_t epoch, const gpu::F32Model& model) {
    const std::uint32_t parts = epoch * kTrainingParts;
    if (parts % options.epochs != 0 || parts / options.epochs < kLateParts) return;
    out.keep(add_checkpoint(model, {texts.documents, texts.queries, 1}, {}, out.during));
    if (projected) {
      out.keep(add_logra(model, {texts.documents, texts.queries, 1}, {}, {}, out.logra));
    }
  });
  return out;
}

struct StudyScores {
  std::vector<ModelScores> all;
  std::vector<ModelScores> halves;
};

// Projected influence too, if there are models of all texts to compare with.
StudyScores train_and_score(const WordBed& bed, std::span<const Example> documents,
                            const StudyOptions& options, gpu::Parallel* parallel) {
  StudyScores out{std::vector<ModelScores>(options.models),
                  std::vector<ModelScores>(options.halves)};
  const auto halves = random_halves(documents.size(), options.halves, kHalvesSeed);
  const Texts texts{documents, bed.queries};
  // Who trains what does not matter: results have their places.
  std::atomic<std::uint32_t> next = 0;
  const auto work = [&](std::uint32_t) {
    const std::uint32_t jobs = options.models + options.halves;
    for (std::uint32_t job = next++; job < jobs; job = next++) {
      EpochOptions training = study_training(bed, options);
      training.seed = kHalvesSeed + job;
      const std::uint32_t half = job - options.models;
      if (job < options.models) {
        out.all[job] = scores_of_all(training, texts);
      } else {
        out.halves[half] = scores_of_half(training, texts, halves[half], options.models > 0);
      }
    }
  };
  gpu::Serial serial;
  (parallel != nullptr ? *parallel : static_cast<gpu::Parallel&>(serial)).each_part(work);
  return out;
}

// The table of a method, of every model: one sum.
using Scores = ModelScores;
using Table = const ScoreTable&;
using TableOf = Table (*)(const Scores&);
Result<ScoreTable> sum_of(std::span<const ModelScores> models, TableOf table_of) {
  ScoreTable sum;
  for (const ModelScores& m : models) {
    TRY(m.status);
    const ScoreTable& one = table_of(m);
    if (sum.scores.empty()) {
      sum = one;
      continue;
    }
    for (std::size_t i = 0; i < one.scores.size(); ++i) sum.scores[i] += one.scores[i];
  }
  return sum;
}

struct Method {
  const char* name;
  bool halves;
  TableOf table;
};
constexpr Method kMethods[] = {
    {"graddot", false, [](const Scores& m) -> Table { return m.at_end.dot; }},
    {"tracin", false, [](const Scores& m) -> Table { return m.during.dot; }},
    {"trak", false, [](const Scores& m) -> Table { return m.trak; }},
    {"influence-full", false, [](const Scores& m) -> Table { return m.during.influence; }},
    {"graddot-halves", true, [](const Scores& m) -> Table { return m.during.dot; }},
    {"unscaled-influence", true, [](const Scores& m) -> Table { return m.during.plain_influence; }},
    {"logra", true, [](const Scores& m) -> Table { return m.logra; }},
    {"influence", true, [](const Scores& m) -> Table { return m.during.influence; }}};

}  // namespace

EpochOptions study_training(const WordBed& bed, const StudyOptions& options) {
  return {.config = bed.config, .epochs = options.epochs, .optimizer = {}};
}

Result<std::vector<MethodScores>> study_scores(const WordBed& bed, const StudyOptions& options,
                                               gpu::Parallel* parallel) {
  const StudyScores made = train_and_score(bed, bed.documents, options, parallel);
  std::vector<MethodScores> out;
  for (const Method& method : kMethods) {
    ASSIGN_OR_RETURN(ScoreTable sum, sum_of(method.halves ? made.halves : made.all, method.table));
    out.push_back({method.name, std::move(sum)});
  }
  out.push_back({"suffix", suffix_match(bed.corpus.documents, bed.corpus.queries)});
  out.push_back({"knn-shapley", knn_shapley_of_texts(bed.corpus.documents, bed.corpus.queries)});
  return out;
}

Result<ScoreTable> influence_scores(const WordBed& bed, std::span<const std::size_t> members,
                                    const StudyOptions& options, gpu::Parallel* parallel) {
  std::vector<Example> documents;
  for (const std::size_t m : members) documents.push_back(bed.documents[m]);
  StudyOptions only_halves = options;
  only_halves.models = 0;
  const StudyScores made = train_and_score(bed, documents, only_halves, parallel);
  return sum_of(made.halves, [](const Scores& m) -> Table { return m.during.influence; });
}

}  // namespace orrery::model
