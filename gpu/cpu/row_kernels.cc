// Bodies are always inlined into thin variants that differ in their target attribute alone.
// (Building this file twice with different flags would let the linker pick an AVX-512 copy of a
// shared inline function for the portable code.)
#include "gpu/cpu/row_kernels.h"

#include "gpu/api/exact/attention.h"
#include "gpu/api/exact/row.h"

namespace orrery::gpu {
namespace {

using exact::SoftScale;

[[gnu::always_inline]] inline std::uint64_t requantise_body(std::int32_t* __restrict y,
                                                            std::uint32_t n, SoftScale row,
                                                            const SoftScale* __restrict columns) {
  std::uint64_t clamps = 0;
  for (std::uint32_t i = 0; i < n; ++i) {
    y[i] = exact::saturate32(exact::requantise(y[i], row, columns[i]), clamps);
  }
  return clamps;
}

[[gnu::always_inline]] inline std::uint64_t gate_body(const std::int32_t* __restrict gate,
                                                      const std::int32_t* __restrict up,
                                                      std::int32_t* __restrict out,
                                                      std::uint32_t n) {
  const std::int32_t* __restrict table = exact::sigmoid_table();
  std::uint64_t clamps = 0;
  for (std::uint32_t i = 0; i < n; ++i) {
    out[i] = exact::gate_product(gate[i], up[i], table, clamps);
  }
  return clamps;
}

[[gnu::always_inline]] inline std::uint64_t add_body(std::int32_t* __restrict x,
                                                     const std::int32_t* __restrict y,
                                                     std::uint32_t n) {
  std::uint64_t clamps = 0;
  for (std::uint32_t i = 0; i < n; ++i) x[i] = exact::residual_add(x[i], y[i], clamps);
  return clamps;
}

[[gnu::always_inline]] inline SoftScale quantise_body(const std::int32_t* u, std::uint32_t n,
                                                      std::int8_t* q) {
  return exact::quantise_row(u, static_cast<std::int32_t>(n), -16, q);
}

[[gnu::always_inline]] inline SoftScale norm_body(const std::int32_t* x, const std::int16_t* gain,
                                                  std::uint32_t n, std::int64_t* wide,
                                                  std::int8_t* q) {
  return exact::norm_quantise_row(x, gain, static_cast<std::int32_t>(n), wide, q);
}

[[gnu::always_inline]] inline std::uint64_t attend_body(const HeadInput& head,
                                                        std::int32_t* __restrict out) {
  std::int32_t* __restrict weights = head.weights;
  const std::uint32_t width = head.width;
  for (std::uint32_t t = 0; t < head.count; ++t) {
    const std::int8_t* key = head.keys + std::size_t{t} * width;
    std::int32_t sum = 0;
    for (std::uint32_t i = 0; i < width; ++i) sum += head.query[i] * key[i];
    weights[t] = sum;
  }
  const std::uint64_t clamps = requantise_body(weights, head.count, head.scale, head.key_scales);
  const std::int32_t total =
      exact::softmax_q15(weights, static_cast<std::int32_t>(head.count), exact::exp2_table());
  for (std::uint32_t i = 0; i < width; ++i) out[i] = 0;
  for (std::uint32_t t = 0; t < head.count; ++t) {
    const std::int32_t p = weights[t];
    const std::int16_t* __restrict value = head.values + std::size_t{t} * width;
    for (std::uint32_t i = 0; i < width; ++i) out[i] += p * value[i];
  }
  for (std::uint32_t i = 0; i < width; ++i) out[i] = exact::weighted_mean(out[i], total);
  return clamps;
}

#define ORRERY_ROW_KERNELS(variant, target_attribute)                                              \
  target_attribute std::uint64_t requantise_##variant(std::int32_t* y, std::uint32_t n,            \
                                                      SoftScale row, const SoftScale* columns) {   \
    return requantise_body(y, n, row, columns);                                                    \
  }                                                                                                \
  target_attribute std::uint64_t gate_##variant(const std::int32_t* gate, const std::int32_t* up,  \
                                                std::int32_t* out, std::uint32_t n) {              \
    return gate_body(gate, up, out, n);                                                            \
  }                                                                                                \
  target_attribute std::uint64_t add_##variant(std::int32_t* x, const std::int32_t* y,             \
                                               std::uint32_t n) {                                  \
    return add_body(x, y, n);                                                                      \
  }                                                                                                \
  target_attribute SoftScale quantise_##variant(const std::int32_t* u, std::uint32_t n,            \
                                                std::int8_t* q) {                                  \
    return quantise_body(u, n, q);                                                                 \
  }                                                                                                \
  target_attribute SoftScale norm_##variant(const std::int32_t* x, const std::int16_t* gain,       \
                                            std::uint32_t n, std::int64_t* wide, std::int8_t* q) { \
    return norm_body(x, gain, n, wide, q);                                                         \
  }                                                                                                \
  target_attribute std::uint64_t attend_##variant(const HeadInput& head, std::int32_t* out) {      \
    return attend_body(head, out);                                                                 \
  }                                                                                                \
  constexpr RowKernels k_##variant{requantise_##variant, gate_##variant, add_##variant,            \
                                   quantise_##variant,   norm_##variant, attend_##variant};

ORRERY_ROW_KERNELS(portable, )
#if defined(__x86_64__)
ORRERY_ROW_KERNELS(avx512, [[gnu::target("avx512f,avx512bw,avx512dq,avx512vl")]])
#endif

#undef ORRERY_ROW_KERNELS

}  // namespace

RowKernels row_kernels([[maybe_unused]] Kernel kernel) {
#if defined(__x86_64__)
  if (kernel == Kernel::kAvx512Vnni) return k_avx512;
#endif
  return k_portable;
}

}  // namespace orrery::gpu
