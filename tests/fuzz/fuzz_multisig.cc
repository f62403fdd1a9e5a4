// Policies and signatures of k-of-n accounts, and Merkle paths: decoded values encode to the same
// bytes, and checking them never fails otherwise than by refusal.
#include "protocol/crypto/multisig.h"
#include "protocol/types/merkle.h"
#include "tests/fuzz/fuzz.h"

namespace orrery {

std::vector<Bytes> fuzz::seeds() {
  std::vector<chain::KeyPair> pairs;
  for (std::uint8_t i = 0; i < 3; ++i) pairs.push_back(chain::KeyPair::from_seed({i}));
  std::ranges::sort(pairs, {}, [](const auto& p) { return p.public_key(); });
  chain::MultisigPolicy policy{.threshold = 2, .keys = {}};
  std::vector<chain::MultisigSignature> signatures;
  for (const auto& pair : pairs) policy.keys.push_back(pair.public_key());
  for (std::uint8_t i = 0; i < 2; ++i) signatures.push_back({i, sign(pairs[i], as_bytes("m"))});
  Writer out;
  encode(out, policy);
  encode(out, signatures);
  chain::encode_merkle_path(out, std::vector<Hash256>(3));
  return {out.take()};
}

}  // namespace orrery

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace orrery;
  const ByteView input(data, size);
  Reader in(input);
  const auto policy = chain::decode_multisig_policy(in);
  const auto signatures = chain::decode_multisig_signatures(in);
  const auto path = chain::decode_merkle_path(in);
  if (!in.finish()) return 0;
  fuzz::accepted();
  Writer out;
  encode(out, policy);
  encode(out, signatures);
  chain::encode_merkle_path(out, path);
  FUZZ_CHECK(std::ranges::equal(out.view(), input));
  FUZZ_CHECK(policy.check().has_value());
  if (chain::multisig_verify(policy, as_bytes("m"), signatures)) {
    FUZZ_CHECK(signatures.size() == policy.threshold);
  }
  FUZZ_CHECK(!chain::merkle_verify({Hash256{}, UINT64_MAX, 5}, Hash256{}, path));
  return 0;
}
