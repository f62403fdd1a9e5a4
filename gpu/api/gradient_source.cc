#include "gpu/api/gradient_source.h"

#include <algorithm>

#include "engine/base/ensure.h"

namespace orrery::gpu {

std::uint32_t counted_targets(const TokenBatch& batch, const ModelConfig& config) {
  const std::size_t rows = std::size_t{batch.sequences} * batch.length;
  ENSURE(rows > 0 && batch.inputs.size() == rows && batch.targets.size() == rows,
         "inputs and targets of the batch's shape");
  ENSURE(batch.length <= config.context, "texts within the context");
  const auto fits = [&](std::uint32_t t) { return t < config.vocab; };
  ENSURE(std::all_of(batch.inputs.begin(), batch.inputs.end(), fits), "tokens of the vocabulary");
  std::uint32_t counted = 0;
  for (const std::uint32_t t : batch.targets) {
    ENSURE(t == kNoTarget || fits(t), "targets of the vocabulary");
    if (t != kNoTarget) ++counted;
  }
  ENSURE(counted > 0, "a target that counts");
  return counted;
}

}  // namespace orrery::gpu
