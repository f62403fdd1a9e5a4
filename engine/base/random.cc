#include "engine/base/random.h"

namespace orrery {

std::array<std::uint32_t, 4> philox4x32(std::array<std::uint32_t, 4> counter,
                                        std::array<std::uint32_t, 2> key) {
  constexpr std::uint64_t kM0 = 0xD2511F53, kM1 = 0xCD9E8D57;
  constexpr std::uint32_t kW0 = 0x9E3779B9, kW1 = 0xBB67AE85;
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t p0 = kM0 * counter[0];
    const std::uint64_t p1 = kM1 * counter[2];
    counter = {static_cast<std::uint32_t>(p1 >> 32) ^ counter[1] ^ key[0],
               static_cast<std::uint32_t>(p1),
               static_cast<std::uint32_t>(p0 >> 32) ^ counter[3] ^ key[1],
               static_cast<std::uint32_t>(p0)};
    key = {key[0] + kW0, key[1] + kW1};
  }
  return counter;
}

RandomStream::RandomStream(std::uint64_t seed, std::uint64_t owner, std::uint64_t stream)
    : key_(mix64(seed, owner)), domain_(mix64(stream, owner)) {}

std::uint64_t RandomStream::next() {
  const std::uint64_t c = counter_++;
  const auto out = philox4x32(
      {static_cast<std::uint32_t>(c), static_cast<std::uint32_t>(c >> 32),
       static_cast<std::uint32_t>(domain_), static_cast<std::uint32_t>(domain_ >> 32)},
      {static_cast<std::uint32_t>(key_), static_cast<std::uint32_t>(key_ >> 32)});
  return static_cast<std::uint64_t>(out[1]) << 32 | out[0];
}

std::uint64_t RandomStream::below(std::uint64_t bound) {
  ENSURE(bound > 0, "an empty range has no element");
  const std::uint64_t threshold = (0 - bound) % bound;
  for (;;) {
    const u128 product = static_cast<u128>(next()) * bound;
    if (static_cast<std::uint64_t>(product) >= threshold) {
      return static_cast<std::uint64_t>(product >> 64);
    }
  }
}

}  // namespace orrery
