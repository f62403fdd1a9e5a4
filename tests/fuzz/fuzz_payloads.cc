// All payloads of transactions. The first byte picks the decoder, the rest is its input: what
// decodes encodes to the same bytes.
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/samples.h"

namespace orrery {
namespace {

template <auto Decode>
bool canonical(ByteView input) {
  const auto payload = Decode(input);
  if (!payload) return false;
  FUZZ_CHECK(std::ranges::equal(encode(*payload), input));
  return true;
}

constexpr bool (*kDecoders[])(ByteView) = {
    canonical<chain::decode_transfer>, canonical<chain::decode_stake>,
    canonical<chain::decode_unstake>,  canonical<chain::decode_request>,
    canonical<chain::decode_commit>,   canonical<chain::decode_reveal>,
    canonical<chain::decode_claim>};

}  // namespace

std::vector<Bytes> fuzz::seeds() {
  gpu::InferenceResult result;
  result.output = {'o', 'k'};
  const Hash256 id = sha256(as_bytes("id"));
  std::vector<Bytes> out{encode(chain::TransferPayload{{}, 5}),
                         encode(chain::StakePayload{5, true, false}),
                         encode(chain::UnstakePayload{5}),
                         encode(sample_request()),
                         encode(chain::CommitPayload{id, 6, id}),
                         encode(chain::RevealPayload{id, {}, result.encode()}),
                         encode(chain::ResultClaim{id, 6, id})};
  for (std::size_t i = 0; i < out.size(); ++i) {
    out[i].insert(out[i].begin(), static_cast<std::uint8_t>(i));
  }
  return out;
}

}  // namespace orrery

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace orrery;
  if (size == 0) return 0;
  if (kDecoders[data[0] % std::size(kDecoders)](ByteView(data + 1, size - 1))) fuzz::accepted();
  return 0;
}
