// Forward and backward passes of the operations on rows, in exact-f32. Formulas in f32_rows.cc.
#pragma once

#include <cstddef>
#include <cstdint>

namespace orrery::gpu {

// y = x * gain / rms(x); returns 1 / rms(x) = 1 / sqrt(mean x^2 + 1e-5).
float rms_norm(const float* x, const float* gain, std::size_t n, float* y);
// What rms_norm needs to run backwards.
struct RmsNormBackward {
  const float* x;
  const float* gain;
  float inverse;    // what rms_norm returned
  const float* dy;  // gradient of y
};
// dx += gradient of x; dgain += gradient of the gain.
void rms_norm_backward(const RmsNormBackward& in, std::size_t n, float* dx, float* dgain);

// act = silu(gate) * up for a row (gate, up) of 2 n.
void gate_forward(const float* gate_up, std::size_t n, float* act);
// Replaces gate_up by its gradient.
void gate_backward(const float* dact, std::size_t n, float* gate_up);

// Rotates pairs (i, i + half); a negative direction undoes it, which is also the backward pass.
struct Rotation {
  const float* cosine;
  const float* sine;
  std::size_t half;
  float direction;  // 1 or -1
};
void rotate_f32(const Rotation& by, float* x);

// Softmax of the first `n` of `width` entries times `scale`; the rest become zero.
struct MaskedSoftmax {
  std::size_t n;
  std::size_t width;
  float scale;
};
void softmax_f32(const MaskedSoftmax& shape, float* row);
// dp -> gradient of the entries before scaling, in place: scale * p * (dp - sum dp p).
void softmax_backward(const MaskedSoftmax& shape, const float* p, float* dp);

// Negative log likelihood of `target`; replaces the logits by (softmax - one at target) * weight.
float cross_entropy(float* logits, std::size_t n, std::uint32_t target, float weight);

}  // namespace orrery::gpu
