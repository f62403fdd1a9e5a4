// Operations on one row: dynamic int8 quantisation, RMSNorm, rotary embedding, gate, residual.
// Tensors between operations are int32 Q16. Each takes the group of lanes that shares it (group.h);
// without one, the caller's lane does it alone.
#pragma once

#include <cstdint>

#include "gpu/api/exact/fixed.h"
#include "gpu/api/exact/group.h"
#include "gpu/api/exact/tables.h"

namespace orrery::gpu::exact {

// Longest inner dimension: sums of u8 * s8 products (255 * 127 each) still fit int32.
inline constexpr std::int32_t kMaxInner = 65'536;
static_assert(std::int64_t{255} * 127 * kMaxInner <= INT32_MAX);

// Longest row of RMSNorm: the sum of squares of 23-bit values stays below 2^62.
inline constexpr std::int32_t kMaxNorm = 32'768;

// Quantises u[0..n), whose values are u[i] * 2^e, to q[i] in [-127, 127]; returns the row's scale,
// so that u[i] * 2^e ~ q[i] * scale. The largest magnitude a is brought to 30 bits and
// q = rsh(u * floor(127 * 2^54 / a), 54): |u| <= a keeps the product below 2^61. A zero row has
// scale zero. |u[i]| < 2^62.
template <class Group, class T>
ORRERY_HOST_DEVICE constexpr SoftScale quantise_row(const Group& group, const T* u, std::int32_t n,
                                                    int e, std::int8_t* q) {
  const std::uint64_t a = group.max(n, [&](std::int32_t i) { return magnitude(u[i]); });
  if (a == 0) {
    group.each(n, [&](std::int32_t i) { q[i] = 0; });
    return {};
  }
  const int shift = bit_length(a) - 30;
  const std::int64_t top = rsh(static_cast<std::int64_t>(a), shift);
  const std::int64_t inverse = (std::int64_t{127} << 54) / top;
  group.each(n, [&](std::int32_t i) {
    q[i] = static_cast<std::int8_t>(rsh(rsh(u[i], shift) * inverse, 54));
  });
  return soft((static_cast<std::uint64_t>(top) << 31) / 127, e + shift - 31);
}
template <class T>
ORRERY_HOST_DEVICE constexpr SoftScale quantise_row(const T* u, std::int32_t n, int e,
                                                    std::int8_t* q) {
  return quantise_row(Solo{}, u, n, e, q);
}

// 1e-5 in Q40, added to the mean square.
inline constexpr std::int64_t kNormEpsilonQ40 = 10'995'116;

// RMSNorm followed by quantisation, without rounding the normalised vector in between: the row is
// brought to 23 bits (y), u = y * gain goes to the quantiser, and sqrt(n) / sqrt(sum y^2) enters
// the row's scale only. x is Q16, gain Q14; `u` is scratch of n. n <= kMaxNorm.
template <class Group>
ORRERY_HOST_DEVICE constexpr SoftScale norm_quantise_row(const Group& group, const std::int32_t* x,
                                                         const std::int16_t* gain, std::int32_t n,
                                                         std::int64_t* u, std::int8_t* q) {
  const std::uint64_t a = group.max(n, [&](std::int32_t i) { return magnitude(x[i]); });
  // No further left than 14 bits, or epsilon * n would pass 2^62; left shifts lose nothing.
  const int raw = bit_length(a) - 23;
  const int shift = raw < -14 ? -14 : raw;
  const auto squares = group.template sum<std::int64_t>(n, [&](std::int32_t i) {
    const std::int64_t y = rsh(x[i], shift);
    u[i] = y * gain[i];
    return y * y;
  });
  const std::int64_t sum = rsh(kNormEpsilonQ40 * n, 2 * shift + 8) + squares;
  const SoftScale scale = quantise_row(group, u, n, -14, q);
  if (scale.m == 0) return {};
  const SoftScale inverse_root = soft_inverse(soft_sqrt(static_cast<std::uint64_t>(sum)));
  const SoftScale root_n = soft_sqrt(static_cast<std::uint64_t>(n));
  return soft_mul(scale, soft_mul(inverse_root, root_n));
}
ORRERY_HOST_DEVICE constexpr SoftScale norm_quantise_row(const std::int32_t* x,
                                                         const std::int16_t* gain, std::int32_t n,
                                                         std::int64_t* u, std::int8_t* q) {
  return norm_quantise_row(Solo{}, x, gain, n, u, q);
}

// LayerNorm of a row in Q16 to Q16, bias included: the mean is floor((2 sum + n) / 2n); what is
// left goes through the steps of norm_quantise_row up to its row scale and is brought back to Q16
// by it. gain Q14, bias Q16; `u` is scratch of n. n <= kMaxNorm.
template <class Group>
ORRERY_HOST_DEVICE constexpr void layer_norm_row(const Group& group, const std::int32_t* x,
                                                 const std::int16_t* gain, const std::int32_t* bias,
                                                 std::int32_t n, std::int64_t* u, std::int32_t* out,
                                                 std::uint64_t& clamps) {
  const auto sum =
      group.template sum<std::int64_t>(n, [&](std::int32_t i) { return std::int64_t{x[i]}; });
  const std::int64_t twice = 2 * sum + n;
  const std::int64_t whole = twice / (2 * std::int64_t{n});
  const std::int64_t mean = whole - (twice % (2 * std::int64_t{n}) < 0 ? 1 : 0);
  const std::uint64_t a = group.max(n, [&](std::int32_t i) { return magnitude(x[i] - mean); });
  const int raw = bit_length(a) - 23;
  const int shift = raw < -14 ? -14 : raw;
  const auto spread = group.template sum<std::int64_t>(n, [&](std::int32_t i) {
    const std::int64_t y = rsh(x[i] - mean, shift);
    u[i] = y * gain[i];
    return y * y;
  });
  const std::int64_t squares = rsh(kNormEpsilonQ40 * n, 2 * shift + 8) + spread;
  const std::uint64_t top = group.max(n, [&](std::int32_t i) { return magnitude(u[i]); });
  // u * 2^-14 times sqrt(n) / sqrt(squares), in Q16.
  const SoftScale inverse_root = soft_inverse(soft_sqrt(static_cast<std::uint64_t>(squares)));
  const SoftScale scale = soft_mul(inverse_root, soft_sqrt(static_cast<std::uint64_t>(n)));
  const int narrow_by = bit_length(top) - 30;
  const int narrow = narrow_by < 0 ? 0 : narrow_by;
  const int down = -(scale.e + narrow - 14 + 16);
  clamps += group.template sum<std::uint64_t>(n, [&](std::int32_t i) {
    std::uint64_t clamped = 0;
    const std::int64_t product = rsh(u[i], narrow) * scale.m;
    const std::int64_t y = down > 62 ? 0 : rsh(product, down < 1 ? 1 : down);
    out[i] = saturate32(y + bias[i], clamped);
    return clamped;
  });
}
ORRERY_HOST_DEVICE constexpr void layer_norm_row(const std::int32_t* x, const std::int16_t* gain,
                                                 const std::int32_t* bias, std::int32_t n,
                                                 std::int64_t* u, std::int32_t* out,
                                                 std::uint64_t& clamps) {
  layer_norm_row(Solo{}, x, gain, bias, n, u, out, clamps);
}

// Rotates the pairs (i, i + half) of one head, i < half, by the angles whose cosines and sines are
// given in Q30 (the half-split layout of Llama checkpoints in the transformers library).
template <class Group>
ORRERY_HOST_DEVICE constexpr void rotate_head(const Group& group, std::int32_t* x,
                                              std::int32_t half, const std::int32_t* cosine,
                                              const std::int32_t* sine, std::uint64_t& clamps) {
  clamps += group.template sum<std::uint64_t>(half, [&](std::int32_t i) {
    std::uint64_t clamped = 0;
    const std::int64_t a = x[i];
    const std::int64_t b = x[i + half];
    x[i] = saturate32(rsh(a * cosine[i] - b * sine[i], 30), clamped);
    x[i + half] = saturate32(rsh(a * sine[i] + b * cosine[i], 30), clamped);
    return clamped;
  });
}
ORRERY_HOST_DEVICE constexpr void rotate_head(std::int32_t* x, std::int32_t half,
                                              const std::int32_t* cosine, const std::int32_t* sine,
                                              std::uint64_t& clamps) {
  rotate_head(Solo{}, x, half, cosine, sine, clamps);
}

// silu(gate) * up in Q16.
ORRERY_HOST_DEVICE constexpr std::int32_t gate_product(std::int32_t gate, std::int32_t up,
                                                       const std::int32_t* table,
                                                       std::uint64_t& clamps) {
  return saturate32(rsh(std::int64_t{silu(gate, table)} * up, 16), clamps);
}

ORRERY_HOST_DEVICE constexpr std::int32_t residual_add(std::int32_t x, std::int32_t y,
                                                       std::uint64_t& clamps) {
  return saturate32(std::int64_t{x} + y, clamps);
}

}  // namespace orrery::gpu::exact
