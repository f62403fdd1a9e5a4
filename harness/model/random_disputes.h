// Random disputes between an honest side and a liar, who forges anything once and goes on honestly
// from there, which is the best a liar can do. For benchmarks and tests of the dispute program.
#pragma once

#include <cstdint>
#include <vector>

#include "gpu/cpu/dispute.h"

namespace orrery::model {

// Answers as an honest execution of `model` does; for a liar who runs another model, that one.
class FaithfulTo final : public gpu::Disputant {
 public:
  FaithfulTo(const gpu::ModelArtefact& model, const gpu::Transcript& transcript)
      : model_(model), transcript_(transcript) {}
  const gpu::Transcript& transcript() const override { return transcript_; }
  gpu::LayerTrace trace(std::uint32_t layer, gpu::LayerInput input) const override {
    return gpu::trace_layer(model_, layer, input);
  }
  std::vector<std::vector<std::int32_t>> rotated(std::uint32_t layer,
                                                 gpu::LayerInput input) const override {
    return gpu::rotated_rows(model_, layer, input);
  }

 private:
  const gpu::ModelArtefact& model_;
  const gpu::Transcript& transcript_;
};

struct RandomDisputes {
  std::uint32_t count = 1000;
  std::uint64_t seed = 1;
  gpu::ModelConfig config{.dim = 32, .hidden = 64, .layers = 3, .heads = 2, .context = 32};
  std::uint32_t positions = 16;  // tokens of each execution
};

struct DisputeReport {
  std::uint32_t played = 0;
  std::uint32_t honest_won = 0;     // the liar, and nobody else, was found to lie
  std::uint32_t at_an_element = 0;  // ended with one step of the referee; the others at a forgery
                                    // that does not fit what the liar had sent before
  std::uint32_t most_rounds = 0;
  std::uint64_t most_multiplications = 0;  // of a step
  double median_step_ms = 0;               // CPU time
  double longest_step_ms = 0;
};
DisputeReport play(const RandomDisputes& options);

// CPU time in milliseconds of the referee's slowest step, over all operations of a layer of this
// shape at the last of `positions`. Computes the layer plainly, which takes seconds for wide ones.
double slowest_step_ms(const gpu::ModelConfig& config, std::uint32_t positions);

}  // namespace orrery::model
