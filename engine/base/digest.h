// 128-bit digests of runs: fast, keyed chains, not for consensus (that is SHA-256, hash.h).
// The function is SipHash-2-4 with 128-bit output (libsodium's shorthash_siphashx24), keyed with
// the previous digest, so a chain commits to the order of what was folded.
#pragma once

#include <compare>
#include <cstdint>
#include <span>
#include <string>

namespace orrery {

struct Digest128 {
  std::uint64_t lo = 0;
  std::uint64_t hi = 0;
  auto operator<=>(const Digest128&) const = default;
};

// 32 lower-case hexadecimal digits, most significant first.
std::string to_hex(Digest128 digest);

// digest' = SipHash128(key = digest, bytes).
Digest128 extend(Digest128 digest, std::span<const std::uint8_t> bytes);

// Content hash of a byte string: extended from the zero digest.
Digest128 hash128(std::span<const std::uint8_t> bytes);

}  // namespace orrery
