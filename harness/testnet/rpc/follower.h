// Follows the canonical chain of the node and remembers a window of it: which block is at a height,
// where a transaction stands, where a task was revealed and settled. What the node itself does not
// index, because consensus does not need it. Owned by RpcService; used on the node's loop.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <vector>

#include "harness/testnet/rpc/node_view.h"

namespace orrery::testnet {

struct FollowedTransaction {
  Hash256 id;
  std::optional<bool> ok;  // nothing: the block came from disk, its events are gone
};
struct FollowedBlock {
  std::uint64_t height = 0;
  Hash256 hash;
  std::int64_t timestamp_ns = 0;
  std::vector<FollowedTransaction> transactions;
  std::vector<Hash256> revealed;   // tasks, in order of the transactions that reveal them
  chain::ChainEvents task_events;  // kTaskRequested .. kTaskSlashed
};
struct TransactionPlace {
  std::uint64_t height = 0;
  std::size_t index = 0;
  std::optional<bool> ok;
};

class ChainFollower {
 public:
  // Older blocks are asked of the node's store; their transactions are not found by id any more.
  static constexpr std::size_t kMaxBlocks = 4096;
  static constexpr std::size_t kMaxTransactions = 100'000;  // some 20 MB
  static constexpr std::size_t kStartBlocks = 512;          // read back from disk at the start

  struct Adopted {
    chain::BlockPtr block;
    chain::ResultPtr result;  // null if the tree has forgotten it
  };
  struct Update {
    std::vector<FollowedBlock> abandoned;  // newest first
    std::vector<Adopted> adopted;          // oldest first
    // The block above which `adopted` begins is not the one that was last, nor an ancestor of it.
    bool gap = false;
  };
  // Catches up with the node's head.
  Update update(NodeView& view);

  bool empty() const { return blocks_.empty(); }
  const FollowedBlock& head() const { return blocks_.back(); }
  const std::deque<FollowedBlock>& blocks() const { return blocks_; }
  const FollowedBlock* at(std::uint64_t height) const;
  std::optional<TransactionPlace> find_transaction(const Hash256& id) const;
  // Places of the transactions that revealed results of the task, oldest first.
  std::vector<TransactionPlace> reveals(const Hash256& task) const;
  // The event with which the task ended, if it is in the window.
  const chain::ChainEvent* end_of_task(const Hash256& task) const;

 private:
  bool holds(const chain::BlockNode& node) const;
  void push(const Adopted& adopted);
  FollowedBlock pop_newest();
  void forget_oldest();
  void forget_places(const FollowedBlock& block);

  std::deque<FollowedBlock> blocks_;  // ascending heights without a gap
  std::map<Hash256, TransactionPlace> transactions_;
  std::map<Hash256, std::vector<TransactionPlace>> reveals_;  // by task
};

}  // namespace orrery::testnet
