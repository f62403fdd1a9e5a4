// Loops of exact operations over rows. The operations are those of gpu/api/exact; the portable
// loops call them as they stand, the AVX-512 loops (row_kernels_avx512.cc) restate them in vectors
// and are held to the same bits by tests.
#pragma once

#include <cstdint>

#include "gpu/api/exact/fixed.h"
#include "gpu/cpu/gemm.h"
#include "gpu/cpu/kv_cache.h"

namespace orrery::gpu {

// One query against the keys and values of one head.
struct HeadInput {
  const std::int8_t* query;  // width, zero padded to whole groups of 4
  exact::SoftScale scale;    // of the query, times log2(e) / sqrt(width)
  KvHead cache;
  std::uint32_t count;  // keys, at least 1
  std::uint32_t width;
  std::int32_t* weights;  // scratch of count rounded up to 16
};

// y = values * row * columns, n entries.
struct Requantise {
  std::int32_t* values;  // accumulators in, Q16 out
  std::uint32_t n;
  exact::SoftScale row;
  const exact::SoftScale* columns;
};

// exact::norm_quantise_row.
struct NormInput {
  const std::int32_t* x;  // Q16
  const std::int16_t* gain;
  std::uint32_t n;
  std::int64_t* wide;  // scratch of n
};

// exact::layer_norm_row.
struct LayerNormInput {
  NormInput norm;
  const std::int32_t* bias;
};

// Functions that clamp return how often they did. Quantised rows are written as biased bytes
// (q + 128, see RowBatch).
struct RowKernels {
  std::uint64_t (*requantise)(const Requantise& row);
  // out[i] = silu(gate[i]) * up[i].
  std::uint64_t (*gate)(const std::int32_t* gate, const std::int32_t* up, std::int32_t* out,
                        std::uint32_t n);
  // out[i] = gelu(x[i]).
  void (*gelu)(const std::int32_t* x, std::int32_t* out, std::uint32_t n);
  // x[i] += y[i].
  std::uint64_t (*add)(std::int32_t* x, const std::int32_t* y, std::uint32_t n);
  // exact::quantise_row of a Q16 row.
  exact::SoftScale (*quantise)(const std::int32_t* u, std::uint32_t n, std::uint8_t* q);
  exact::SoftScale (*norm)(const NormInput& input, std::uint8_t* q);
  std::uint64_t (*layer_norm)(const LayerNormInput& input, std::int32_t* out);
  // exact::rotate_head.
  std::uint64_t (*rotate)(std::int32_t* x, std::uint32_t half, const std::int32_t* cosine,
                          const std::int32_t* sine);
  // out[0..width) in Q16.
  std::uint64_t (*attend)(const HeadInput& head, std::int32_t* out);
};

// The loops that go with an available matrix kernel.
RowKernels row_kernels(Kernel kernel);

// Those of Kernel::kAvx512Vnni, on processors that have it.
RowKernels row_kernels_avx512();

}  // namespace orrery::gpu
