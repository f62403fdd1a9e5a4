// Attention of exact-i8 for accelerators, as bodies (see bodies.h): one item a (row, head).
#pragma once

#include "gpu/cuda/bodies.h"

namespace orrery::gpu::bodies {

// Lanes take one (component, share of the positions) each, so that long contexts do not leave most
// of a block idle.
inline constexpr std::uint32_t kValueSplits = 8;

// Where one head of one sequence lies in the cache.
struct HeadCache {
  const KvView& kv;
  const std::uint32_t* table;  // the sequence's blocks
  std::size_t segment;         // of (layer, head), from the start of a block

  ORRERY_HOST_DEVICE HeadCache(const StepView& s, std::uint32_t layer, std::uint32_t row,
                               std::uint32_t head)
      : kv(s.kv),
        table(s.kv.tables + std::size_t{s.slots[row]} * s.kv.blocks_per_sequence),
        segment((std::size_t{layer} * s.kv.heads + head) * s.kv.segment_bytes()) {}

  ORRERY_HOST_DEVICE std::uint8_t* at(std::uint32_t position) const {
    return kv.pool + table[position / kv.block] * kv.block_bytes() + segment;
  }
  ORRERY_HOST_DEVICE exact::SoftScale* scale(std::uint32_t position) const {
    return reinterpret_cast<exact::SoftScale*>(at(position)) + position % kv.block;
  }
  // The key's word 0; word g lies g * kv.block further.
  ORRERY_HOST_DEVICE std::uint32_t* key(std::uint32_t position) const {
    return reinterpret_cast<std::uint32_t*>(at(position) + kv.keys_offset()) + position % kv.block;
  }
  ORRERY_HOST_DEVICE std::int16_t* value(std::uint32_t position) const {
    return reinterpret_cast<std::int16_t*>(at(position) + kv.values_offset()) +
           std::size_t{position % kv.block} * kv.width;
  }
};

// Rotates query and key of a head (Llama), keeps the quantised query for AttendHead, and stores key
// and value at the row's position.
struct StoreHead {
  static constexpr Lanes kLanes = Lanes::kWarp;
  StepView s;
  std::uint32_t layer;

  template <class Group>
  ORRERY_HOST_DEVICE void operator()(const Group& group, std::uint32_t item) const {
    const ModelView& m = s.model;
    const std::uint32_t row = item / m.heads;
    const std::uint32_t head = item % m.heads;
    const auto width = static_cast<std::int32_t>(m.width);
    std::int32_t* query = s.out + std::size_t{row} * s.out_stride + std::size_t{head} * m.width;
    std::int32_t* key = query + m.dim;
    const std::int32_t* value = key + m.dim;
    std::uint64_t clamps = 0;
    if (!m.gpt2) {
      const std::size_t angles = std::size_t{s.row_positions[row]} * (m.width / 2);
      exact::rotate_head(group, query, width / 2, m.cosine + angles, m.sine + angles, clamps);
      exact::rotate_head(group, key, width / 2, m.cosine + angles, m.sine + angles, clamps);
    }
    const std::size_t start = std::size_t{item} * s.kv.groups * 4;
    const exact::SoftScale query_scale =
        exact::quantise_row(group, query, width, -16, s.query + start);
    const exact::SoftScale key_scale = exact::quantise_row(group, key, width, -16, s.key + start);
    const HeadCache cache(s, layer, row, head);
    const std::uint32_t position = s.row_positions[row];
    // Bytes past the width are zero since they were allocated.
    const auto* words = reinterpret_cast<const std::uint32_t*>(s.key + start);
    std::uint32_t* to = cache.key(position);
    group.each(static_cast<std::int32_t>(s.kv.groups),
               [&](std::int32_t g) { to[std::size_t(g) * s.kv.block] = words[g]; });
    std::int16_t* values = cache.value(position);
    clamps += group.template sum<std::uint64_t>(width, [&](std::int32_t i) {
      std::uint64_t clamped = 0;
      values[i] = exact::value_q10(value[i], clamped);
      return clamped;
    });
    group.one([&] {
      *cache.scale(position) = key_scale;
      s.query_scales[item] = exact::soft_mul(query_scale, m.logit_scale);
    });
    count_clamps(group, s, row, clamps);
  }
};

// in = the head's weighted mean of the values up to the row's position. Keys of the step are all
// stored before (StoreHead is a kernel of its own), and later positions are not looked at.
struct AttendHead {
  static constexpr Lanes kLanes = Lanes::kBlock;
  StepView s;
  std::uint32_t layer;

  template <class Group>
  ORRERY_HOST_DEVICE void operator()(const Group& group, std::uint32_t item) const {
    const ModelView& m = s.model;
    const std::uint32_t row = item / m.heads;
    const std::uint32_t head = item % m.heads;
    const std::uint32_t count = s.row_positions[row] + 1;
    const auto keys = static_cast<std::int32_t>(count);
    const HeadCache cache(s, layer, row, head);
    std::int32_t* weights = s.weights + std::size_t{item} * s.weight_stride;
    const auto* query =
        reinterpret_cast<const std::uint32_t*>(s.query) + std::size_t{item} * s.kv.groups;
    const exact::SoftScale scale = s.query_scales[item];
    const auto clamps = group.template sum<std::uint64_t>(keys, [&](std::int32_t t) {
      const std::uint32_t* key = cache.key(static_cast<std::uint32_t>(t));
      std::int32_t product = 0;
      for (std::uint32_t g = 0; g < s.kv.groups; ++g) {
        product = dot4(query[g], key[std::size_t{g} * s.kv.block], product);
      }
      std::uint64_t clamped = 0;
      weights[t] = exact::saturate32(
          exact::requantise(product, scale, *cache.scale(static_cast<std::uint32_t>(t))), clamped);
      return clamped;
    });
    count_clamps(group, s, row, clamps);
    const std::int32_t total = exact::softmax_q15(group, weights, keys, m.exp2);
    std::int32_t* partials = s.partials + std::size_t{item} * kValueSplits * m.width;
    group.each(static_cast<std::int32_t>(kValueSplits * m.width), [&](std::int32_t j) {
      const std::uint32_t i = static_cast<std::uint32_t>(j) % m.width;
      const std::uint32_t split = static_cast<std::uint32_t>(j) / m.width;
      std::int32_t sum = 0;
      // Block by block, so that where a block lies is looked up once.
      for (std::uint32_t first = 0; first < count; first += s.kv.block) {
        const std::int16_t* values = cache.value(first) + i;
        const std::uint32_t left = count - first;
        const std::uint32_t end = left < s.kv.block ? left : s.kv.block;
        for (std::uint32_t slot = split; slot < end; slot += kValueSplits) {
          sum += weights[first + slot] * values[std::size_t{slot} * m.width];
        }
      }
      partials[j] = sum;
    });
    std::int32_t* out = s.in + std::size_t{row} * s.in_stride + std::size_t{head} * m.width;
    group.each(static_cast<std::int32_t>(m.width), [&](std::int32_t i) {
      std::int32_t sum = 0;
      for (std::uint32_t split = 0; split < kValueSplits; ++split) {
        sum += partials[split * m.width + static_cast<std::uint32_t>(i)];
      }
      out[i] = exact::weighted_mean(sum, total);
    });
  }
};

}  // namespace orrery::gpu::bodies
