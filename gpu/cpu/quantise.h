// From floats to artefacts of exact-i8.
#pragma once

#include "engine/base/result.h"
#include "gpu/api/f32_model.h"
#include "gpu/api/model.h"

namespace orrery::gpu {

// The int8 artefact of a float model. A row of a matrix becomes q = rne(127 w / max |w|) with scale
// max |w| / 127; gains become Q14, embeddings Q16. A vector of gains that reaches 2 is halved as
// often as needed and the scales of the matrix that reads it doubled, which loses nothing. Doubles
// with +, -, *, / and compares only, so the artefact has the same bits wherever it is made.
// kInvalidArgument: the shape, a value that is not finite, or an embedding beyond +-32768.
Result<ModelArtefact> quantise_model(const F32Model& model);

}  // namespace orrery::gpu
