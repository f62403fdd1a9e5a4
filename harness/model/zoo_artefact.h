// Trained models of the zoo that travel inside the program, so that a scenario that names one runs
// anywhere, at once and to the bit.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "engine/base/result.h"
#include "gpu/api/model.h"

namespace orrery::model {

// Bytes of scenarios/library/models/zoo-0.3M.bin; the build writes the definition.
extern const std::span<const std::uint8_t> kZooArtefact03M;

// The artefact of a size. kNotFound: none of that size travels with the program (orrery model train
// makes it); kRefused: its digest is not `digest`, 64 hexadecimal digits.
Result<gpu::ModelArtefact> zoo_artefact(std::string_view size, std::string_view digest);

}  // namespace orrery::model
