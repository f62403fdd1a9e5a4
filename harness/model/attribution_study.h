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

// Scores of models are added up. Their seeds and halves are not those of retrain(), so that scores
// and the trainings that judge them share no randomness.
struct StudyOptions {
  std::uint32_t models = 10;  // trained on all texts
  std::uint32_t halves = 24;  // trained on a random half each
  std::uint32_t epochs = 12;
};

EpochOptions study_training(const WordBed& bed, const StudyOptions& options);

// Of models of all texts: graddot and trak at the end of training, tracin and influence-full after
// 1/6, 2/6, ... 5/6 of the epochs, weighted by the learning rate. Of models of halves, after 4/6,
// 5/6 and all of the epochs: influence, the same projected (logra), not scaled
// (unscaled-influence) and not solved (graddot-halves). A model that has seen
// all texts has learnt them at the end, so that their gradients are small; one that has seen half
// still says what the other half would add. Without a model: suffix and knn-shapley.
Result<std::vector<MethodScores>> study_scores(const WordBed& bed, const StudyOptions& options,
                                               gpu::Parallel* parallel);
// The same of influence alone, trained on halves of documents[members] and scored on all of these;
// a column for each member.
Result<ScoreTable> influence_scores(const WordBed& bed, std::span<const std::size_t> members,
                                    const StudyOptions& options, gpu::Parallel* parallel);

}  // namespace orrery::model
