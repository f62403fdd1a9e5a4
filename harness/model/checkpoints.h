// Models as they were during training, for methods that follow it, and models of halves of the
// texts, for the method that is most faithful (attribution_study.h). `orrery model train` keeps the
// last state of one model; since training is exact to the bit, the others are made by training
// again.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "engine/base/result.h"
#include "gpu/api/f32_model.h"
#include "harness/model/attribution.h"

namespace orrery::model {

struct Checkpoint {
  std::uint64_t step = 0;  // 0: not known (a model from elsewhere)
  double weight = 1;       // the step's learning rate as a part of the highest
  gpu::F32Model model;
};

// FOLDER/checkpoints/*.safetensors by step, or, if there are none, the folder's model alone.
// kMalformed: a file that is no checkpoint of this model's shape.
Result<std::vector<Checkpoint>> read_checkpoints(const std::string& folder);

// Trains the zoo's model of FOLDER again and writes the states after 1/(count + 1), 2/(count + 1),
// ... of the steps: at the end the texts are learnt and say little. Nothing is written unless the
// run ends in the folder's own model to the bit. kInvalidArgument: not a model of the zoo, or of
// another seed or corpus; kRefused: other parameters came out; kIo.
struct KeepOptions {
  std::uint32_t count = 5;
  std::uint64_t seed = 1;  // that it was trained with
};
using OnTrained = std::function<void(std::uint64_t step, std::uint64_t of)>;
Status keep_checkpoints(const std::string& folder, const KeepOptions& options,
                        const Workers& workers, const OnTrained& report);

// Trains `count` models like FOLDER's, each on a random half of the documents for half the steps,
// and writes their states after 4/6, 5/6 and all of the steps to FOLDER/halves. Those that are
// there already are kept. Errors as of keep_checkpoints(). The models are shared among threads.
struct HalvesOptions {
  std::uint32_t count = 8;
  std::uint64_t seed = 1;  // that the folder's model was trained with
};
Status keep_halves(const std::string& folder, const HalvesOptions& options, const Workers& workers,
                   const OnTrained& report);  // hears of models
// The states of the first `count` of them, by model and step, all of weight 1.
Result<std::vector<Checkpoint>> read_halves(const std::string& folder, std::uint32_t count);

}  // namespace orrery::model
