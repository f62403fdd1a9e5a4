// Counter-based randomness: value = f(seed, node, boot, stream, counter). A stream is named at its
// point of use, so a new consumer, a removed node or a removed fault shifts nobody else's draws.
// The generator is Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3",
// SC'11), checked against its published vectors.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "engine/base/integer.h"

namespace orrery {

std::array<std::uint32_t, 4> philox4x32(std::array<std::uint32_t, 4> counter,
                                        std::array<std::uint32_t, 2> key);

// 64-bit FNV-1a of a stream's name; collisions within a program are checked where names are listed.
constexpr std::uint64_t stream_id(std::string_view name) {
  std::uint64_t h = 0xcbf29ce484222325u;
  for (char c : name) h = (h ^ static_cast<std::uint8_t>(c)) * 0x100000001b3u;
  return h;
}

// Mixes values into a 64-bit key (SplitMix64 finaliser over a running sum).
constexpr std::uint64_t mix64(std::uint64_t a, std::uint64_t b) {
  std::uint64_t z = a + 0x9e3779b97f4a7c15u * (b + 1);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

// One named stream: plain data (key and counter), so it can be copied, hashed and forked.
class RandomStream {
 public:
  RandomStream() = default;
  RandomStream(std::uint64_t seed, std::uint64_t owner, std::uint64_t stream);

  std::uint64_t next();
  // Uniform in [0, bound), bound > 0; multiply-shift with rejection, so exactly uniform.
  std::uint64_t below(std::uint64_t bound);
  // True with probability parts/2^32.
  bool chance(std::uint64_t parts_per_2_32) { return (next() >> 32) < parts_per_2_32; }
  std::uint64_t counter() const { return counter_; }

 private:
  std::uint64_t key_ = 0;
  std::uint64_t domain_ = 0;
  std::uint64_t counter_ = 0;
};

}  // namespace orrery
