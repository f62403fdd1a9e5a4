// Which of its training texts a trained model owes its answers to, and whom that pays.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/base/result.h"
#include "harness/model/attribution.h"
#include "harness/model/checkpoints.h"

namespace orrery::model {

enum class AttributionMethod : std::uint8_t {
  kInfluence,   // over the checkpoints there are; projected (kLogra) if fits_in_full() says no
  kLogra,       // influence on projected gradients, over all of them
  kGradDot,     // at the last of them
  kTracIn,      // over all of them
  kTrak,        // over all of them
  kSuffix,      // no model
  kKnnShapley,  // no model
};
// kInvalidArgument with the names there are: influence, logra, graddot, tracin, trak, suffix,
// knn-shapley.
Result<AttributionMethod> attribution_method(const std::string& name);
std::string method_name(AttributionMethod method);
bool needs_model(AttributionMethod method);
// What is used for so many texts: kLogra for influence that does not fit.
AttributionMethod method_for(AttributionMethod method, std::size_t texts, std::size_t parameters);

// Scores in Q32 of each query and document. `checkpoints` (byte-level models, by step) may be empty
// for methods without a model. kInvalidArgument: a query without answer or beyond the context, a
// model that does not read bytes, nothing to score; kLimit: see add_checkpoint().
struct AttributionTask {
  std::span<const Checkpoint> checkpoints;
  std::span<const Document> documents;
  std::span<const Query> queries;
  // Gradients done, of those of all checkpoints.
  std::function<void(std::size_t done, std::size_t of)> progress = {};
};
Result<ScoreTable> attribution_scores(AttributionMethod method, const AttributionTask& task,
                                      const Workers& workers);

// What a query is owed to. Of near copies (near_copies.h) only the first is scored and paid, as if
// the others had never been submitted.
struct Attribution {
  struct Text {
    std::size_t document = 0;
    std::int64_t score = 0;
  };
  std::vector<Text> best;           // the first of `top`
  std::vector<std::uint64_t> paid;  // of kAttributionUnits, a contributor each
};
inline constexpr std::uint64_t kAttributionUnits = 1'000'000;
struct AttributionAnswer {
  AttributionMethod method;  // that was used
  std::vector<Attribution> queries;
  std::size_t copies = 0;  // documents that were left out as copies
};
Result<AttributionAnswer> attribute(AttributionMethod method, const AttributionTask& task,
                                    std::size_t top, const Workers& workers);

}  // namespace orrery::model
