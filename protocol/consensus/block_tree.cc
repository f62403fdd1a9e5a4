#include "protocol/consensus/block_tree.h"

#include <algorithm>

#include "engine/base/ensure.h"

namespace orrery::chain {

BlockTree::BlockTree(TieRule tie_rule, BlockPtr root, ResultPtr result) : tie_rule_(tie_rule) {
  auto node = std::make_unique<BlockNode>();
  node->block = std::move(root);
  node->result = std::move(result);
  root_ = justified_ = head_ = node.get();
  const Hash256 hash = node->hash();
  nodes_.emplace(hash, std::move(node));
}

const BlockNode* BlockTree::find(const Hash256& hash) const {
  const auto it = nodes_.find(hash);
  return it == nodes_.end() ? nullptr : it->second.get();
}

const BlockNode& BlockTree::add(BlockPtr block, ResultPtr result) {
  if (const BlockNode* known = find(block->hash)) return *known;
  const BlockNode* parent = find(block->header().parent);
  ENSURE(parent, "a block is added after its parent");
  auto node = std::make_unique<BlockNode>();
  node->parent = parent;
  node->score = parent->score + block->header().work;
  node->arrival = ++arrivals_;
  node->block = std::move(block);
  node->result = std::move(result);
  const BlockNode& added = *node;
  nodes_.emplace(added.hash(), std::move(node));
  if (better(added, *head_) && descends(added, *justified_)) head_ = &added;
  return added;
}

bool BlockTree::better(const BlockNode& a, const BlockNode& b) const {
  if (a.score != b.score) return a.score > b.score;
  return tie_rule_ == TieRule::kUniform ? a.hash() < b.hash() : a.arrival < b.arrival;
}

void BlockTree::choose_head() {
  head_ = justified_;
  for (const auto& [hash, node] : nodes_) {
    if (better(*node, *head_) && descends(*node, *justified_)) head_ = node.get();
  }
}

void BlockTree::set_justified(const Hash256& hash) {
  const BlockNode* node = find(hash);
  ENSURE(node, "a justified block is in the tree");
  justified_ = node;
  if (!descends(*head_, *justified_)) choose_head();
}

std::vector<BlockPtr> BlockTree::finalize(const Hash256& hash) {
  const BlockNode* node = find(hash);
  ENSURE(node, "a finalised block is in the tree");
  std::vector<BlockPtr> finalized;
  for (const BlockNode* n = node; n != root_; n = n->parent) {
    ENSURE(n != nullptr, "a finalised block descends from the root");
    finalized.push_back(n->block);
  }
  std::reverse(finalized.begin(), finalized.end());
  // Decide for all before any is removed: descends() walks parents.
  std::vector<Hash256> doomed;
  for (const auto& [other, candidate] : nodes_) {
    if (!descends(*candidate, *node)) doomed.push_back(other);
  }
  root_ = node;
  nodes_.at(hash)->parent = nullptr;
  const bool keep_justified = descends(*justified_, *root_);
  for (const Hash256& other : doomed) nodes_.erase(other);
  if (!keep_justified) justified_ = root_;
  choose_head();
  return finalized;
}

const BlockNode& BlockTree::at_slot(const BlockNode& node, std::uint64_t slot) {
  const BlockNode* n = &node;
  while (n->parent && n->header().slot > slot) n = n->parent;
  return *n;
}

bool BlockTree::descends(const BlockNode& node, const BlockNode& ancestor) {
  const BlockNode* n = &node;
  while (n && n->height() > ancestor.height()) n = n->parent;
  return n == &ancestor;
}

}  // namespace orrery::chain
