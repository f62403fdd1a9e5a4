// A model on disk: config.json and model.safetensors in the layout of the transformers library, and
// artefact.bin, the int8 artefact made from them.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "engine/base/result.h"
#include "gpu/api/inference.h"
#include "gpu/fast/fast_model.h"

namespace orrery::model {

// Quantises the checkpoint of `folder`, Llama or GPT-2 by its config.json, and writes artefact.bin
// beside it; returns the artefact.
Result<gpu::ModelArtefact> build_artefact(const std::string& folder);

// artefact.bin of the folder, or the file itself if `path` is one.
Result<gpu::ModelArtefact> read_artefact(const std::string& path);

// Builds the artefact of the checkpoint again and compares every byte with artefact.bin; then each
// kernel of this processor decodes the same prompt. kRefused says what differs. Returns the
// artefact's digest.
Result<Hash256> verify_folder(const std::string& folder);

// The floats of the folder's checkpoint, for the numeric class fast.
Result<gpu::FastModel> read_fast_model(const std::string& folder);

// Logits of exact-i8 after each token, tokens x vocab, as numbers. Tokens must be of the vocabulary
// and fit into the context.
std::vector<float> exact_logits(const gpu::ModelArtefact& artefact,
                                std::span<const std::uint32_t> tokens);

// Whether a folder brings a tokenizer of its own; without one, tokens are bytes.
bool has_tokenizer(const std::string& folder);

}  // namespace orrery::model
