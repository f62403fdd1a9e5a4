// The tree of executed blocks above the last finalised one, and fork choice (P-4): the heaviest
// verified work among the descendants of the highest justified checkpoint's block.
#pragma once

#include <map>
#include <memory>
#include <vector>

#include "protocol/ledger/execute.h"

namespace orrery::chain {

// shared_ptr: results come from the memo and are held by many nodes' trees.
using ResultPtr = std::shared_ptr<const BlockResult>;

struct BlockNode {
  BlockPtr block;
  ResultPtr result;
  const BlockNode* parent = nullptr;  // null at the finalised root
  u128 score = 0;                     // sum of header.work from genesis
  std::uint64_t arrival = 0;          // order in which this node saw it

  const Header& header() const { return block->block.header; }
  const Hash256& hash() const { return block->hash; }
  std::uint64_t height() const { return header().height; }
  const StateTree& state() const { return result->state; }
};

class BlockTree {
 public:
  BlockTree(TieRule tie_rule, BlockPtr root, ResultPtr result);

  // Null if unknown or pruned.
  const BlockNode* find(const Hash256& hash) const;
  // Parent must be in the tree. Returns the node (the existing one if known).
  const BlockNode& add(BlockPtr block, ResultPtr result);
  const BlockNode& head() const { return *head_; }
  const BlockNode& root() const { return *root_; }  // last finalised

  // Fork choice starts from here: the highest justified checkpoint's block (must be in the tree).
  void set_justified(const Hash256& hash);
  // Makes `hash` the root and forgets what does not descend from it. Returns the blocks that became
  // final, oldest first, ending with `hash`.
  std::vector<BlockPtr> finalize(const Hash256& hash);

  // Last block of node's branch with slot <= `slot`; the root if the branch starts later.
  static const BlockNode& at_slot(const BlockNode& node, std::uint64_t slot);
  static bool descends(const BlockNode& node, const BlockNode& ancestor);
  std::size_t size() const { return nodes_.size(); }
#ifdef ORRERY_SEEDED_BUGS
  void replace_head_for_test(ResultPtr result) {
    nodes_.at(head_->hash())->result = std::move(result);
  }
#endif

 private:
  bool better(const BlockNode& a, const BlockNode& b) const;
  void choose_head();

  TieRule tie_rule_;
  std::map<Hash256, std::unique_ptr<BlockNode>> nodes_;
  const BlockNode* root_ = nullptr;
  const BlockNode* justified_ = nullptr;
  const BlockNode* head_ = nullptr;
  std::uint64_t arrivals_ = 0;
};

}  // namespace orrery::chain
