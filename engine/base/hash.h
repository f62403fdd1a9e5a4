// SHA-256, the hash of blocks, transactions and state (FIPS 180-4; OpenSSL's, which uses the SHA
// instructions of the processor where it has them).
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <string>

#include "engine/base/bytes.h"

namespace orrery {

struct Hash256 {
  std::array<std::uint8_t, 32> bytes{};

  auto operator<=>(const Hash256&) const = default;
  ByteView view() const { return bytes; }
  bool is_zero() const { return *this == Hash256{}; }
  // The first eight bytes, little endian: for lookup tables and integer draws.
  std::uint64_t prefix() const;
};

std::string to_hex(const Hash256& hash);

Hash256 sha256(ByteView bytes);

// Incremental SHA-256. One use: update any number of times, then finish once.
class Sha256 {
 public:
  Sha256();
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;
  Sha256& update(ByteView bytes);
  Hash256 finish();

 private:
  // OpenSSL's SHA256_CTX is 112 bytes of 32-bit words; kept here by value so that hashing small
  // nodes of the state tree allocates nothing. The .cc asserts size and alignment.
  alignas(8) std::array<std::uint8_t, 112> context_;
};

}  // namespace orrery
