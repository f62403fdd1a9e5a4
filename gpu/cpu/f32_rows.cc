#include "gpu/cpu/f32_rows.h"

#include <algorithm>

#include "gpu/cpu/f32_math.h"

namespace orrery::gpu {
namespace {

constexpr float kNormEpsilon = 1e-5f;

float largest(const float* x, std::size_t n) {
  float top = x[0];
  for (std::size_t i = 1; i < n; ++i) top = x[i] > top ? x[i] : top;
  return top;
}

}  // namespace

float rms_norm(const float* x, const float* gain, std::size_t n, float* y) {
  const float squares = sum_f32(n, [&](std::size_t i) { return x[i] * x[i]; });
  const float mean = squares / static_cast<float>(n) + kNormEpsilon;
  const float inverse = 1.0f / __builtin_sqrtf(mean);
  for (std::size_t i = 0; i < n; ++i) y[i] = x[i] * inverse * gain[i];
  return inverse;
}

// With r = 1 / rms: dx = r * gain * dy - x * r^3 / n * sum(gain * dy * x).
void rms_norm_backward(const RmsNormBackward& in, std::size_t n, float* __restrict dx,
                       float* __restrict dgain) {
  const float dot = sum_f32(n, [&](std::size_t i) { return in.gain[i] * in.dy[i] * in.x[i]; });
  const float r = in.inverse;
  const float factor = dot * (r * r * r) / static_cast<float>(n);
  for (std::size_t i = 0; i < n; ++i) {
    dx[i] += r * in.gain[i] * in.dy[i] - in.x[i] * factor;
    dgain[i] += in.dy[i] * in.x[i] * r;
  }
}

void gate_forward(const float* gate_up, std::size_t n, float* __restrict act) {
  const float* up = gate_up + n;
  for (std::size_t i = 0; i < n; ++i) act[i] = gate_up[i] * sigmoid_f32(gate_up[i]) * up[i];
}

// silu'(g) = s + g s (1 - s) with s = sigmoid(g).
void gate_backward(const float* __restrict dact, std::size_t n, float* __restrict gate_up) {
  float* __restrict up = gate_up + n;
  for (std::size_t i = 0; i < n; ++i) {
    const float g = gate_up[i];
    const float s = sigmoid_f32(g);
    const float u = up[i];
    up[i] = dact[i] * (g * s);
    gate_up[i] = dact[i] * u * (s + g * s * (1.0f - s));
  }
}

void rotate_f32(const Rotation& by, float* __restrict x) {
  for (std::size_t i = 0; i < by.half; ++i) {
    const float a = x[i];
    const float b = x[i + by.half];
    const float s = by.sine[i] * by.direction;
    x[i] = a * by.cosine[i] - b * s;
    x[i + by.half] = a * s + b * by.cosine[i];
  }
}

void softmax_f32(const MaskedSoftmax& shape, float* row) {
  const float top = largest(row, shape.n);
  for (std::size_t i = 0; i < shape.n; ++i) row[i] = exp_f32((row[i] - top) * shape.scale);
  const float sum = sum_f32(shape.n, [&](std::size_t i) { return row[i]; });
  const float inverse = 1.0f / sum;
  for (std::size_t i = 0; i < shape.n; ++i) row[i] *= inverse;
  std::fill(row + shape.n, row + shape.width, 0.0f);
}

void softmax_backward(const MaskedSoftmax& shape, const float* __restrict p, float* __restrict dp) {
  const float dot = sum_f32(shape.n, [&](std::size_t i) { return p[i] * dp[i]; });
  for (std::size_t i = 0; i < shape.n; ++i) dp[i] = p[i] * (dp[i] - dot) * shape.scale;
  std::fill(dp + shape.n, dp + shape.width, 0.0f);
}

float cross_entropy(float* logits, std::size_t n, std::uint32_t target, float weight) {
  const float top = largest(logits, n);
  const float at_target = logits[target] - top;
  for (std::size_t i = 0; i < n; ++i) logits[i] = exp_f32(logits[i] - top);
  const float sum = sum_f32(n, [&](std::size_t i) { return logits[i]; });
  const float factor = weight / sum;
  for (std::size_t i = 0; i < n; ++i) logits[i] *= factor;
  logits[target] -= weight;
  return log_f32(sum) - at_target;
}

}  // namespace orrery::gpu
