#include "harness/testnet/rpc/follower.h"

#include <gtest/gtest.h>

#include <set>

#include "tests/unit/harness/testnet/rpc/sim_view.h"

namespace orrery::testnet {
namespace {

TEST(ChainFollower, ForgetsWhatStoodOnAnAbandonedBranchAtOnce) {
  const auto world = rpc_world(R"yaml(timeline:
  - name: split
    at: t+1m
    do: partition
    for: 2m
    sides:
      - users-0 | workers-0
      - boot-0 | group(validators) | group(workers)[1..2] | users-1
)yaml");
  SimView view(*world);
  ChainFollower follower;
  std::size_t lost = 0;
  for (int second = 1; second <= 300; ++second) {
    ASSERT_TRUE(world->run_until(Time{} + Duration::seconds(second)).has_value());
    const auto update = follower.update(view);
    std::set<Hash256> stands;
    std::set<Hash256> revealed;
    for (const FollowedBlock& block : follower.blocks()) {
      for (const auto& tx : block.transactions) stands.insert(tx.id);
      revealed.insert(block.revealed.begin(), block.revealed.end());
    }
    for (const FollowedBlock& block : update.abandoned) {
      for (const auto& tx : block.transactions) {
        EXPECT_EQ(follower.find_transaction(tx.id).has_value(), stands.count(tx.id) != 0);
        lost += stands.count(tx.id) == 0 ? 1 : 0;
      }
      for (const Hash256& task : block.revealed) {
        EXPECT_EQ(follower.reveals(task).empty(), revealed.count(task) == 0);
      }
    }
    EXPECT_EQ(follower.head().hash, view.node().chain().head().hash());
  }
  EXPECT_GT(lost, 0u);
}

TEST(ChainFollower, HoldsTheSameBlocksWhetherItFollowedOrCameLate) {
  const auto world = rpc_world();
  SimView view(*world);
  ChainFollower early;
  for (int second = 1; second <= 240; ++second) {
    ASSERT_TRUE(world->run_until(Time{} + Duration::seconds(second)).has_value());
    early.update(view);
  }
  ChainFollower late;
  late.update(view);
  ASSERT_EQ(early.blocks().size(), late.blocks().size());
  for (std::size_t i = 0; i < late.blocks().size(); ++i) {
    EXPECT_EQ(early.blocks()[i].hash, late.blocks()[i].hash);
    EXPECT_EQ(early.blocks()[i].revealed, late.blocks()[i].revealed);
    for (const auto& tx : late.blocks()[i].transactions) {
      EXPECT_EQ(early.find_transaction(tx.id)->index, late.find_transaction(tx.id)->index);
    }
  }
}

}  // namespace
}  // namespace orrery::testnet
