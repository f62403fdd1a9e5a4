// A burst of transactions, far more at once than a node asks one peer for: none is forgotten.
#include "tests/property/harness/small_world.h"

namespace orrery::run {
namespace {

TEST(Burst, EveryTransactionOfABurstIsIncluded) {
  SmallWorld small;
  small.until = "3m";
  small.chain = "  mempool: {max_per_sender: 8000}\n  consensus: {max_block_transactions: 4000}";
  small.load =
      "{name: burst, kind: transfer, users: users-0, rate: 600000/m, start: t+20s, stop: "
      "t+20500ms, "
      "amount: 0.001 AIGEN}";
  std::string text = text_of(small);
  // Slow links: several batches of announcements arrive before the first answer does.
  const std::string quick = "uniform(10ms, 60ms)";
  text.replace(text.find(quick), quick.size(), "700ms");
  const auto world = make(load(text));
  ASSERT_TRUE(world->run_until(world->scenario().until));
  world->finish();
  EXPECT_EQ(objections(*world), "");
  const chain::ChainNode* user = world->node(8);
  EXPECT_EQ(user->mempool().size(), 0u);
  std::size_t transfers = 0;
  for (const SeenBlock* block : world->recorder().canonical()) {
    transfers += block->block->block.transactions.size();
  }
  // About 4,000 are made; 1,024 is what a node asks one peer for at a time.
  EXPECT_GT(transfers, 3u * chain::Gossip::kMaxRequested);
}

}  // namespace
}  // namespace orrery::run
