// A dispute over one execution: two sides who claim different transcripts for the same tokens are
// led to one element of one operation, which a referee recomputes. At least one of them is then
// shown to lie, and who computed honestly never is. Sides may be on any machine; what they send is
// checked before it is used.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "gpu/api/inference.h"
#include "gpu/cpu/layer_trace.h"

namespace orrery::gpu {

class Disputant {
 public:
  virtual ~Disputant() = default;
  // Rows kept: sides open leaves.
  virtual const Transcript& transcript() const = 0;
  // Of the layer at the last position of `input`, on which both sides agree.
  virtual LayerTrace trace(std::uint32_t layer, LayerInput input) const = 0;
  virtual std::vector<std::vector<std::int32_t>> rotated(std::uint32_t layer,
                                                         LayerInput input) const = 0;
};

enum class Liar : std::uint8_t { kNobody, kFirst, kSecond, kBoth };

// Where two sides part, with all on which they agree and what each says.
struct DisputedStep {
  std::uint32_t position = 0;
  std::uint32_t layer = 0;
  LayerOp op = LayerOp::kAttentionInput;
  std::uint32_t element = 0;
  // Instead of (op, element): an element of the rotated rows of this or an earlier position.
  std::optional<RotatedElement> earlier;
  std::vector<std::vector<std::int32_t>> input;    // of the layer, positions 0 .. position
  LayerTrace agreed;                               // entries before op
  std::vector<std::vector<std::int32_t>> rotated;  // of kAttended
  std::int32_t first = 0;
  std::int32_t second = 0;
};

struct Narrowing {
  std::uint32_t rounds = 0;  // of messages from both sides
  Liar liar =
      Liar::kNobody;  // who sent what cannot be, if that ended it; kNobody and no step: agreed
  std::optional<DisputedStep> step;
};
// `tokens`: what was fed at each position, on which there is no dispute.
Narrowing narrow(const ModelArtefact& model, std::span<const std::uint32_t> tokens,
                 const Disputant& first, const Disputant& second);

// The referee's one step: the element, recomputed from what is agreed. Its cost does not grow with
// the model's depth; with its width only by one dot product, with the position by one head's.
Ruling judge(const ModelArtefact& model, const DisputedStep& step);
Liar liar_of(const DisputedStep& step, const Ruling& ruling);

// The token that follows a position whose last layer left `row`: settles disputes over sampling.
// vocab x dim multiplications.
std::uint32_t judge_token(const ModelArtefact& model, std::span<const std::int32_t> row,
                          const SamplingParams& params, std::uint64_t sampling_seed,
                          std::uint32_t position);

}  // namespace orrery::gpu
