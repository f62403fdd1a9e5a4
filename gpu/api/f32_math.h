// Functions of the numeric class exact-f32: products, sums, quotients and square roots of IEEE-754
// single precision in a written order, with no library behind them, so every machine and every
// vector width gives the same bits. (Contraction into fused operations is off in this tree; fused
// operations are spelled out where they are meant.) Host and device code compile the same text.
#pragma once

#include <cstdint>

#include "gpu/api/exact/fixed.h"

namespace orrery::gpu {

ORRERY_HOST_DEVICE inline std::uint32_t bits_of_f32(float x) {
#if defined(__CUDA_ARCH__)
  return __float_as_uint(x);
#else
  return __builtin_bit_cast(std::uint32_t, x);
#endif
}

ORRERY_HOST_DEVICE inline float f32_of_bits(std::uint32_t bits) {
#if defined(__CUDA_ARCH__)
  return __uint_as_float(bits);
#else
  return __builtin_bit_cast(float, bits);
#endif
}

// a * b + c, rounded once.
ORRERY_HOST_DEVICE inline float fma_f32(float a, float b, float c) {
#if defined(__CUDA_ARCH__)
  return __fmaf_rn(a, b, c);
#else
  return __builtin_fmaf(a, b, c);
#endif
}

ORRERY_HOST_DEVICE inline float sqrt_f32(float x) {
#if defined(__CUDA_ARCH__)
  return __fsqrt_rn(x);
#else
  return __builtin_sqrtf(x);
#endif
}

// e^x, relative error below 2e-7 on [-87, 88], to which x is clamped. Cody and Waite's reduction
// and the polynomial of Cephes' expf.
ORRERY_HOST_DEVICE inline float exp_f32(float x) {
  const float low = x < -87.0f ? -87.0f : x;
  const float y = low > 88.0f ? 88.0f : low;
  // Adding 1.5 * 2^23 rounds to an integer, which then sits in the low bits.
  constexpr float kRound = 12582912.0f;
  constexpr std::uint32_t kRoundBits = 0x4b400000u;
  const float shifted = y * 1.44269504f + kRound;
  const float n = shifted - kRound;
  const float r = (y - n * 0.693359375f) - n * -2.12194440e-4f;
  float p = 1.9875691500e-4f;
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  const float value = (p * (r * r) + r) + 1.0f;
  return value * f32_of_bits((bits_of_f32(shifted) - kRoundBits + 127) << 23);
}

// ln x for normal x > 0, relative error about 1e-7. Cephes' logf.
ORRERY_HOST_DEVICE inline float log_f32(float x) {
  const std::uint32_t bits = bits_of_f32(x);
  auto e = static_cast<std::int32_t>(bits >> 23) - 126;
  float m = f32_of_bits((bits & 0x7fffffu) | 0x3f000000u);  // in [1/2, 1)
  if (m < 0.707106781f) {
    --e;
    m = m + m;
  }
  m = m - 1.0f;
  const float z = m * m;
  float p = 7.0376836292e-2f;
  p = p * m + -1.1514610310e-1f;
  p = p * m + 1.1676998740e-1f;
  p = p * m + -1.2420140846e-1f;
  p = p * m + 1.4249322787e-1f;
  p = p * m + -1.6668057665e-1f;
  p = p * m + 2.0000714765e-1f;
  p = p * m + -2.4999993993e-1f;
  p = p * m + 3.3333331174e-1f;
  const auto whole = static_cast<float>(e);
  float y = p * m * z;
  y = y + -2.12194440e-4f * whole;
  y = y + -0.5f * z;
  return (m + y) + 0.693359375f * whole;
}

ORRERY_HOST_DEVICE inline float sigmoid_f32(float x) { return 1.0f / (1.0f + exp_f32(-x)); }

// Lanes of a sum: its shape is that of two vector registers, and of a warp.
inline constexpr std::int32_t kSumLanes = 32;

// The sum of value(0) .. value(n - 1): partial sums by i mod kSumLanes, each in order, then a tree
// of five levels. Of one lane; groups (exact/group.h) have their own with the same bits.
template <class Value>
ORRERY_HOST_DEVICE inline float sum_f32(std::int32_t n, const Value& value) {
  float lanes[kSumLanes] = {};
  std::int32_t i = 0;
  for (; i + kSumLanes <= n; i += kSumLanes) {
    for (std::int32_t j = 0; j < kSumLanes; ++j) lanes[j] += value(i + j);
  }
  for (std::int32_t j = 0; i + j < n; ++j) lanes[j] += value(i + j);
  for (std::int32_t width = kSumLanes / 2; width > 0; width /= 2) {
    for (std::int32_t j = 0; j < width; ++j) lanes[j] += lanes[j + width];
  }
  return lanes[0];
}

}  // namespace orrery::gpu
