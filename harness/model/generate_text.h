// Text from a model of a folder: in tokens of its tokenizer.json, or in bytes where it has none.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "gpu/api/inference.h"

namespace orrery::model {

struct TextRequest {
  std::string_view prompt;
  gpu::SamplingParams params;
  std::uint64_t seed = 1;          // of the sampling
  std::vector<std::string> stops;  // the text ends before the first that comes
  // Each piece as soon as no stop text can cut it; may be empty.
  std::function<void(std::string_view)> on_text;
};

struct GeneratedText {
  std::string text;                   // without the prompt
  std::vector<std::uint32_t> tokens;  // all that were drawn but EOS, also those of a stop text
  bool stopped = false;               // by a stop text
};

// A Llama model's text begins with the bos_token_id of config.json, a byte-level one with BOS;
// eos_token_id or EOS ends it, if params say so. `folder` may be an artefact file, of a byte-level
// model. kInvalidArgument: parameters, or a prompt that is longer than the context.
Result<GeneratedText> generate_text(const gpu::Backend& backend, const std::string& folder,
                                    const TextRequest& request);

}  // namespace orrery::model
