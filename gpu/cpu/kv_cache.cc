#include "gpu/cpu/kv_cache.h"

#include "engine/base/ensure.h"
#include "gpu/cpu/gemm.h"

namespace orrery::gpu {
namespace {

constexpr std::uint32_t round_up(std::uint32_t n, std::uint32_t unit) {
  return (n + unit - 1) / unit * unit;
}

}  // namespace

KvCache::KvCache(const ModelConfig& config, std::uint32_t capacity, std::uint32_t block)
    : capacity_(capacity),
      layers_(config.layers),
      heads_(config.heads),
      width_(config.head_dim()),
      layout_{.block = block,
              .groups = round_up(width_, KvLayout::kGroup) / KvLayout::kGroup,
              .value_width = round_up(width_, 16)} {
  ENSURE(capacity >= 1 && capacity <= config.context, "the cache fits the model's context");
  ENSURE(block >= 16 && block % 16 == 0, "a block is whole panels of 16 positions");
}

void KvCache::reserve(std::uint32_t length) {
  ENSURE(length <= capacity_, "positions left in the cache");
  const std::size_t bytes = layout_.segment_bytes() * layers_ * heads_;
  while (blocks_.size() * layout_.block < length) {
    blocks_.emplace_back(bytes);
    starts_.push_back(blocks_.back().data());
  }
}

void KvCache::store(std::uint32_t layer, std::uint32_t head, std::uint32_t position,
                    const KvEntry& entry) {
  std::uint8_t* segment = starts_[position / layout_.block] + offset(layer, head);
  const std::uint32_t slot = position % layout_.block;
  reinterpret_cast<exact::SoftScale*>(segment)[slot] = entry.scale;
  std::uint8_t* keys = segment + layout_.keys_offset();
  auto* values = reinterpret_cast<std::int16_t*>(segment + layout_.values_offset());
  for (std::uint32_t i = 0; i < width_; ++i) {
    keys[layout_.key_index(slot, i)] = biased(entry.key[i]);
    values[layout_.value_index(slot, i)] = entry.value[i];
  }
}

}  // namespace orrery::gpu
