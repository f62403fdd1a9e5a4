// How much of a world's disks may be damaged at a time.
#pragma once

#include <cstdint>

namespace orrery {

// A third of `nodes` disks, at least one, is spared: all copies of what is final are never lost at
// once, so that whoever asks can be answered.
constexpr std::uint32_t damageable_disks(std::uint32_t nodes) {
  const std::uint32_t spared = nodes / 3 > 0 ? nodes / 3 : 1;
  return nodes > spared ? nodes - spared : 0;
}

}  // namespace orrery
