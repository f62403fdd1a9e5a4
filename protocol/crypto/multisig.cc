#include "protocol/crypto/multisig.h"

#include "engine/base/ensure.h"

namespace orrery::chain {

Status MultisigPolicy::check() const {
  if (keys.empty() || keys.size() > kMaxKeys) {
    return fail(ErrorCode::kInvalidArgument, "a multi-signature account has 1 to 16 keys");
  }
  if (threshold == 0 || threshold > keys.size()) {
    return fail(ErrorCode::kInvalidArgument, "a threshold lies between 1 and the number of keys");
  }
  for (std::size_t i = 1; i < keys.size(); ++i) {
    if (keys[i - 1] >= keys[i]) {
      return fail(ErrorCode::kInvalidArgument, "a policy's keys are ascending and different");
    }
  }
  return {};
}

Address multisig_address(const MultisigPolicy& policy) {
  ENSURE(policy.check(), "the address of a valid policy");
  Writer out;
  out.raw(as_bytes("orrery/multisig/1"));
  encode(out, policy);
  const Hash256 hash = sha256(out.view());
  Address address;
  std::copy_n(hash.bytes.begin(), address.bytes.size(), address.bytes.begin());
  return address;
}

bool multisig_verify(const MultisigPolicy& policy, ByteView message,
                     std::span<const MultisigSignature> signatures) {
  if (!policy.check() || signatures.size() != policy.threshold) return false;
  for (std::size_t i = 0; i < signatures.size(); ++i) {
    const auto& [key, signature] = signatures[i];
    if (key >= policy.keys.size() || (i > 0 && signatures[i - 1].key >= key)) return false;
    if (!verify(policy.keys[key], message, signature)) return false;
  }
  return true;
}

void encode(Writer& out, const MultisigPolicy& policy) {
  out.u8(policy.threshold).u32(static_cast<std::uint32_t>(policy.keys.size()));
  for (const PublicKey& key : policy.keys) out.array(key.bytes);
}

void encode(Writer& out, std::span<const MultisigSignature> signatures) {
  out.u32(static_cast<std::uint32_t>(signatures.size()));
  for (const auto& [key, signature] : signatures) out.u8(key).array(signature.bytes);
}

MultisigPolicy decode_multisig_policy(Reader& in) {
  MultisigPolicy policy;
  policy.threshold = in.u8();
  policy.keys.resize(in.count(MultisigPolicy::kMaxKeys, PublicKey::kSize));
  for (PublicKey& key : policy.keys) key.bytes = in.array<32>();
  if (const Status status = policy.check(); !status) in.fail(status.error().message);
  return policy;
}

std::vector<MultisigSignature> decode_multisig_signatures(Reader& in) {
  std::vector<MultisigSignature> out(in.count(MultisigPolicy::kMaxKeys, 1 + Signature::kSize));
  for (auto& [key, signature] : out) {
    key = in.u8();
    signature.bytes = in.array<64>();
  }
  return out;
}

}  // namespace orrery::chain
