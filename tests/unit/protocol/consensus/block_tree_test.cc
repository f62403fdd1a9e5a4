// Fork choice (P-4).
#include "protocol/consensus/block_tree.h"

#include "tests/unit/protocol/consensus/tree_support.h"

namespace orrery::chain {
namespace {

using test::Forest;

TEST(ForkChoice, FollowsTheHeaviestWorkNotTheLongestBranch) {
  Forest f;
  const BlockPtr a1 = f.add(f.root(), 1, 5);
  const BlockPtr b1 = f.add(f.root(), 1, 1, 1);
  const BlockPtr b2 = f.add(b1, 2, 1, 1);
  f.add(b2, 3, 1, 1);
  EXPECT_EQ(f.tree.head().hash(), a1->hash);
  const BlockPtr b4 = f.add(f.tree.find(b2->hash)->block, 4, 4, 2);
  EXPECT_EQ(f.tree.head().hash(), b4->hash);
  EXPECT_EQ(f.tree.head().score, static_cast<u128>(6));
}

TEST(ForkChoice, OfATieStaysWithTheFirstSeen) {
  Forest f(TieRule::kFirstSeen);
  const BlockPtr first = f.add(f.root(), 1, 1, 1);
  for (std::uint64_t salt = 2; salt < 10; ++salt) f.add(f.root(), 1, 1, salt);
  EXPECT_EQ(f.tree.head().hash(), first->hash);
}

TEST(ForkChoice, OfATieByTheUniformRuleIsTheSmallestHashInAnyOrderOfArrival) {
  for (const bool backwards : {false, true}) {
    Forest f(TieRule::kUniform);
    std::vector<BlockPtr> blocks;
    for (std::uint64_t salt = 1; salt < 10; ++salt) {
      blocks.push_back(f.make(f.root(), 1, 1, salt));
    }
    std::ranges::sort(blocks, {}, [](const BlockPtr& b) { return b->hash; });
    const Hash256 least = blocks[0]->hash;
    if (backwards) std::ranges::reverse(blocks);
    for (const BlockPtr& block : blocks) f.tree.add(block, f.result());
    EXPECT_EQ(f.tree.head().hash(), least);
  }
}

TEST(ForkChoice, StartsAtTheJustifiedBlockHoweverHeavyTheRest) {
  Forest f;
  const BlockPtr light = f.add(f.root(), 1, 1);
  const BlockPtr heavy = f.add(f.root(), 1, 100, 1);
  EXPECT_EQ(f.tree.head().hash(), heavy->hash);
  f.tree.set_justified(light->hash);
  EXPECT_EQ(f.tree.head().hash(), light->hash);
  f.add(heavy, 2, 100);
  EXPECT_EQ(f.tree.head().hash(), light->hash);
  const BlockPtr child = f.add(light, 2, 1);
  EXPECT_EQ(f.tree.head().hash(), child->hash);
}

TEST(BlockTree, AddingAKnownBlockChangesNothing) {
  Forest f;
  const BlockPtr a = f.add(f.root(), 1);
  const std::size_t size = f.tree.size();
  EXPECT_EQ(&f.tree.add(a, f.result()), f.tree.find(a->hash));
  EXPECT_EQ(f.tree.size(), size);
}

TEST(Finalize, ReturnsTheNewlyFinalOldestFirstAndForgetsTheOtherBranches) {
  Forest f;
  const BlockPtr a1 = f.add(f.root(), 1);
  const BlockPtr a2 = f.add(a1, 2);
  const BlockPtr a3 = f.add(a2, 3);
  const BlockPtr b1 = f.add(f.root(), 1, 9, 1);
  const BlockPtr b2 = f.add(b1, 2, 9, 1);
  const BlockPtr c3 = f.add(a2, 3, 1, 7);
  const auto final = f.tree.finalize(a2->hash);
  ASSERT_EQ(final.size(), 2u);
  EXPECT_EQ(final[0]->hash, a1->hash);
  EXPECT_EQ(final[1]->hash, a2->hash);
  EXPECT_EQ(f.tree.root().hash(), a2->hash);
  EXPECT_EQ(f.tree.root().parent, nullptr);
  EXPECT_EQ(f.tree.size(), 3u);
  for (const BlockPtr& gone : {f.root(), a1, b1, b2}) EXPECT_EQ(f.tree.find(gone->hash), nullptr);
  for (const BlockPtr& kept : {a2, a3, c3}) EXPECT_NE(f.tree.find(kept->hash), nullptr);
  EXPECT_EQ(f.tree.head().hash(), a3->hash);
  EXPECT_TRUE(f.tree.finalize(a2->hash).empty());
}

TEST(Checkpoints, AreTheLastBlockOfTheBranchAtOrBeforeASlot) {
  Forest f;
  const BlockPtr a1 = f.add(f.root(), 5);
  const BlockPtr a2 = f.add(a1, 10);
  const BlockPtr a3 = f.add(a2, 17);
  const BlockNode& head = *f.tree.find(a3->hash);
  EXPECT_EQ(BlockTree::at_slot(head, 9).hash(), a1->hash);
  EXPECT_EQ(BlockTree::at_slot(head, 10).hash(), a2->hash);
  EXPECT_EQ(BlockTree::at_slot(head, 16).hash(), a2->hash);
  EXPECT_EQ(BlockTree::at_slot(head, 99).hash(), a3->hash);
  EXPECT_EQ(BlockTree::at_slot(head, 0).hash(), f.root()->hash);
}

TEST(Descent, IsReflexiveAndKnowsSiblings) {
  Forest f;
  const BlockPtr a = f.add(f.root(), 1), b = f.add(f.root(), 1, 1, 1), c = f.add(a, 2);
  const auto node = [&](const BlockPtr& x) -> const BlockNode& { return *f.tree.find(x->hash); };
  EXPECT_TRUE(BlockTree::descends(node(c), node(a)));
  EXPECT_TRUE(BlockTree::descends(node(a), node(a)));
  EXPECT_FALSE(BlockTree::descends(node(c), node(b)));
  EXPECT_FALSE(BlockTree::descends(node(a), node(c)));
}

}  // namespace
}  // namespace orrery::chain
