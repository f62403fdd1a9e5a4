// What computes the gradient of a float model in exact-f32, on the processor or on a device: the
// bits are the same, so whoever trains need not know which.
#pragma once

#include <cstdint>
#include <limits>
#include <span>

#include "engine/base/result.h"
#include "gpu/api/f32_model.h"

namespace orrery::gpu {

// A target that does not count.
inline constexpr std::uint32_t kNoTarget = std::numeric_limits<std::uint32_t>::max();

// `sequences` texts of `length` tokens each, one after the other. targets[i] is what should follow
// inputs[i]; at least one counts.
struct TokenBatch {
  std::span<const std::uint32_t> inputs;
  std::span<const std::uint32_t> targets;
  std::uint32_t sequences;
  std::uint32_t length;  // at most the model's context
};

// Targets of the batch that count. ENSUREs that there is one, and the batch's shape and tokens.
std::uint32_t counted_targets(const TokenBatch& batch, const ModelConfig& config);

// Owned by one user; not thread-safe.
class GradientSource {
 public:
  virtual ~GradientSource() = default;

  // Mean negative log likelihood of the targets that count, in nats; adds the gradient of that
  // mean, times `weight`, to `gradient` (as long as the model's parameters). ENSUREs the shapes.
  // Failures are the device's, and leave `gradient` undefined; the processor has none.
  virtual Result<float> add_gradient(const F32Model& model, const TokenBatch& batch, float weight,
                                     std::span<float> gradient) = 0;
};

}  // namespace orrery::gpu
