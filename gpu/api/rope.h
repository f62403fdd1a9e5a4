// Rotary position tables, from integers only.
#pragma once

#include <cstdint>
#include <vector>

namespace orrery::gpu {

// cosine[position * half + i] and sine[...] in Q30 of the angle position * 10000^(-i / half),
// i < half = head_dim / 2.
struct RopeTables {
  std::vector<std::int32_t> cosine;
  std::vector<std::int32_t> sine;
};

// 1 <= half <= 2^15, context <= 2^15. Each entry is within 1e-9 of the real value.
RopeTables make_rope_tables(std::uint32_t context, std::uint32_t half);

// cos and sin in Q30 of a full turn times turns / 2^64.
struct CosSin {
  std::int32_t cosine;
  std::int32_t sine;
};
CosSin cos_sin(std::uint64_t turns);

}  // namespace orrery::gpu
