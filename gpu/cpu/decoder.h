// One sequence being decoded on the CPU: a BatchDecoder of one, for callers that want no batches.
#pragma once

#include <cstdint>
#include <span>

#include "gpu/api/model.h"
#include "gpu/api/transcript.h"
#include "gpu/cpu/batch_decoder.h"

namespace orrery::gpu {

// Tokens that share one pass over the weights; larger prompts go in several passes. The split
// cannot be seen in any result.
inline constexpr std::uint32_t kMaxBatchRows = 48;

// Owned by one execution; the model must outlive it. Memory: about 3 * length * layers * dim bytes
// of cache. Not thread-safe.
class Decoder {
 public:
  // At most `capacity` <= config.context positions.
  Decoder(const ModelArtefact& model, Kernel kernel, std::uint32_t capacity);

  // Appends tokens (ids below vocab; ENSUREs that they fit). Each layer's residual rows go to
  // `transcript` where one is given.
  void append(std::span<const std::uint32_t> tokens, Transcript* transcript);

  std::uint32_t position() const { return sequence_.length; }
  // Logits in Q16 after the last token appended; valid until the next call. At least one token.
  std::span<const std::int32_t> logits();
  // The residual row (Q16) of the last token appended.
  std::span<const std::int32_t> residual() const;
  std::uint64_t clamps() const { return sequence_.clamps; }

 private:
  Sequence sequence_;
  BatchDecoder batch_;
};

}  // namespace orrery::gpu
