#include "gpu/cpu/decoder.h"

#include <algorithm>

#include "engine/base/ensure.h"

namespace orrery::gpu {

Decoder::Decoder(const ModelArtefact& model, Kernel kernel, std::uint32_t capacity)
    : sequence_(model.config, capacity),
      batch_(model, kernel,
             {.max_rows = std::min(capacity, kMaxBatchRows), .max_length = capacity}) {}

void Decoder::append(std::span<const std::uint32_t> tokens, Transcript* transcript) {
  ENSURE(tokens.size() <= sequence_.cache.capacity() - position(), "positions left in the cache");
  while (!tokens.empty()) {
    const auto part = tokens.first(std::min<std::size_t>(tokens.size(), kMaxBatchRows));
    const Feed feed{&sequence_, part, transcript};
    batch_.step({&feed, 1});
    tokens = tokens.subspan(part.size());
  }
}

std::span<const std::int32_t> Decoder::logits() {
  ENSURE(batch_.rows() > 0, "a token was appended");
  const std::uint32_t row = batch_.last_row(0);
  batch_.project_logits({&row, 1});
  return batch_.logits(0);
}

std::span<const std::int32_t> Decoder::residual() const {
  ENSURE(batch_.rows() > 0, "a token was appended");
  return batch_.residual(batch_.last_row(0));
}

}  // namespace orrery::gpu
