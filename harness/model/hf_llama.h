// Llama checkpoints as the transformers library lays them out: config.json beside Safetensors.
#pragma once

#include <string>

#include "engine/base/result.h"
#include "gpu/api/f32_model.h"

namespace orrery::model {

// What exact-i8 cannot express is refused with the key and what it takes: rotary base 10,000
// without scaling, norm epsilon 1e-5, SiLU, no biases, head width = hidden_size / heads. Shared
// key-value heads (grouped queries) are copied to each query head, which computes the same. Tied
// heads are copied. kNotFound, kMalformed or kUnsupported.
Result<gpu::F32Model> import_llama(const std::string& folder);

// Writes config.json and model.safetensors, which import_llama and transformers read. The folder is
// made if need be. kIo.
Status export_llama(const gpu::F32Model& model, const std::string& folder);

}  // namespace orrery::model
