// Bodies are always inlined into thin variants that differ in their target attribute alone.
// (Building this file twice with different flags would let the linker pick an AVX2 copy of a
// shared inline function for the portable code.)
#include "gpu/cpu/row_kernels.h"

#include "gpu/api/exact/attention.h"
#include "gpu/api/exact/row.h"
#include "gpu/cpu/gemm_x86.h"

namespace orrery::gpu {
namespace {

using exact::SoftScale;

#define ORRERY_BODY [[gnu::always_inline]] inline

ORRERY_BODY std::uint64_t requantise_body(const Requantise& row) {
  std::int32_t* __restrict y = row.values;
  const SoftScale* __restrict columns = row.columns;
  std::uint64_t clamps = 0;
  for (std::uint32_t i = 0; i < row.n; ++i) {
    y[i] = exact::saturate32(exact::requantise(y[i], row.row, columns[i]), clamps);
  }
  return clamps;
}

ORRERY_BODY std::uint64_t gate_body(const std::int32_t* __restrict gate,
                                    const std::int32_t* __restrict up, std::int32_t* __restrict out,
                                    std::uint32_t n) {
  const std::int32_t* __restrict table = exact::sigmoid_table();
  std::uint64_t clamps = 0;
  for (std::uint32_t i = 0; i < n; ++i) {
    out[i] = exact::gate_product(gate[i], up[i], table, clamps);
  }
  return clamps;
}

ORRERY_BODY void gelu_body(const std::int32_t* __restrict x, std::int32_t* __restrict out,
                           std::uint32_t n) {
  const std::int32_t* __restrict table = exact::gelu_table();
  for (std::uint32_t i = 0; i < n; ++i) out[i] = exact::silu(x[i], table);
}

ORRERY_BODY std::uint64_t layer_norm_body(const LayerNormInput& in, std::int32_t* out) {
  std::uint64_t clamps = 0;
  exact::layer_norm_row(in.norm.x, in.norm.gain, in.bias, static_cast<std::int32_t>(in.norm.n),
                        in.norm.wide, out, clamps);
  return clamps;
}

ORRERY_BODY std::uint64_t add_body(std::int32_t* __restrict x, const std::int32_t* __restrict y,
                                   std::uint32_t n) {
  std::uint64_t clamps = 0;
  for (std::uint32_t i = 0; i < n; ++i) x[i] = exact::residual_add(x[i], y[i], clamps);
  return clamps;
}

// The exact functions write int8; int8 and byte may alias, so they write in place.
ORRERY_BODY void bias_row(std::uint8_t* q, std::uint32_t n) {
  for (std::uint32_t i = 0; i < n; ++i) q[i] ^= 0x80;
}

ORRERY_BODY SoftScale quantise_body(const std::int32_t* u, std::uint32_t n, std::uint8_t* q) {
  const SoftScale scale =
      exact::quantise_row(u, static_cast<std::int32_t>(n), -16, reinterpret_cast<std::int8_t*>(q));
  bias_row(q, n);
  return scale;
}

ORRERY_BODY SoftScale norm_body(const NormInput& in, std::uint8_t* q) {
  const SoftScale scale = exact::norm_quantise_row(in.x, in.gain, static_cast<std::int32_t>(in.n),
                                                   in.wide, reinterpret_cast<std::int8_t*>(q));
  bias_row(q, in.n);
  return scale;
}

ORRERY_BODY std::uint64_t rotate_body(std::int32_t* x, std::uint32_t half,
                                      const std::int32_t* cosine, const std::int32_t* sine) {
  std::uint64_t clamps = 0;
  exact::rotate_head(x, static_cast<std::int32_t>(half), cosine, sine, clamps);
  return clamps;
}

ORRERY_BODY std::int32_t key_product(const HeadInput& head, std::uint32_t t) {
  const KvLayout& layout = head.cache.layout;
  const std::uint8_t* keys = head.cache.keys(t / layout.block);
  std::int32_t sum = 0;
  for (std::uint32_t i = 0; i < head.width; ++i) {
    sum += head.query[i] * (keys[layout.key_index(t % layout.block, i)] - 128);
  }
  return sum;
}

ORRERY_BODY std::uint64_t attend_body(const HeadInput& head, std::int32_t* __restrict out) {
  std::int32_t* weights = head.weights;
  const KvLayout& layout = head.cache.layout;
  std::uint64_t clamps = 0;
  for (std::uint32_t t = 0; t < head.count; ++t) {
    const SoftScale key_scale = head.cache.scales(t / layout.block)[t % layout.block];
    weights[t] =
        exact::saturate32(exact::requantise(key_product(head, t), head.scale, key_scale), clamps);
  }
  const std::int32_t total =
      exact::softmax_q15(weights, static_cast<std::int32_t>(head.count), exact::exp2_table());
  for (std::uint32_t i = 0; i < head.width; ++i) out[i] = 0;
  for (std::uint32_t t = 0; t < head.count; ++t) {
    const std::int16_t* values = head.cache.values(t / layout.block);
    for (std::uint32_t i = 0; i < head.width; ++i) {
      out[i] += weights[t] * values[layout.value_index(t % layout.block, i)];
    }
  }
  for (std::uint32_t i = 0; i < head.width; ++i) out[i] = exact::weighted_mean(out[i], total);
  return clamps;
}

#define ORRERY_ROW_KERNELS(variant, target_attribute)                                              \
  target_attribute std::uint64_t requantise_##variant(const Requantise& row) {                     \
    return requantise_body(row);                                                                   \
  }                                                                                                \
  target_attribute std::uint64_t gate_##variant(const std::int32_t* gate, const std::int32_t* up,  \
                                                std::int32_t* out, std::uint32_t n) {              \
    return gate_body(gate, up, out, n);                                                            \
  }                                                                                                \
  target_attribute void gelu_##variant(const std::int32_t* x, std::int32_t* out,                   \
                                       std::uint32_t n) {                                          \
    gelu_body(x, out, n);                                                                          \
  }                                                                                                \
  target_attribute std::uint64_t layer_norm_##variant(const LayerNormInput& in,                    \
                                                      std::int32_t* out) {                         \
    return layer_norm_body(in, out);                                                               \
  }                                                                                                \
  target_attribute std::uint64_t add_##variant(std::int32_t* x, const std::int32_t* y,             \
                                               std::uint32_t n) {                                  \
    return add_body(x, y, n);                                                                      \
  }                                                                                                \
  target_attribute SoftScale quantise_##variant(const std::int32_t* u, std::uint32_t n,            \
                                                std::uint8_t* q) {                                 \
    return quantise_body(u, n, q);                                                                 \
  }                                                                                                \
  target_attribute SoftScale norm_##variant(const NormInput& in, std::uint8_t* q) {                \
    return norm_body(in, q);                                                                       \
  }                                                                                                \
  target_attribute std::uint64_t rotate_##variant(                                                 \
      std::int32_t* x, std::uint32_t half, const std::int32_t* cosine, const std::int32_t* sine) { \
    return rotate_body(x, half, cosine, sine);                                                     \
  }                                                                                                \
  target_attribute std::uint64_t attend_##variant(const HeadInput& head, std::int32_t* out) {      \
    return attend_body(head, out);                                                                 \
  }                                                                                                \
  constexpr RowKernels k_##variant{requantise_##variant, gate_##variant,     gelu_##variant,       \
                                   add_##variant,        quantise_##variant, norm_##variant,       \
                                   layer_norm_##variant, rotate_##variant,   attend_##variant};

ORRERY_ROW_KERNELS(portable, )
#if ORRERY_X86_KERNELS
ORRERY_ROW_KERNELS(avx2, [[gnu::target("avx2")]])
#endif

#undef ORRERY_ROW_KERNELS

}  // namespace

RowKernels row_kernels([[maybe_unused]] Kernel kernel) {
#if ORRERY_X86_KERNELS
  if (kernel == Kernel::kAvx512Vnni) return row_kernels_avx512();
  if (kernel == Kernel::kAvx2) return k_avx2;
#endif
  return k_portable;
}

}  // namespace orrery::gpu
