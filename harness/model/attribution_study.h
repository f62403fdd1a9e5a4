// The scores of every method on a test bed, from models trained on all of it or on a part.
#pragma once

#include <string>
#include <vector>

#include "engine/base/result.h"
#include "harness/model/attribution.h"
#include "harness/model/retraining.h"
#include "harness/model/word_bed.h"

namespace orrery::model {

struct MethodScores {
  std::string method;
  ScoreTable table;
};

// Models whose scores are added up; their seeds are not those of retrain(), so that scores and the
// trainings that judge them share no randomness.
struct StudyOptions {
  std::uint32_t models = 10;
  std::uint32_t epochs = 12;
};

EpochOptions study_training(const WordBed& bed, const StudyOptions& options);

// graddot and trak at the end of training; tracin, unscaled-influence and influence after 1/6, 2/6,
// ... 5/6 of the epochs, weighted by the learning rate; suffix and knn-shapley without a model.
Result<std::vector<MethodScores>> study_scores(const WordBed& bed, const StudyOptions& options,
                                               gpu::Parallel* parallel);
// The same of influence alone, trained on documents[members] and scored on them; a column for each
// member.
Result<ScoreTable> influence_scores(const WordBed& bed, std::span<const std::size_t> members,
                                    const StudyOptions& options, gpu::Parallel* parallel);

}  // namespace orrery::model
