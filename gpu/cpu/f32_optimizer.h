// Steps from gradients to parameters, in exact-f32.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace orrery::gpu {

struct OptimizerOptions {
  enum class Method : std::uint8_t { kSgd, kAdamW };
  Method method = Method::kAdamW;
  float beta1 = 0.9f;   // kAdamW: decay of the mean of gradients
  float beta2 = 0.95f;  // kAdamW: decay of the mean of their squares
  float epsilon = 1e-8f;
  float weight_decay = 0.1f;  // decoupled; times the rate
  float clip_norm = 1.0f;     // gradients beyond this length are scaled back to it; 0: never
};

// Plain data: what a checkpoint holds besides the parameters. Empty moments for kSgd.
struct OptimizerState {
  std::uint64_t steps = 0;
  std::vector<float> mean;
  std::vector<float> square;
  // beta^steps, kept by multiplication: a power function may differ between libraries.
  double power1 = 1;
  double power2 = 1;
};

OptimizerState make_optimizer_state(const OptimizerOptions& options, std::size_t parameters);

// One step. `decays`: for each parameter whether weight decay applies. The gradient is scaled in
// place if it is clipped; returns its length before that. AdamW after Loshchilov and Hutter,
// "Decoupled weight decay regularization" (2019), algorithm 2.
struct OptimizerStep {
  float rate;
  std::span<const std::uint8_t> decays;
  std::span<float> gradient;
  std::span<float> parameters;
};
float optimizer_step(const OptimizerOptions& options, OptimizerState& state,
                     const OptimizerStep& step);

}  // namespace orrery::gpu
