// The kernels of exact-i8 for accelerators, as bodies: item `item` of a kernel, worked on by a
// group of lanes. The arithmetic is gpu/api/exact's; bodies only say where its rows lie. The same
// text runs as a CUDA kernel (a block or a warp an item), in a loop on the CPU, and under an
// emulation of lanes in tests.
//
// A body has `kLanes`, the kind of group it likes, and operator()(group, item). Items of one kernel
// write to different places (counters of clamps excepted, which add).
#pragma once

#include <cstdint>

#include "gpu/api/exact/attention.h"
#include "gpu/api/exact/group.h"
#include "gpu/api/exact/row.h"
#include "gpu/cuda/step_view.h"

namespace orrery::gpu::bodies {

enum class Lanes : std::uint8_t {
  kThread,  // one: nothing to share
  kWarp,    // 32: short rows, many items
  kBlock,   // some hundred: long rows
};

// Sixteen int8, loaded at once.
struct alignas(16) Chunk {
  std::uint32_t words[4];
};

// acc + the products of four pairs of int8, packed lowest byte first.
ORRERY_HOST_DEVICE inline std::int32_t dot4(std::uint32_t a, std::uint32_t b, std::int32_t acc) {
#if defined(__CUDA_ARCH__)
  return __dp4a(static_cast<int>(a), static_cast<int>(b), acc);
#else
  for (int i = 0; i < 4; ++i) {
    acc += static_cast<std::int8_t>(a >> 8 * i) * static_cast<std::int8_t>(b >> 8 * i);
  }
  return acc;
#endif
}

// Charges clamps to the sequence of a row.
template <class Group>
ORRERY_HOST_DEVICE inline void count_clamps(const Group& group, const StepView& s,
                                            std::uint32_t row, std::uint64_t clamps) {
  group.add(s.clamps + s.slots[row], clamps);
}

// residual = embedding of the token; GPT-2 adds the position's.
struct EmbedRow {
  static constexpr Lanes kLanes = Lanes::kBlock;
  StepView s;

  template <class Group>
  ORRERY_HOST_DEVICE void operator()(const Group& group, std::uint32_t row) const {
    const std::size_t dim = s.model.dim;
    const auto n = static_cast<std::int32_t>(s.model.dim);
    const std::int32_t* from = s.model.embedding + s.tokens[row] * dim;
    std::int32_t* x = s.residual + row * dim;
    if (!s.model.gpt2) {
      group.each(n, [&](std::int32_t i) { x[i] = from[i]; });
      return;
    }
    const std::int32_t* position = s.model.positions + s.row_positions[row] * dim;
    const auto clamps = group.template sum<std::uint64_t>(n, [&](std::int32_t i) {
      std::uint64_t clamped = 0;
      x[i] = exact::residual_add(from[i], position[i], clamped);
      return clamped;
    });
    count_clamps(group, s, row, clamps);
  }
};

// q = the quantised norm of a residual row: row `item`, or chosen[item] for logits.
struct NormRow {
  static constexpr Lanes kLanes = Lanes::kBlock;
  StepView s;
  NormView norm;
  bool of_chosen;

  template <class Group>
  ORRERY_HOST_DEVICE void operator()(const Group& group, std::uint32_t item) const {
    const std::size_t dim = s.model.dim;
    const auto n = static_cast<std::int32_t>(s.model.dim);
    const std::int32_t* x = s.residual + (of_chosen ? s.chosen[item] : item) * dim;
    std::int64_t* wide = s.wide + item * dim;
    std::int8_t* q = s.q + std::size_t{item} * s.q_stride;
    exact::SoftScale scale;
    if (norm.bias == nullptr) {
      scale = exact::norm_quantise_row(group, x, norm.gain, n, wide, q);
    } else {
      std::int32_t* y = s.in + std::size_t{item} * s.in_stride;
      std::uint64_t clamps = 0;
      exact::layer_norm_row(group, x, norm.gain, norm.bias, n, wide, y, clamps);
      scale = exact::quantise_row(group, y, n, -16, q);
      count_clamps(group, s, item, clamps);
    }
    group.one([&] { s.q_scales[item] = scale; });
  }
};

// The integer product without tensor cores: output n for up to kRows rows, lanes over the inputs.
// Items: outputs x groups of kRows rows.
struct ProductColumn {
  static constexpr Lanes kLanes = Lanes::kWarp;
  static constexpr std::uint32_t kRows = 8;  // sums a lane keeps in registers
  DeviceMatrix matrix;
  const std::int8_t* q;  // padded to whole groups of kRows rows
  std::uint32_t q_stride;
  std::uint32_t rows;
  std::int32_t* acc;
  std::uint32_t acc_stride;

  ORRERY_HOST_DEVICE static constexpr std::uint32_t items(std::uint32_t outputs,
                                                          std::uint32_t rows) {
    return outputs * ((rows + kRows - 1) / kRows);
  }

  template <class Group>
  ORRERY_HOST_DEVICE void operator()(const Group& group, std::uint32_t item) const {
    const std::uint32_t n = item % matrix.rows;
    const std::uint32_t first = item / matrix.rows * kRows;
    const std::uint32_t count = rows - first < kRows ? rows - first : kRows;
    const auto* w = reinterpret_cast<const Chunk*>(matrix.weights + std::size_t{n} * matrix.stride);
    const std::int8_t* a = q + std::size_t{first} * q_stride;
    const std::uint32_t stride = q_stride;
    std::int32_t sums[kRows];
    group.sums(static_cast<std::int32_t>(matrix.stride / sizeof(Chunk)), sums,
               [&](std::int32_t i, std::int32_t(&out)[kRows]) {
                 const Chunk weights = w[i];
                 ORRERY_UNROLL
                 for (std::uint32_t r = 0; r < kRows; ++r) {
                   if (r >= count) continue;
                   const Chunk inputs = reinterpret_cast<const Chunk*>(a + r * stride)[i];
                   for (int k = 0; k < 4; ++k) {
                     out[r] = dot4(weights.words[k], inputs.words[k], out[r]);
                   }
                 }
               });
    group.one([&] {
      for (std::uint32_t r = 0; r < kRows; ++r) {
        if (r < count) acc[std::size_t{first + r} * acc_stride + n] = sums[r];
      }
    });
  }
};

// Products to Q16, plus the bias; with `to_residual` added to the residual stream. Items: rows x
// tiles of kTile outputs.
struct ScaleTile {
  static constexpr Lanes kLanes = Lanes::kBlock;
  static constexpr std::uint32_t kTile = 1024;
  StepView s;
  DeviceMatrix matrix;
  std::int32_t* values;  // rows x stride
  std::uint32_t stride;
  bool to_residual;

  ORRERY_HOST_DEVICE static constexpr std::uint32_t tiles(std::uint32_t outputs) {
    return (outputs + kTile - 1) / kTile;
  }

  template <class Group>
  ORRERY_HOST_DEVICE void operator()(const Group& group, std::uint32_t item) const {
    const std::uint32_t row = item / tiles(matrix.rows);
    const std::uint32_t first = item % tiles(matrix.rows) * kTile;
    const std::uint32_t left = matrix.rows - first;
    std::int32_t* y = values + std::size_t{row} * stride + first;
    std::int32_t* x = s.residual + std::size_t{row} * s.model.dim + first;
    const exact::SoftScale* columns = matrix.scales + first;
    const std::int32_t* bias = matrix.bias == nullptr ? nullptr : matrix.bias + first;
    const exact::SoftScale scale = s.q_scales[row];
    const bool adds = to_residual;
    const auto clamps = group.template sum<std::uint64_t>(
        static_cast<std::int32_t>(left < kTile ? left : kTile), [&](std::int32_t i) {
          std::uint64_t clamped = 0;
          std::int32_t v = exact::saturate32(exact::requantise(y[i], scale, columns[i]), clamped);
          if (bias != nullptr) v = exact::residual_add(v, bias[i], clamped);
          if (adds) {
            x[i] = exact::residual_add(x[i], v, clamped);
          } else {
            y[i] = v;
          }
          return clamped;
        });
    count_clamps(group, s, row, clamps);
  }
};

// in = the activation of the MLP, quantised to q.
struct ActivateRow {
  static constexpr Lanes kLanes = Lanes::kBlock;
  StepView s;

  template <class Group>
  ORRERY_HOST_DEVICE void operator()(const Group& group, std::uint32_t row) const {
    const auto n = static_cast<std::int32_t>(s.model.hidden);
    const std::int32_t* gate = s.out + std::size_t{row} * s.out_stride;
    const std::int32_t* up = gate + s.model.hidden;
    std::int32_t* y = s.in + std::size_t{row} * s.in_stride;
    const std::int32_t* table = s.model.activation;
    if (s.model.gpt2) {
      group.each(n, [&](std::int32_t i) { y[i] = exact::silu(gate[i], table); });
    } else {
      const auto clamps = group.template sum<std::uint64_t>(n, [&](std::int32_t i) {
        std::uint64_t clamped = 0;
        y[i] = exact::gate_product(gate[i], up[i], table, clamped);
        return clamped;
      });
      count_clamps(group, s, row, clamps);
    }
    const exact::SoftScale scale =
        exact::quantise_row(group, y, n, -16, s.q + std::size_t{row} * s.q_stride);
    group.one([&] { s.q_scales[row] = scale; });
  }
};

// q = the quantised first `dim` entries of in.
struct QuantiseRow {
  static constexpr Lanes kLanes = Lanes::kBlock;
  StepView s;

  template <class Group>
  ORRERY_HOST_DEVICE void operator()(const Group& group, std::uint32_t row) const {
    const exact::SoftScale scale = exact::quantise_row(group, s.in + std::size_t{row} * s.in_stride,
                                                       static_cast<std::int32_t>(s.model.dim), -16,
                                                       s.q + std::size_t{row} * s.q_stride);
    group.one([&] { s.q_scales[row] = scale; });
  }
};

// A copy of the residual row that leaves a layer, for provers.
struct KeepRow {
  static constexpr Lanes kLanes = Lanes::kBlock;
  StepView s;
  std::uint32_t layer;

  template <class Group>
  ORRERY_HOST_DEVICE void operator()(const Group& group, std::uint32_t row) const {
    const std::size_t dim = s.model.dim;
    const std::int32_t* from = s.residual + row * dim;
    std::int32_t* to = s.kept + (std::size_t{layer} * s.max_rows + row) * dim;
    group.each(static_cast<std::int32_t>(dim), [&](std::int32_t i) { to[i] = from[i]; });
  }
};

// best = the token that greedy decoding takes: the largest logit, the lowest of equals.
struct BestToken {
  static constexpr Lanes kLanes = Lanes::kBlock;
  StepView s;

  template <class Group>
  ORRERY_HOST_DEVICE void operator()(const Group& group, std::uint32_t row) const {
    const std::int32_t* z = s.logits + std::size_t{row} * s.logit_stride;
    const std::uint64_t top =
        group.max(static_cast<std::int32_t>(s.model.head.rows), [&](std::int32_t i) {
          const std::uint32_t ordered = static_cast<std::uint32_t>(z[i]) ^ (std::uint32_t{1} << 31);
          return std::uint64_t{ordered} << 32 | (UINT32_MAX - static_cast<std::uint32_t>(i));
        });
    group.one([&] { s.best[row] = UINT32_MAX - static_cast<std::uint32_t>(top); });
  }
};

}  // namespace orrery::gpu::bodies
