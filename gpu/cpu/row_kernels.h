// Loops of exact operations over rows, compiled once for any x86-64 or other processor and once for
// AVX-512. The operations themselves are those of gpu/api/exact, so the variants agree in every
// bit.
#pragma once

#include <cstdint>

#include "gpu/api/exact/fixed.h"
#include "gpu/cpu/gemm.h"

namespace orrery::gpu {

// One query against the keys and values of one head.
struct HeadInput {
  const std::int8_t* query;  // width
  exact::SoftScale scale;    // of the query, times log2(e) / sqrt(width)
  const std::int8_t* keys;   // count x width
  const exact::SoftScale* key_scales;
  const std::int16_t* values;  // count x width, Q10
  std::uint32_t count;
  std::uint32_t width;
  std::int32_t* weights;  // scratch of count
};

// Functions that clamp return how often they did.
struct RowKernels {
  // y[n] = y[n] * row * columns[n] in Q16, from accumulators in place.
  std::uint64_t (*requantise)(std::int32_t* y, std::uint32_t n, exact::SoftScale row,
                              const exact::SoftScale* columns);
  // out[i] = silu(gate[i]) * up[i].
  std::uint64_t (*gate)(const std::int32_t* gate, const std::int32_t* up, std::int32_t* out,
                        std::uint32_t n);
  // x[i] += y[i].
  std::uint64_t (*add)(std::int32_t* x, const std::int32_t* y, std::uint32_t n);
  // exact::quantise_row of a Q16 row.
  exact::SoftScale (*quantise)(const std::int32_t* u, std::uint32_t n, std::int8_t* q);
  // exact::norm_quantise_row.
  exact::SoftScale (*norm)(const std::int32_t* x, const std::int16_t* gain, std::uint32_t n,
                           std::int64_t* wide, std::int8_t* q);
  // out[0..width) in Q16.
  std::uint64_t (*attend)(const HeadInput& head, std::int32_t* out);
};

// The loops that go with an available matrix kernel.
RowKernels row_kernels(Kernel kernel);

}  // namespace orrery::gpu
