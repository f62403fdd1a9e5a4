// VRF proofs under arbitrary keys: nothing crashes, and for a key and input there is one output.
#include "protocol/crypto/vrf.h"
#include "tests/fuzz/fuzz.h"

namespace orrery {
namespace {

constexpr std::size_t kHead = chain::VrfProof::kSize + chain::PublicKey::kSize;

const chain::KeyPair& known_key() {
  static const chain::KeyPair key = chain::KeyPair::from_seed({7});
  return key;
}

}  // namespace

// 80 bytes of proof, 32 of key, the rest is the input.
std::vector<Bytes> fuzz::seeds() {
  std::vector<Bytes> out;
  for (const std::string_view alpha : {"", "a", "another input"}) {
    const auto proof = chain::vrf_prove(known_key(), as_bytes(alpha));
    Bytes input(proof.bytes.begin(), proof.bytes.end());
    const auto& key = known_key().public_key().bytes;
    input.insert(input.end(), key.begin(), key.end());
    input.insert(input.end(), alpha.begin(), alpha.end());
    out.push_back(std::move(input));
  }
  return out;
}

}  // namespace orrery

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace orrery;
  if (size < kHead) return 0;
  chain::VrfProof proof;
  chain::PublicKey key;
  std::copy_n(data, proof.bytes.size(), proof.bytes.begin());
  std::copy_n(data + proof.bytes.size(), key.bytes.size(), key.bytes.begin());
  const ByteView alpha(data + kHead, size - kHead);
  const auto beta = chain::vrf_verify(key, alpha, proof);
  const auto hash = chain::vrf_proof_to_hash(proof);
  if (!beta) return 0;
  fuzz::accepted();
  FUZZ_CHECK(hash == beta);
  FUZZ_CHECK(key != known_key().public_key() || beta == chain::vrf_evaluate(known_key(), alpha));
  return 0;
}
