// Models that are trained already and come with the program, as a scenario names them: a table like
// the presets of a chain. The artefacts are in scenarios/library/models; harness/model holds how
// they were made.
#pragma once

#include <cstdint>
#include <string_view>

namespace orrery::scenario {

struct TrainedModel {
  std::string_view generator;  // value of the key `generator`
  std::string_view size;       // name in the zoo
  std::uint32_t dim, hidden, layers, heads, context;
  std::string_view artefact;  // digest of the artefact, 64 hexadecimal digits; part of the hash
};

// Null if the generator makes its weights instead.
const TrainedModel* trained_model(std::string_view generator);

}  // namespace orrery::scenario
