// Key derivation for Ed25519 by SLIP-0010: a tree of keys from one seed, hardened steps only (the
// curve has no others). One seed in a scenario or wallet gives every key of a node or user.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "engine/base/result.h"
#include "protocol/crypto/keys.h"

namespace orrery::chain {

// One key of the tree: its secret and the chain code from which children derive.
class Slip10Key {
 public:
  // Seeds of 16 to 64 bytes, as the standard asks; else kInvalidArgument.
  static Result<Slip10Key> master(ByteView seed);
  // The hardened child index', 0 <= index < 2^31 (ENSUREd).
  Slip10Key child(std::uint32_t index) const;

  KeyPair key_pair() const { return KeyPair::from_seed(secret_.seed()); }
  const SecretKey& secret() const { return secret_; }
  const std::array<std::uint8_t, 32>& chain_code() const { return chain_code_; }

 private:
  Slip10Key(const SecretKey& secret, const std::array<std::uint8_t, 32>& chain_code)
      : secret_(secret), chain_code_(chain_code) {}
  static Slip10Key split(std::array<std::uint8_t, 64> hmac);

  SecretKey secret_;
  std::array<std::uint8_t, 32> chain_code_;
};

// The key at a path such as "m/44'/0'/7'". kInvalidArgument for anything else, in particular a step
// without the apostrophe, which hardening silently would turn into a key that no other wallet
// finds.
Result<Slip10Key> slip10_derive(ByteView seed, std::string_view path);

}  // namespace orrery::chain
