// Models made from a seed: real transformers with random weights, for scenarios and tests that need
// a model of a given size and no training. Integer arithmetic only, so the seed fixes every bit.
#pragma once

#include <cstdint>

#include "gpu/api/model.h"

namespace orrery::gpu {

// Weights are uniform with variance gain^2 / inputs, drawn from one Philox stream per tensor.
// Such a network alone would speak any byte with equal chance, so channel 0 of the residual stream
// is a constant that no layer writes to, and the head reads from it a prior over bytes (roughly
// that of English text): the part of a language model that training learns first. What is said
// within that prior depends on the whole prompt through attention and MLP. Biases and positions of
// family kGpt2 are at most a quarter. The config must be valid.
ModelArtefact make_seeded_model(const ModelConfig& config, std::uint64_t seed);

}  // namespace orrery::gpu
