// Accounts of n keys of which any k sign. The account's address commits to the policy; a
// transaction carries the policy and k signatures.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/base/codec.h"
#include "engine/base/result.h"
#include "protocol/crypto/keys.h"

namespace orrery::chain {

struct MultisigPolicy {
  static constexpr std::size_t kMaxKeys = 16;  // bounds the cost of one transaction's check

  std::uint8_t threshold = 1;  // k, 1 <= k <= keys.size()
  // Strictly ascending, so that a set of keys has one policy and one address.
  std::vector<PublicKey> keys;

  bool operator==(const MultisigPolicy&) const = default;
  // kInvalidArgument with what is wrong.
  Status check() const;
};

struct MultisigSignature {
  std::uint8_t key = 0;  // index into the policy's keys
  Signature signature;
  bool operator==(const MultisigSignature&) const = default;
};

// First 20 bytes of SHA-256("orrery/multisig/1" | encoded policy). ENSUREs a policy that checks.
Address multisig_address(const MultisigPolicy& policy);

// Exactly `threshold` valid signatures by ascending, different keys. More than needed are refused:
// they would let a relay change a transaction's bytes.
[[nodiscard]] bool multisig_verify(const MultisigPolicy& policy, ByteView message,
                                   std::span<const MultisigSignature> signatures);

void encode(Writer& out, const MultisigPolicy& policy);
void encode(Writer& out, std::span<const MultisigSignature> signatures);
// The policy's own check is part of decoding: an invalid one fails the reader.
MultisigPolicy decode_multisig_policy(Reader& in);
std::vector<MultisigSignature> decode_multisig_signatures(Reader& in);

}  // namespace orrery::chain
