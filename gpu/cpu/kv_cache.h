// Keys and values of one sequence, in blocks of positions that are allocated as the sequence grows.
// The block size is a matter of memory alone: no result depends on it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "gpu/api/aligned.h"
#include "gpu/api/model.h"

namespace orrery::gpu {

inline constexpr std::uint32_t kDefaultKvBlock = 32;

// Where one head's data lie within its segment of a block of `block` positions:
// scales  [position]                             of the keys
// keys    [position / 16][group of 4][position % 16][4]  bytes k + 128, zero values as padding
// values  [position / 2][value_width][2]         int16 Q10, zero padded to 16 wide
// The orders are those in which 16 keys, or two positions of 16 values, meet in one instruction.
struct KvLayout {
  static constexpr std::uint32_t kKeyPanel = 16;
  static constexpr std::uint32_t kGroup = 4;

  std::uint32_t block = 0;
  std::uint32_t groups = 0;       // of four key components
  std::uint32_t value_width = 0;  // head width rounded up to 16

  std::size_t keys_offset() const { return block * sizeof(exact::SoftScale); }
  std::size_t values_offset() const { return keys_offset() + std::size_t{block} * groups * kGroup; }
  std::size_t segment_bytes() const {
    return values_offset() + std::size_t{block} * value_width * sizeof(std::int16_t);
  }
  // Byte of component i of the key at `slot` of a block, from the start of the keys.
  std::size_t key_index(std::uint32_t slot, std::uint32_t i) const {
    return (std::size_t{slot / kKeyPanel} * groups + i / kGroup) * kKeyPanel * kGroup +
           slot % kKeyPanel * kGroup + i % kGroup;
  }
  std::size_t value_index(std::uint32_t slot, std::uint32_t i) const {
    return (std::size_t{slot / 2} * value_width + i) * 2 + slot % 2;
  }
};

// One key and value on their way into the cache.
struct KvEntry {
  const std::int8_t* key;  // head width
  exact::SoftScale scale;
  const std::int16_t* value;  // head width, Q10
};

// The blocks seen by one head: segment b begins at blocks[b] + offset.
struct KvHead {
  const std::uint8_t* const* blocks;
  std::size_t offset;
  KvLayout layout;

  const exact::SoftScale* scales(std::uint32_t b) const {
    return reinterpret_cast<const exact::SoftScale*>(blocks[b] + offset);
  }
  const std::uint8_t* keys(std::uint32_t b) const {
    return blocks[b] + offset + layout.keys_offset();
  }
  const std::int16_t* values(std::uint32_t b) const {
    return reinterpret_cast<const std::int16_t*>(blocks[b] + offset + layout.values_offset());
  }
};

// Owned by one sequence. Different heads may be written and read from different threads between
// two calls of reserve().
class KvCache {
 public:
  // block: a multiple of 16 positions. capacity <= config.context. ENSUREs both.
  KvCache(const ModelConfig& config, std::uint32_t capacity, std::uint32_t block = kDefaultKvBlock);

  std::uint32_t capacity() const { return capacity_; }
  // Allocates for positions below `length` <= capacity.
  void reserve(std::uint32_t length);
  // position < the reserved length.
  void store(std::uint32_t layer, std::uint32_t head, std::uint32_t position, const KvEntry& entry);
  KvHead head(std::uint32_t layer, std::uint32_t head) const {
    return {starts_.data(), offset(layer, head), layout_};
  }

 private:
  std::size_t offset(std::uint32_t layer, std::uint32_t head) const {
    return (std::size_t{layer} * heads_ + head) * layout_.segment_bytes();
  }

  std::uint32_t capacity_;
  std::uint32_t layers_;
  std::uint32_t heads_;
  std::uint32_t width_;
  KvLayout layout_;
  std::vector<AlignedVector<std::uint8_t>> blocks_;
  std::vector<std::uint8_t*> starts_;  // of the blocks
};

}  // namespace orrery::gpu
