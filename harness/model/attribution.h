// Which training texts an answer is owed to: gradient methods on checkpoints in exact-f32, suffix
// match and KNN-Shapley in integers, and payouts that do not grow when a text is submitted twice.
// Scores are fixed point (Q32), so they may be compared, hashed and paid by.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "engine/base/result.h"
#include "gpu/cpu/f32_network.h"
#include "gpu/cuda/accelerator.h"
#include "harness/model/corpus.h"

namespace orrery::model {

// Who computes: threads of the processor, and an accelerator for what it can do. Both may be null;
// results do not depend on them.
struct Workers {
  gpu::Parallel* threads = nullptr;
  gpu::Accelerator* accelerator = nullptr;
};

// A text and what its loss counts.
struct Example {
  std::vector<std::uint32_t> inputs;
  std::vector<std::uint32_t> targets;  // gpu::kNoTarget where nothing counts
};
// BOS and the text; each byte counts, and EOS.
Example document_example(std::string_view text, std::uint32_t context);
// BOS, prompt and answer; the answer's bytes count.
Example query_example(const Query& query, std::uint32_t context);

// queries x documents, row after row, Q32.
struct ScoreTable {
  std::size_t queries = 0;
  std::size_t documents = 0;
  std::vector<std::int64_t> scores;
  std::span<const std::int64_t> of(std::size_t query) const {
    return std::span(scores).subspan(query * documents, documents);
  }
};

// How alike the gradients of a query and of the documents are, in four ways. v is the mean square
// of the documents' gradients, a parameter at a time; g~ = g / sqrt(v + mean(v) / 100), so that
// products of two are taken in the diagonal of the empirical Fisher information; cos is of unit
// length.
struct GradientScores {
  ScoreTable dot;              // g_q . g_i; summed over checkpoints: TracInCP
  ScoreTable cosine;           // cos(g_q, g_i)
  ScoreTable plain_influence;  // (K + I)^-1 K_q with K_ij = cos(g_i, g_j): influence in its dual
                               // form (no projection), damped by K's mean eigenvalue, which is 1
  ScoreTable influence;        // the same with K_ij = cos(g~_i, g~_j)
};

// What a state of a model is asked about. Of several states, scores are summed.
struct CheckpointTexts {
  std::span<const Example> documents;
  std::span<const Example> queries;
  double weight = 1;                                                    // in (0, 2^10]
  std::function<void(std::size_t done, std::size_t of)> progress = {};  // gradients
};

// Adds the scores of a checkpoint, times the weight, to the tables, which must be empty or of the
// same shape. Sum over checkpoints taken during training, each weighted by its learning rate
// (Pruthi et al., "Estimating training data influence by tracing gradient descent", 2020): at the
// end the texts are learnt and their gradients small; or over models that have not seen all texts.
// kLimit: more texts or longer gradients than fits_in_full() allows; kInvalidArgument for tables of
// other shapes; what the accelerator says.
Status add_checkpoint(const gpu::F32Model& model, const CheckpointTexts& texts,
                      const Workers& workers, GradientScores& to);

// Whether gradients of so many texts and parameters are compared in full; else see logra.h.
inline constexpr std::uint64_t kMaxGradientFloats = std::uint64_t{1} << 30;  // 4 GiB
inline constexpr std::size_t kMaxDualTexts = 20'000;  // the solve takes their cube / 3 operations
constexpr bool fits_in_full(std::size_t texts, std::size_t parameters) {
  return texts <= kMaxDualTexts && texts * parameters <= kMaxGradientFloats;
}

// No model at all: for each byte of the answer the longest text before and including it that
// occurs in a document; a document's score is the sum over bytes of the squared length where it
// holds a longest match, shared among all that do.
ScoreTable suffix_match(std::span<const Document> documents, std::span<const Query> queries);

// Exact Shapley values of the K-nearest-neighbour vote, after Jia et al., "Efficient task-specific
// data valuation for nearest neighbor algorithms" (2019), theorem 1, in Q32 with divisions rounded
// down. distances[i] and agrees[i] (whether document i votes for the answer); ties by index.
std::vector<std::int64_t> knn_shapley(std::span<const std::int64_t> distances,
                                      std::span<const std::uint8_t> agrees, std::uint32_t k);

// The same by texts alone: a document is as near as it holds many different runs of
// five bytes of the prompt, and votes for the answer if it contains it; the 5 nearest
// vote. (A prompt too short for a run leaves the documents' order.)
ScoreTable knn_shapley_of_texts(std::span<const Document> documents,
                                std::span<const Query> queries);

// How well scores find what was planted. Queries without facts are not asked for recall.
struct AttributionQuality {
  std::size_t queries = 0;
  double recall_at_5 = 0;       // share of the five best that tell the query's fact
  double top1_contributor = 0;  // queries whose best-paid contributor is the right one
};
AttributionQuality judge(const ScoreTable& table, const Corpus& corpus,
                         std::span<const std::size_t> queries);

// The indices of `scores`, best first, the lower among equals.
std::vector<std::size_t> ranking(std::span<const std::int64_t> scores);

// Divides `amount` among contributors by the scores of one query: negative scores count nothing;
// only documents that represent themselves do (near_copies.h: of several copies, the first one),
// and their contributors get it all; the largest remainders get the units that rounding down leaves
// (ties: lower contributor). Sums to `amount` exactly, or to 0 if no score is positive.
std::vector<std::uint64_t> payouts(std::span<const std::int64_t> scores,
                                   std::span<const Document> documents,
                                   std::span<const std::uint32_t> representatives,
                                   std::uint64_t amount);

}  // namespace orrery::model
