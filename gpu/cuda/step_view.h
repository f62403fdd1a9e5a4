// Where everything that a step needs lies in an accelerator's memory: plain pointers and sizes, so
// that kernels take it by value. Filled in by DeviceModel and DeviceDecoder, read by the bodies.
#pragma once

#include <cstddef>
#include <cstdint>

#include "gpu/api/exact/fixed.h"

namespace orrery::gpu {

// Padding of all inner and outer dimensions of products, in elements: what int8 tensor cores and
// 16-byte loads ask for. Padding is zero in the weights, hence exact.
inline constexpr std::uint32_t kProductPadding = 32;

template <class T>
ORRERY_HOST_DEVICE constexpr T round_up(T n, T unit) {
  return (n + unit - 1) / unit * unit;
}

// An int8 matrix of `rows` outputs over `cols` inputs, row after row of `stride` bytes.
struct DeviceMatrix {
  const std::int8_t* weights = nullptr;      // padded_rows() x stride
  const exact::SoftScale* scales = nullptr;  // rows
  const std::int32_t* bias = nullptr;        // rows, Q16; null without
  std::uint32_t rows = 0;
  std::uint32_t cols = 0;
  std::uint32_t stride = 0;  // cols rounded up to kProductPadding

  ORRERY_HOST_DEVICE constexpr std::uint32_t padded_rows() const {
    return round_up(rows, kProductPadding);
  }
};

struct NormView {
  const std::int16_t* gain = nullptr;  // Q14, dim
  const std::int32_t* bias = nullptr;  // Q16, dim; null for RMSNorm
};

struct LayerView {
  NormView attention_norm;
  DeviceMatrix qkv;
  DeviceMatrix out;
  NormView mlp_norm;
  DeviceMatrix gate_up;
  DeviceMatrix down;
};

// A model in the accelerator's memory.
struct ModelView {
  std::uint32_t dim = 0;
  std::uint32_t hidden = 0;
  std::uint32_t heads = 0;
  std::uint32_t width = 0;  // of a head
  std::uint32_t layers = 0;
  bool gpt2 = false;
  exact::SoftScale logit_scale;  // log2(e) / sqrt(width)
  const std::int32_t* embedding = nullptr;
  const std::int32_t* positions = nullptr;  // GPT-2: context x dim
  const std::int32_t* cosine = nullptr;     // Llama: context x width / 2, Q30
  const std::int32_t* sine = nullptr;
  const std::int32_t* exp2 = nullptr;        // exact::exp2_table()
  const std::int32_t* activation = nullptr;  // exact::sigmoid_table() or gelu_table()
  NormView final_norm;
  DeviceMatrix head;
};

// Keys and values in a pool of blocks of `block` positions; a sequence owns some of them, in any
// order. A block holds a segment for each (layer, head):
// scales  [position]                       of the keys
// keys    [group of 4 components][position] words of four int8: neighbours in position are
//                                          neighbours in memory, and threads take a position each
// values  [position][component]            int16 Q10: threads take a component each
struct KvView {
  std::uint8_t* pool = nullptr;
  const std::uint32_t* tables = nullptr;  // [sequence slot][blocks_per_sequence]: block numbers
  std::uint32_t blocks_per_sequence = 0;
  std::uint32_t block = 0;   // positions; a multiple of 4
  std::uint32_t width = 0;   // of a head
  std::uint32_t groups = 0;  // of four key components, the last zero padded
  std::uint32_t heads = 0;
  std::uint32_t layers = 0;

  ORRERY_HOST_DEVICE constexpr std::size_t keys_offset() const {
    return block * sizeof(exact::SoftScale);
  }
  ORRERY_HOST_DEVICE constexpr std::size_t values_offset() const {
    return keys_offset() + std::size_t{4} * block * groups;
  }
  ORRERY_HOST_DEVICE constexpr std::size_t segment_bytes() const {
    return round_up(values_offset() + std::size_t{2} * block * width, std::size_t{16});
  }
  ORRERY_HOST_DEVICE constexpr std::size_t block_bytes() const {
    return segment_bytes() * heads * layers;
  }
};

// What a step works on. Rows are tokens; buffers hold max_rows of them (q: padded to whole tiles).
struct StepView {
  ModelView model;
  KvView kv;
  std::uint32_t rows = 0;  // tokens of the step; of project_logits: rows asked for

  // Written by the host before a step.
  const std::uint32_t* tokens = nullptr;         // a row
  const std::uint32_t* row_positions = nullptr;  // a row
  const std::uint32_t* slots = nullptr;          // a row: its sequence
  const std::uint32_t* chosen = nullptr;         // rows whose logits are asked for

  std::int32_t* residual = nullptr;          // rows x dim, Q16
  std::int64_t* wide = nullptr;              // rows x dim: scratch of norms
  std::int8_t* q = nullptr;                  // rows x q_stride: quantised input of a product
  exact::SoftScale* q_scales = nullptr;      // a row
  std::int32_t* in = nullptr;                // rows x in_stride, Q16: what will be quantised
  std::int32_t* out = nullptr;               // rows x out_stride: products, then Q16
  std::int32_t* logits = nullptr;            // rows x logit_stride: products, then Q16
  std::uint32_t* best = nullptr;             // a row: the lowest token of the largest logit
  std::int8_t* query = nullptr;              // (row, head) x 4 kv.groups
  exact::SoftScale* query_scales = nullptr;  // (row, head), times logit_scale
  std::int8_t* key = nullptr;                // (row, head) x 4 kv.groups: on its way into the cache
  std::int32_t* weights = nullptr;           // (row, head) x weight_stride: of the positions
  std::int32_t* partials = nullptr;          // (row, head) x kValueSplits x width
  std::uint64_t* clamps = nullptr;           // a sequence slot; counts on from step to step
  std::int32_t* kept = nullptr;    // [layer][max_rows][dim]: residual rows; null: not kept
  std::uint8_t* leaves = nullptr;  // [layer][max_rows][32]: hashes of the kept rows, or null
  std::uint32_t max_rows = 0;
  std::uint32_t q_stride = 0;
  std::uint32_t in_stride = 0;
  std::uint32_t out_stride = 0;
  std::uint32_t logit_stride = 0;
  std::uint32_t weight_stride = 0;
};

}  // namespace orrery::gpu
