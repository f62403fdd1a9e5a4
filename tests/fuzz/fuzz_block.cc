// Blocks: what decodes encodes to the same bytes, has the size that is computed without encoding,
// roots that match, and a signature only if nothing was changed.
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/samples.h"

namespace orrery {

std::vector<Bytes> fuzz::seeds() {
  chain::Block empty;
  empty.header.transactions_root = chain::transactions_root({});
  empty.header.inference_hash = chain::inference_hash({});
  empty.header.evidence_root = chain::evidence_root({});
  return {encode(empty), encode(sample_block()->block)};
}

}  // namespace orrery

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace orrery;
  const ByteView input(data, size);
  const auto block = chain::decode_block(input, fuzz::kChain, chain::share_transaction);
  if (!block) return 0;
  fuzz::accepted();
  FUZZ_CHECK(std::ranges::equal(encode((*block)->block), input));
  FUZZ_CHECK(encoded_size((*block)->block) == size);
  FUZZ_CHECK(check_roots((*block)->block).has_value());
  if (check_signature(fuzz::kChain, (*block)->header())) {
    static const chain::BlockPtr known = fuzz::sample_block();
    FUZZ_CHECK((*block)->hash == known->hash);
  }
  return 0;
}
