#include "scenarios/schema/trained_models.h"

#include <algorithm>
#include <array>

namespace orrery::scenario {
namespace {

constexpr std::array<TrainedModel, 1> kTrained = {{
    {.generator = "trained-0.3M",
     .size = "0.3M",
     .dim = 96,
     .hidden = 288,
     .layers = 2,
     .heads = 3,
     .context = 256,
     .artefact = "7f157caecab043a6c5d23caa3273de270451693ef43a0a6afe5af7ba36a20d08"},
}};

}  // namespace

const TrainedModel* trained_model(std::string_view generator) {
  const auto* found = std::ranges::find(kTrained, generator, &TrainedModel::generator);
  return found == kTrained.end() ? nullptr : found;
}

}  // namespace orrery::scenario
