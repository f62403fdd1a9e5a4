// What workers do who sell less than they were paid for, as claims on one task: an answer with the
// intermediate rows behind it, which the levels of verification look at. All claims have the shape
// that the task demands; a wrong shape would give the cheat away at once.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "gpu/api/inference.h"
#include "gpu/fast/fast_model.h"

namespace orrery::model {

enum class Cheat : std::uint8_t {
  kNone,
  kSmallerModel,  // half of every MLP
  kInt4Weights,   // weights of all layers rounded to four bits
  kSkippedLayer,  // the last layer passes its input on
  kStaleCache,    // keys and values of another prompt of the same length, but for its last bytes
  kTruncatedContext,  // only the second half of the prompt is read
  kFlippedToken,      // honest work, one token of the answer replaced
  kCopiedAnswer,      // answer and rows of another task
  kZeros,             // no work at all
};
inline constexpr std::uint32_t kCheats = 9;  // kNone included
std::string_view cheat_name(Cheat cheat);

// A task: prompts are bytes; exactly `tokens` tokens are asked for.
struct VerifiedTask {
  Bytes prompt;
  Bytes other;  // what the cheater has at hand: another prompt of the same length
  std::uint32_t tokens = 32;
  std::uint64_t sampling_seed = 1;

  gpu::SamplingParams params() const;
};

// The model that a cheater runs; the honest one for cheats that are not about models.
gpu::ModelArtefact model_of(Cheat cheat, const gpu::ModelArtefact& honest);

// A claim in exact-i8. tokens: fed at each position, BOS and prompt first, then the answer but for
// its last token, which nobody feeds.
struct ExactClaim {
  std::vector<std::uint32_t> tokens;
  std::uint32_t last = 0;
  gpu::Transcript transcript;
};
// `model` is model_of(cheat, honest).
ExactClaim exact_claim(Cheat cheat, const gpu::ModelArtefact& model, const VerifiedTask& task);

// A claim in fast: final hidden rows of all positions, in what the worker computes.
struct FastClaim {
  std::vector<std::uint32_t> tokens;  // as above
  std::uint32_t last = 0;
  std::vector<float> hidden;  // positions x dim
};
// The worker decodes token after token and takes the likeliest each time.
FastClaim fast_claim(Cheat cheat, const gpu::FastModel& model, gpu::FastPrecision precision,
                     const VerifiedTask& task);

}  // namespace orrery::model
