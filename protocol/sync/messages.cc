#include "protocol/sync/messages.h"

#include "engine/base/codec.h"

namespace orrery::chain {
namespace {

void write_checkpoint(Writer& out, const Checkpoint& c) { out.u64(c.epoch).hash(c.block); }
Checkpoint read_checkpoint(Reader& in) {
  const std::uint64_t epoch = in.u64();
  return {epoch, in.hash()};
}

void write_status(Writer& out, const NodeStatus& s) {
  out.u64(s.height).hash(s.head);
  write_checkpoint(out, s.justified);
  write_checkpoint(out, s.finalized);
}
NodeStatus read_status(Reader& in) {
  NodeStatus s;
  s.height = in.u64();
  s.head = in.hash();
  s.justified = read_checkpoint(in);
  s.finalized = read_checkpoint(in);
  return s;
}

void write_ids(Writer& out, InventoryKind kind, const std::vector<Hash256>& ids) {
  out.u8(static_cast<std::uint8_t>(kind)).u32(static_cast<std::uint32_t>(ids.size()));
  for (const Hash256& id : ids) out.hash(id);
}
template <class T>
T read_ids(Reader& in) {
  T message;
  const std::uint8_t kind = in.u8();
  if (kind > 1) in.fail("unknown kind of inventory");
  message.kind = static_cast<InventoryKind>(kind);
  const std::uint32_t n = in.count(kMaxInventory, 32);
  for (std::uint32_t i = 0; i < n; ++i) message.ids.push_back(in.hash());
  return message;
}

Peers read_peers(Reader& in) {
  Peers peers;
  const std::uint32_t n = in.count(kMaxPeersInMessage, 4);
  for (std::uint32_t i = 0; i < n; ++i) peers.addresses.push_back({in.text(kMaxAddressText)});
  return peers;
}

Transactions read_transactions(Reader& in, env::Memo& memo) {
  Transactions message;
  const std::uint32_t n = in.count(kMaxInventory, 4);
  for (std::uint32_t i = 0; i < n && in.ok(); ++i) {
    const ByteView encoded = in.bytes(kMaxTransactionBytes);
    if (!in.ok()) break;
    auto tx = shared_transaction(encoded, memo);
    if (tx) {
      message.transactions.push_back(std::move(*tx));
    } else {
      in.fail(tx.error().message);
    }
  }
  return message;
}

Blocks read_blocks(Reader& in, std::string_view chain_id, env::Memo& memo) {
  Blocks message;
  const std::uint32_t n = in.count(kMaxBlocksInMessage, 4);
  for (std::uint32_t i = 0; i < n && in.ok(); ++i) {
    const ByteView encoded = in.bytes(kMaxBlockBytes);
    if (!in.ok()) break;
    auto block = shared_block(encoded, chain_id, memo);
    if (block) {
      message.blocks.push_back(std::move(*block));
    } else {
      in.fail(block.error().message);
    }
  }
  return message;
}

Votes read_votes(Reader& in) {
  Votes message;
  const std::uint32_t n = in.count(kMaxVotesPerMessage, kVoteBytes);
  for (std::uint32_t i = 0; i < n; ++i) message.votes.push_back(read_vote(in));
  return message;
}

GetBlocks read_get_blocks(Reader& in) {
  GetBlocks message;
  const std::uint32_t n = in.count(kMaxLocator, 32);
  for (std::uint32_t i = 0; i < n; ++i) message.locator.push_back(in.hash());
  return message;
}

void write(Writer& out, const Hello& m) {
  out.text(m.chain_id).hash(m.genesis);
  write_status(out, m.status);
}
void write(Writer& out, const StatusUpdate& m) { write_status(out, m.status); }
void write(Writer&, const GetPeers&) {}
void write(Writer& out, const Peers& m) {
  out.u32(static_cast<std::uint32_t>(m.addresses.size()));
  for (const env::Address& a : m.addresses) out.text(a.text);
}
void write(Writer& out, const Inventory& m) { write_ids(out, m.kind, m.ids); }
void write(Writer& out, const Want& m) { write_ids(out, m.kind, m.ids); }
void write(Writer& out, const Transactions& m) {
  out.u32(static_cast<std::uint32_t>(m.transactions.size()));
  for (const TransactionPtr& tx : m.transactions) out.bytes(tx->encoded.view());
}
void write(Writer& out, const Blocks& m) {
  out.u32(static_cast<std::uint32_t>(m.blocks.size()));
  for (const BlockPtr& block : m.blocks) out.bytes(block->encoded.view());
}
void write(Writer& out, const Votes& m) {
  out.u32(static_cast<std::uint32_t>(m.votes.size()));
  for (const Vote& vote : m.votes) encode(out, vote);
}
void write(Writer& out, const GetBlocks& m) {
  out.u32(static_cast<std::uint32_t>(m.locator.size()));
  for (const Hash256& hash : m.locator) out.hash(hash);
}
void write(Writer& out, const GetVotes& m) { out.u64(m.since); }

}  // namespace

Buffer encode_message(const Message& message) {
  Writer out;
  out.u8(static_cast<std::uint8_t>(message.index()));
  std::visit([&](const auto& m) { write(out, m); }, message);
  return Buffer(out.take());
}

bool is_wish(ByteView bytes) {
  constexpr std::uint8_t kWant = 5;
  static_assert(std::is_same_v<std::variant_alternative_t<kWant, Message>, Want>);
  return !bytes.empty() && bytes.front() == kWant;
}

Result<Message> decode_message(ByteView bytes, std::string_view chain_id, env::Memo& memo) {
  Reader in(bytes);
  Message message;
  switch (in.u8()) {
    case 0: {
      Hello m;
      m.chain_id = in.text(kMaxChainIdBytes);
      m.genesis = in.hash();
      m.status = read_status(in);
      message = std::move(m);
      break;
    }
    case 1: message = StatusUpdate{read_status(in)}; break;
    case 2: message = GetPeers{}; break;
    case 3: message = read_peers(in); break;
    case 4: message = read_ids<Inventory>(in); break;
    case 5: message = read_ids<Want>(in); break;
    case 6: message = read_transactions(in, memo); break;
    case 7: message = read_blocks(in, chain_id, memo); break;
    case 8: message = read_votes(in); break;
    case 9: message = read_get_blocks(in); break;
    case 10: message = GetVotes{in.u64()}; break;
    default: in.fail("unknown message");
  }
  TRY(in.finish());
  return message;
}

Result<TransactionPtr> shared_transaction(ByteView encoded, env::Memo& memo) {
  return *memo.get<Result<TransactionPtr>>(
      stream_id("transaction"), hash128(encoded), [&] { return share_transaction(encoded); },
      encoded.size());
}

Result<BlockPtr> shared_block(ByteView encoded, std::string_view chain_id, env::Memo& memo) {
  return *memo.get<Result<BlockPtr>>(
      stream_id("block"), hash128(encoded),
      [&] {
        return decode_block(encoded, chain_id,
                            [&](ByteView tx) { return shared_transaction(tx, memo); });
      },
      encoded.size());
}

bool shared_signature_check(const Vote& vote, std::string_view chain_id, env::Memo& memo) {
  Writer key;
  encode(key, vote);
  return *memo.get<bool>(stream_id("vote-signature"), hash128(key.view()),
                         [&] { return check_signature(chain_id, vote); });
}

}  // namespace orrery::chain
