// Blocks that are nothing but a place in a tree, all with one state.
#pragma once

#include "protocol/consensus/block_tree.h"
#include "protocol/consensus/finality.h"
#include "tests/unit/protocol/test_chain.h"

namespace orrery::chain::test {

class Forest {
 public:
  explicit Forest(TieRule rule = TieRule::kFirstSeen, const ChainParams& params = small_params(),
                  Genesis genesis = small_genesis())
      : chain(params, std::move(genesis)),
        result_(std::make_shared<BlockResult>(BlockResult{.state = chain.state})),
        tree(rule, chain.head, result_) {}

  // A block that is not in the tree yet. `salt` makes siblings differ.
  BlockPtr make(const BlockPtr& parent, std::uint64_t slot, std::uint64_t work = 1,
                std::uint64_t salt = 0) const {
    Block block;
    block.header.parent = parent->hash;
    block.header.height = parent->header().height + 1;
    block.header.slot = slot;
    block.header.work = work;
    block.header.nonce = salt;
    return share_block(std::move(block), chain.params.id);
  }
  BlockPtr add(const BlockPtr& parent, std::uint64_t slot, std::uint64_t work = 1,
               std::uint64_t salt = 0) {
    BlockPtr block = make(parent, slot, work, salt);
    tree.add(block, result_);
    return block;
  }
  BlockPtr root() const { return chain.head; }
  ResultPtr result() const { return result_; }

  TestChain chain;

 private:
  ResultPtr result_;

 public:
  BlockTree tree;
};

}  // namespace orrery::chain::test
