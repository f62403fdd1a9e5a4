// Keys, signatures and addresses of the chain: Ed25519 (RFC 8032) and 20-byte addresses derived
// from public keys. Values are plain bytes; whoever holds a KeyPair owns the secret, which is wiped
// when it goes away and has no way to be printed or compared.
#pragma once

#include <algorithm>
#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "engine/base/bytes.h"
#include "engine/base/hash.h"

namespace orrery::chain {

// N bytes with a meaning (the tag), ordered as byte strings; coded with Writer/Reader::array of
// `bytes`.
template <class Tag, std::size_t N>
struct FixedBytes {
  static constexpr std::size_t kSize = N;
  std::array<std::uint8_t, N> bytes{};

  auto operator<=>(const FixedBytes&) const = default;
  ByteView view() const { return bytes; }
  bool is_zero() const { return *this == FixedBytes{}; }
  std::string hex() const { return to_hex(view()); }
  // Nothing unless `text` is exactly 2N lower-case hexadecimal digits.
  static std::optional<FixedBytes> from_hex(std::string_view text) {
    const auto decoded = orrery::from_hex(text);
    if (!decoded || decoded->size() != N) return std::nullopt;
    FixedBytes out;
    std::copy(decoded->begin(), decoded->end(), out.bytes.begin());
    return out;
  }
};

using PublicKey = FixedBytes<struct PublicKeyTag, 32>;
using Signature = FixedBytes<struct SignatureTag, 64>;
using Address = FixedBytes<struct AddressTag, 20>;

// The 32-byte seed of RFC 8032 from which everything secret is derived.
class SecretKey {
 public:
  explicit SecretKey(const std::array<std::uint8_t, 32>& seed) : seed_(seed) {}
  SecretKey(const SecretKey&) = default;
  SecretKey& operator=(const SecretKey&) = default;
  ~SecretKey();
  const std::array<std::uint8_t, 32>& seed() const { return seed_; }

 private:
  std::array<std::uint8_t, 32> seed_;
};

class KeyPair {
 public:
  static KeyPair from_seed(const std::array<std::uint8_t, 32>& seed);
  const PublicKey& public_key() const { return public_; }
  const SecretKey& secret_key() const { return secret_; }

 private:
  KeyPair(const SecretKey& secret, const PublicKey& key) : secret_(secret), public_(key) {}
  SecretKey secret_;
  PublicKey public_;
};

// Deterministic: the same key and message give the same signature. `message` is a signing_message.
Signature sign(const KeyPair& key, ByteView message);

// The equation of RFC 8032 without cofactor; also refuses an s of at least the group order, keys
// and R of small order, and encodings of keys that are not canonical, so that all nodes agree on
// edge cases.
[[nodiscard]] bool verify(const PublicKey& key, ByteView message, const Signature& signature);

// First 20 bytes of SHA-256("orrery/address/1" | key). Addresses are the same on every chain; what
// is bound to a chain is the message that a key signs.
Address address_of(const PublicKey& key);

// What a signed or hashed message is for, and on which chain: without it a signature could be
// replayed as another kind of message or on another network.
struct Domain {
  std::string_view tag;       // e.g. "orrery/transaction/1"
  std::string_view chain_id;  // ChainParams::id
};

// u32 length | tag | u32 length | chain id | payload: unambiguous, since only the payload is open.
Bytes signing_message(const Domain& domain, ByteView payload);

// SHA-256 of signing_message(domain, payload).
Hash256 domain_hash(const Domain& domain, ByteView payload);

}  // namespace orrery::chain
