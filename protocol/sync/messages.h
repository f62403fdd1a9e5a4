// What nodes say to each other (G-7): a closed variant, canonical and bounded. A message that does
// not decode costs its sender score.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "engine/env/events.h"
#include "engine/env/memo.h"
#include "protocol/types/block.h"
#include "protocol/types/vote.h"

namespace orrery::chain {

inline constexpr std::uint32_t kMaxInventory = 1024;       // ids in one announcement or wish
inline constexpr std::uint32_t kMaxPeersInMessage = 32;
inline constexpr std::uint32_t kMaxLocator = 64;
inline constexpr std::uint32_t kMaxBlocksInMessage = 32;
// A message carries at most this, or one item.
inline constexpr std::size_t kMaxBatchBytes = 1 << 20;
inline constexpr std::size_t kMaxBlockBytes = (2 << 20) - 1024;
inline constexpr std::size_t kMaxAddressText = 128;

struct NodeStatus {
  std::uint64_t height = 0;
  Hash256 head;
  Checkpoint justified;
  Checkpoint finalized;
};

struct Hello {
  std::string chain_id;
  Hash256 genesis;
  NodeStatus status;
};
struct StatusUpdate {  // heartbeat
  NodeStatus status;
};
struct GetPeers {};
struct Peers {
  std::vector<env::Address> addresses;
};
enum class InventoryKind : std::uint8_t { kTransaction = 0, kBlock = 1 };
struct Inventory {  // "I have"
  InventoryKind kind{};
  std::vector<Hash256> ids;
};
struct Want {  // "send me"
  InventoryKind kind{};
  std::vector<Hash256> ids;
};
struct Transactions {
  std::vector<TransactionPtr> transactions;
};
struct Blocks {  // ascending if a range was asked for
  std::vector<BlockPtr> blocks;
};
struct Votes {
  std::vector<Vote> votes;  // signatures not yet checked
};
struct GetBlocks {  // the blocks after the latest of `locator` that the remote has on its chain
  std::vector<Hash256> locator;  // newest first
};
struct GetVotes {  // votes behind justified checkpoints after this epoch
  std::uint64_t since = 0;
};

using Message = std::variant<Hello, StatusUpdate, GetPeers, Peers, Inventory, Want, Transactions,
                             Blocks, Votes, GetBlocks, GetVotes>;

Buffer encode_message(const Message& message);
// Whether an encoded message can only be a Want.
bool is_wish(ByteView bytes);
// `memo` shares decoded transactions and blocks between nodes of a process.
Result<Message> decode_message(ByteView bytes, std::string_view chain_id, env::Memo& memo);

// The memoised forms of share_transaction and decode_block.
Result<TransactionPtr> shared_transaction(ByteView encoded, env::Memo& memo);
Result<BlockPtr> shared_block(ByteView encoded, std::string_view chain_id, env::Memo& memo);
// check_signature, once a process.
bool shared_signature_check(const Vote& vote, std::string_view chain_id, env::Memo& memo);

}  // namespace orrery::chain
