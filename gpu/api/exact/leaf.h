// The leaf hash of a transcript (gpu/api/transcript.h) as code that devices run too, so that
// residual rows need not leave a device. On the CPU transcript_leaf() hashes the same bytes with
// the processor's SHA instructions; tests hold the two to each other.
#pragma once

#include <cstdint>

#include "gpu/api/exact/fixed.h"

namespace orrery::gpu::exact {

// First in the preimage of a leaf, so that no inner node can pass for one. Not zero terminated.
struct LeafTag {
  static constexpr std::uint32_t kBytes = 25;
  char text[kBytes + 1];
};
inline constexpr LeafTag kLeafTag{"orrery.transcript.leaf.v1"};

// The preimage: tag, position, layer, token, then the row; little endian.
struct LeafInput {
  std::uint32_t position;
  std::uint32_t layer;
  std::uint32_t token;
  const std::int32_t* row;
  std::uint32_t dim;

  static constexpr std::uint32_t kHeaderBytes = LeafTag::kBytes + 3 * 4;

  ORRERY_HOST_DEVICE constexpr std::uint32_t bytes() const { return kHeaderBytes + 4 * dim; }
  ORRERY_HOST_DEVICE constexpr std::uint32_t byte(std::uint32_t i) const {
    constexpr LeafTag tag = kLeafTag;  // a copy: devices do not see variables of the host
    if (i < LeafTag::kBytes) return static_cast<std::uint8_t>(tag.text[i]);
    const std::uint32_t at = i - LeafTag::kBytes;
    const std::uint32_t word = at < 4    ? position
                               : at < 8  ? layer
                               : at < 12 ? token
                                         : static_cast<std::uint32_t>(row[at / 4 - 3]);
    return word >> at % 4 * 8 & 255;
  }
};

// One round of SHA-256's compression (FIPS 180-4, section 6.2.2) of the 16 big-endian words `w`,
// which it overwrites, into the state `h`.
ORRERY_HOST_DEVICE constexpr void sha256_compress(std::uint32_t (&h)[8], std::uint32_t (&w)[16]) {
  constexpr std::uint32_t k[64] = {
      0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4,
      0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe,
      0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f,
      0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7,
      0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc,
      0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
      0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116,
      0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
      0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7,
      0xc67178f2};
  const auto turn = [](std::uint32_t x, int n) { return x >> n | x << (32 - n); };
  std::uint32_t v[8] = {h[0], h[1], h[2], h[3], h[4], h[5], h[6], h[7]};
  ORRERY_UNROLL
  for (int t = 0; t < 64; ++t) {
    if (t >= 16) {
      const std::uint32_t a = w[(t + 1) % 16];
      const std::uint32_t b = w[(t + 14) % 16];
      w[t % 16] += w[(t + 9) % 16] + (turn(a, 7) ^ turn(a, 18) ^ a >> 3) +
                   (turn(b, 17) ^ turn(b, 19) ^ b >> 10);
    }
    const std::uint32_t one = v[7] + (turn(v[4], 6) ^ turn(v[4], 11) ^ turn(v[4], 25)) +
                              ((v[4] & v[5]) ^ (~v[4] & v[6])) + k[t] + w[t % 16];
    const std::uint32_t two = (turn(v[0], 2) ^ turn(v[0], 13) ^ turn(v[0], 22)) +
                              ((v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]));
    ORRERY_UNROLL
    for (int i = 7; i > 0; --i) v[i] = v[i - 1];
    v[4] += one;
    v[0] = one + two;
  }
  for (int i = 0; i < 8; ++i) h[i] += v[i];
}

// Writes the 32 bytes of the leaf's hash.
ORRERY_HOST_DEVICE constexpr void leaf_hash(const LeafInput& in, std::uint8_t* out) {
  std::uint32_t h[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                        0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  const std::uint32_t bytes = in.bytes();
  const std::uint32_t blocks = (bytes + 9 + 63) / 64;  // 0x80, zeros, the length in eight bytes
  for (std::uint32_t block = 0; block < blocks; ++block) {
    std::uint32_t w[16] = {};
    ORRERY_UNROLL
    for (std::uint32_t j = 0; j < 64; ++j) {
      const std::uint32_t i = block * 64 + j;
      const std::uint32_t byte = i < bytes ? in.byte(i) : i == bytes ? 0x80u : 0u;
      w[j / 4] |= byte << (24 - j % 4 * 8);
    }
    if (block + 1 == blocks) w[15] = bytes * 8;  // rows are far below 2^29 bytes
    sha256_compress(h, w);
  }
  ORRERY_UNROLL
  for (int i = 0; i < 32; ++i) out[i] = static_cast<std::uint8_t>(h[i / 4] >> (24 - i % 4 * 8));
}

}  // namespace orrery::gpu::exact
