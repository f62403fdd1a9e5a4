// Random signs for projections of gradients, as code that devices run too: bit `column % 128` of
// Philox4x32-10 (engine/base/random.h; Salmon et al., SC'11) of (parameter, column / 128). Drawn
// where they are used and never stored; sums of signed integers do not depend on their order.
#pragma once

#include <cstdint>

#include "gpu/api/exact/fixed.h"

namespace orrery::gpu::exact {

inline constexpr std::uint32_t kSignsADraw = 128;

struct SignWords {
  std::uint32_t w[4];
};

// Philox4x32-10 of the counter {parameter, draw, "trak", 0}; draw = column / kSignsADraw.
ORRERY_HOST_DEVICE constexpr SignWords draw_signs(std::uint64_t seed, std::uint32_t parameter,
                                                  std::uint32_t draw) {
  std::uint32_t c[4] = {parameter, draw, 0x7472616bu, 0};
  std::uint32_t key[2] = {static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)};
  ORRERY_UNROLL
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t even = std::uint64_t{0xD2511F53u} * c[0];
    const std::uint64_t odd = std::uint64_t{0xCD9E8D57u} * c[2];
    const std::uint32_t first = static_cast<std::uint32_t>(odd >> 32) ^ c[1] ^ key[0];
    const std::uint32_t third = static_cast<std::uint32_t>(even >> 32) ^ c[3] ^ key[1];
    c[0] = first;
    c[1] = static_cast<std::uint32_t>(odd);
    c[2] = third;
    c[3] = static_cast<std::uint32_t>(even);
    key[0] += 0x9E3779B9u;
    key[1] += 0xBB67AE85u;
  }
  return {{c[0], c[1], c[2], c[3]}};
}

// +v for a set bit, else -v.
ORRERY_HOST_DEVICE constexpr std::int32_t signed_by(std::uint32_t bits, std::uint32_t bit,
                                                    std::int32_t v) {
  return (bits >> bit & 1u) != 0 ? v : -v;
}

}  // namespace orrery::gpu::exact
