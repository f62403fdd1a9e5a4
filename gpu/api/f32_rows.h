// Operations on rows in exact-f32, forward and backward: the one text for the processor, which does
// a row with one lane, and for devices, where a group of lanes shares it (exact/group.h). What sums
// does so in the shape of sum_f32, so all give the same bits.
#pragma once

#include <cstdint>

#include "gpu/api/exact/group.h"
#include "gpu/api/f32_math.h"

namespace orrery::gpu {

inline constexpr float kNormEpsilon = 1e-5f;

// Maps the order of floats to that of integers, for Group::max; and back.
ORRERY_HOST_DEVICE inline std::uint32_t ordered_f32(float x) {
  const std::uint32_t bits = bits_of_f32(x);
  return bits >> 31 != 0 ? ~bits : bits | 0x80000000u;
}
ORRERY_HOST_DEVICE inline float f32_of_ordered(std::uint32_t order) {
  return f32_of_bits(order >> 31 != 0 ? order & 0x7fffffffu : ~order);
}

// The largest of n floats, n > 0.
template <class Group>
ORRERY_HOST_DEVICE inline float largest_f32(const Group& group, const float* x, std::int32_t n) {
  return f32_of_ordered(group.max(n, [&](std::int32_t i) { return ordered_f32(x[i]); }));
}

// y = x * gain / rms(x); returns 1 / rms(x) = 1 / sqrt(mean x^2 + epsilon).
template <class Group>
ORRERY_HOST_DEVICE inline float rms_norm(const Group& group, const float* x, const float* gain,
                                         std::int32_t n, float* y) {
  const float squares = group.sum_f32(n, [&](std::int32_t i) { return x[i] * x[i]; });
  const float mean = squares / static_cast<float>(n) + kNormEpsilon;
  const float inverse = 1.0f / sqrt_f32(mean);
  group.each(n, [&](std::int32_t i) { y[i] = x[i] * inverse * gain[i]; });
  return inverse;
}

// What rms_norm needs to run backwards.
struct RmsNormBackward {
  const float* x;
  const float* gain;
  float inverse;    // what rms_norm returned
  const float* dy;  // gradient of y
};

// dx += gradient of x. With r = 1 / rms: r * gain * dy - x * r^3 / n * sum(gain * dy * x).
template <class Group>
ORRERY_HOST_DEVICE inline void rms_norm_backward(const Group& group, const RmsNormBackward& in,
                                                 std::int32_t n, float* dx) {
  const float* x = in.x;
  const float* gain = in.gain;
  const float* dy = in.dy;
  const float r = in.inverse;
  const float dot = group.sum_f32(n, [&](std::int32_t i) { return gain[i] * dy[i] * x[i]; });
  const float factor = dot * (r * r * r) / static_cast<float>(n);
  group.each(n, [&](std::int32_t i) { dx[i] += r * gain[i] * dy[i] - x[i] * factor; });
}

// What a row adds to the gradient of the gain; rows add in their order.
ORRERY_HOST_DEVICE inline float gain_slope(float dy, float x, float inverse) {
  return dy * x * inverse;
}

// silu(gate) * up.
ORRERY_HOST_DEVICE inline float gate_forward(float gate, float up) {
  return gate * sigmoid_f32(gate) * up;
}

// Replaces gate and up by their gradients: silu'(g) = s + g s (1 - s) with s = sigmoid(g).
ORRERY_HOST_DEVICE inline void gate_backward(float dact, float& gate, float& up) {
  const float g = gate;
  const float s = sigmoid_f32(g);
  const float u = up;
  up = dact * (g * s);
  gate = dact * u * (s + g * s * (1.0f - s));
}

// Rotates the pair (a, b); with -sine undoes it, which is also the backward pass.
ORRERY_HOST_DEVICE inline void rotate_pair(float cosine, float sine, float& a, float& b) {
  const float x = a;
  const float y = b;
  a = x * cosine - y * sine;
  b = x * sine + y * cosine;
}

// Softmax of the first `n` of `width` entries times `scale`; the rest become zero.
struct MaskedSoftmax {
  std::int32_t n;
  std::int32_t width;
  float scale;
};
template <class Group>
ORRERY_HOST_DEVICE inline void masked_softmax(const Group& group, const MaskedSoftmax& shape,
                                              float* row) {
  const float scale = shape.scale;
  const float top = largest_f32(group, row, shape.n);
  group.each(shape.n, [&](std::int32_t i) { row[i] = exp_f32((row[i] - top) * scale); });
  const float sum = group.sum_f32(shape.n, [&](std::int32_t i) { return row[i]; });
  const float inverse = 1.0f / sum;
  group.each(shape.n, [&](std::int32_t i) { row[i] *= inverse; });
  float* rest = row + shape.n;
  group.each(shape.width - shape.n, [&](std::int32_t i) { rest[i] = 0.0f; });
}

// dp -> gradient of the entries before scaling, in place: scale * p * (dp - sum dp p).
template <class Group>
ORRERY_HOST_DEVICE inline void softmax_backward(const Group& group, const MaskedSoftmax& shape,
                                                const float* p, float* dp) {
  const float scale = shape.scale;
  const float dot = group.sum_f32(shape.n, [&](std::int32_t i) { return p[i] * dp[i]; });
  group.each(shape.n, [&](std::int32_t i) { dp[i] = p[i] * (dp[i] - dot) * scale; });
  float* rest = dp + shape.n;
  group.each(shape.width - shape.n, [&](std::int32_t i) { rest[i] = 0.0f; });
}

// Negative log likelihood of the target; replaces the logits by (softmax - one at target) * weight.
struct CrossEntropy {
  std::int32_t n;
  std::uint32_t target;  // below n
  float weight;
};
template <class Group>
ORRERY_HOST_DEVICE inline float cross_entropy(const Group& group, const CrossEntropy& of,
                                              float* logits) {
  const float wanted = logits[of.target];  // before the sweep that writes there
  const float top = largest_f32(group, logits, of.n);
  group.each(of.n, [&](std::int32_t i) { logits[i] = exp_f32(logits[i] - top); });
  const float sum = group.sum_f32(of.n, [&](std::int32_t i) { return logits[i]; });
  const float factor = of.weight / sum;
  group.each(of.n, [&](std::int32_t i) { logits[i] *= factor; });
  group.one([&] { logits[of.target] -= of.weight; });
  return log_f32(sum) - (wanted - top);
}

}  // namespace orrery::gpu
