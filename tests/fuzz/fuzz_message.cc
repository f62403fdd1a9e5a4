// Messages between nodes: what decodes encodes to the same bytes.
#include "protocol/sync/messages.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/samples.h"

namespace orrery {

std::vector<Bytes> fuzz::seeds() {
  using namespace chain;
  const std::vector<Hash256> ids(3, sha256(as_bytes("id")));
  const std::vector<Message> messages{
      Hello{std::string(kChain), ids[0], {}},
      StatusUpdate{},
      GetPeers{},
      Peers{{{"sim/1"}, {"sim/2"}}},
      Inventory{InventoryKind::kBlock, ids},
      Want{InventoryKind::kTransaction, ids},
      Transactions{{*share_transaction(encode(sample_transaction()))}},
      Blocks{{sample_block()}},
      Votes{{sample_vote(), sample_vote(3)}},
      GetBlocks{ids},
      GetVotes{4}};
  std::vector<Bytes> out;
  for (const Message& message : messages) {
    const Buffer encoded = encode_message(message);
    out.emplace_back(encoded.view().begin(), encoded.view().end());
  }
  return out;
}

}  // namespace orrery

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace orrery;
  const ByteView input(data, size);
  env::Memo memo(false);
  const auto message = chain::decode_message(input, fuzz::kChain, memo);
  if (!message) return 0;
  fuzz::accepted();
  FUZZ_CHECK(message->index() == data[0]);
  FUZZ_CHECK(std::ranges::equal(chain::encode_message(*message).view(), input));
  return 0;
}
