// Transactions: what decodes encodes to the same bytes, and only the holder of the key makes one
// that is authorized.
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/samples.h"

namespace orrery {

std::vector<Bytes> fuzz::seeds() {
  chain::Transaction shared = sample_transaction();
  std::vector<chain::KeyPair> keys{sample_key(), chain::KeyPair::from_seed({2})};
  std::ranges::sort(keys, {}, [](const auto& k) { return k.public_key(); });
  shared.authorization.policy = {2, {keys[0].public_key(), keys[1].public_key()}};
  shared.sender = multisig_address(shared.authorization.policy);
  shared.authorization.signatures = {{0, sign(keys[0], signing_bytes(shared))},
                                     {1, sign(keys[1], signing_bytes(shared))}};
  return {encode(sample_transaction()), encode(shared)};
}

}  // namespace orrery

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace orrery;
  const ByteView input(data, size);
  const auto tx = chain::decode_transaction(input);
  if (!tx) return 0;
  fuzz::accepted();
  FUZZ_CHECK(std::ranges::equal(encode(*tx), input));
  FUZZ_CHECK(size <= chain::kMaxTransactionBytes);
  const auto shared = chain::share_transaction(input);
  FUZZ_CHECK(shared.has_value() && (*shared)->id == transaction_id(*tx));
  if ((*shared)->authorized) {
    FUZZ_CHECK(tx->authorization.signatures.size() == tx->authorization.policy.threshold);
    static const std::vector<Bytes> known = fuzz::seeds();
    FUZZ_CHECK(
        std::ranges::any_of(known, [&](const Bytes& b) { return std::ranges::equal(b, input); }));
  }
  return 0;
}
