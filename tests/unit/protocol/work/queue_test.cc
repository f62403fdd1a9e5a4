// Order of the queue: classes, age, ageing (T-2).
#include "protocol/work/task.h"
#include "tests/unit/protocol/test_chain.h"

namespace orrery::chain {
namespace {

using test::addr;
using test::key;
using test::TestChain;

class OneAtATime : public ::testing::Test {
 protected:
  // Order in which queued tasks of these priorities and ages come to be assigned.
  static std::vector<std::size_t> order(
      const std::vector<std::pair<Priority, std::uint64_t>>& asks) {
    ChainParams params = test::small_params();
    params.work.max_assignments_per_block = 1;
    params.work.queue_blocks = 1'000;
    TestChain chain(params);
    std::vector<Hash256> ids(asks.size());
    std::vector<std::size_t> result;
    for (int block = 0; block < 60 && result.size() < asks.size(); ++block) {
      std::vector<TransactionPtr> txs;
      for (std::size_t i = 0; i < asks.size(); ++i) {
        if (asks[i].second != chain.height()) continue;
        const Address user = addr(key(10));
        ids[i] = task_id(params.id, user,
                         number_at(chain.state, nonce_path(user)) + txs.size());
        RequestPayload p{.priority = asks[i].first, .model = test::digest("model"), .prompt = {}};
        p.params = gpu::SamplingParams{.max_tokens = 1}.encode();
        txs.push_back(chain.tx(key(10), kRequestTag, encode(p)));
      }
      chain.grow(txs);
      for (const ChainEvent& e : chain.events) {
        if (e.kind != ChainEventKind::kTaskAssigned) continue;
        const auto at = std::ranges::find(ids, e.subject);
        const auto index = static_cast<std::size_t>(at - ids.begin());
        if (std::ranges::find(result, index) == result.end()) result.push_back(index);
      }
    }
    return result;
  }
};

TEST_F(OneAtATime, HigherClassesComeFirst) {
  using enum Priority;
  EXPECT_EQ(order({{kBackground, 0}, {kLow, 0}, {kMedium, 0}, {kHigh, 0}}),
            (std::vector<std::size_t>{3, 2, 1, 0}));
}

TEST_F(OneAtATime, EqualClassesComeInOrderOfAge) {
  using enum Priority;
  EXPECT_EQ(order({{kHigh, 2}, {kHigh, 0}, {kHigh, 1}}), (std::vector<std::size_t>{1, 2, 0}));
}

TEST_F(OneAtATime, AgeingKeepsALowTaskFromStarving) {
  using enum Priority;
  // One low task, and one high task a block for ever after.
  std::vector<std::pair<Priority, std::uint64_t>> asks{{kLow, 0}};
  for (std::uint64_t block = 0; block < 30; ++block) asks.emplace_back(kHigh, block);
  const auto result = order(asks);
  const auto place = std::ranges::find(result, std::size_t{0}) - result.begin();
  EXPECT_GT(place, 5);   // it waits for its two classes,
  EXPECT_LE(place, 14);  // and no longer than they take
}

}  // namespace
}  // namespace orrery::chain
