#include "gpu/cpu/f32_optimizer.h"

#include "engine/base/ensure.h"

namespace orrery::gpu {
namespace {

// Length of a vector; 32 partial sums of squares in double precision, then in order.
double length_of(std::span<const float> v) {
  double lanes[32] = {};
  for (std::size_t i = 0; i < v.size(); ++i) lanes[i % 32] += static_cast<double>(v[i]) * v[i];
  double sum = 0;
  for (const double lane : lanes) sum += lane;
  return __builtin_sqrt(sum);
}

}  // namespace

OptimizerState make_optimizer_state(const OptimizerOptions& options, std::size_t parameters) {
  OptimizerState state;
  if (options.method == OptimizerOptions::Method::kAdamW) {
    state.mean.resize(parameters);
    state.square.resize(parameters);
  }
  return state;
}

float optimizer_step(const OptimizerOptions& o, OptimizerState& state, const OptimizerStep& step) {
  const std::size_t n = step.parameters.size();
  ENSURE(step.gradient.size() == n && step.decays.size() == n, "a gradient for each parameter");
  float* __restrict g = step.gradient.data();
  float* __restrict w = step.parameters.data();
  const auto norm = static_cast<float>(length_of(step.gradient));
  if (o.clip_norm > 0 && norm > o.clip_norm) {
    const float factor = o.clip_norm / norm;
    for (std::size_t i = 0; i < n; ++i) g[i] *= factor;
  }
  ++state.steps;
  const float decay = step.rate * o.weight_decay;
  for (std::size_t i = 0; i < n; ++i) w[i] -= decay * static_cast<float>(step.decays[i]) * w[i];
  if (o.method == OptimizerOptions::Method::kSgd) {
    for (std::size_t i = 0; i < n; ++i) w[i] -= step.rate * g[i];
    return norm;
  }
  ENSURE(state.mean.size() == n && state.square.size() == n, "moments for each parameter");
  state.power1 *= static_cast<double>(o.beta1);
  state.power2 *= static_cast<double>(o.beta2);
  const auto correct1 = static_cast<float>(1 / (1 - state.power1));
  const auto correct2 = static_cast<float>(1 / (1 - state.power2));
  float* __restrict mean = state.mean.data();
  float* __restrict square = state.square.data();
  for (std::size_t i = 0; i < n; ++i) {
    mean[i] = o.beta1 * mean[i] + (1.0f - o.beta1) * g[i];
    square[i] = o.beta2 * square[i] + (1.0f - o.beta2) * (g[i] * g[i]);
    const float root = __builtin_sqrtf(square[i] * correct2) + o.epsilon;
    w[i] -= step.rate * (mean[i] * correct1) / root;
  }
  return norm;
}

}  // namespace orrery::gpu
