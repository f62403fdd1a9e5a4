// GPT-2 checkpoints as the transformers library lays them out: config.json beside Safetensors.
#pragma once

#include <string>

#include "engine/base/result.h"
#include "gpu/cpu/gpt2_model.h"

namespace orrery::model {

// Projections are stored as inputs by outputs there and are transposed here; names may carry the
// prefix "transformer."; buffers of masks are ignored; a missing head is the embedding. Taken are
// the tanh form of GELU, epsilon 1e-5 and plain attention scaling. kNotFound, kMalformed,
// kUnsupported.
Result<gpu::Gpt2Model> import_gpt2(const std::string& folder);

}  // namespace orrery::model
