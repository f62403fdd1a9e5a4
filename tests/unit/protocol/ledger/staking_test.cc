// Bonds: stake, unstake, release, slash (M-6, A15, A16).
#include "protocol/ledger/staking.h"

#include "tests/unit/protocol/test_chain.h"

namespace orrery::chain {
namespace {

using test::addr;
using test::key;
using test::TestChain;

TransactionPtr unstake(TestChain& chain, const KeyPair& who, Amount amount) {
  return chain.tx(who, kUnstakeTag, encode(UnstakePayload{amount}));
}
TransactionPtr stake(TestChain& chain, const KeyPair& who, Amount amount) {
  return chain.tx(who, kStakeTag, encode(StakePayload{amount, true, false}));
}

TestChain rich_user() {
  Genesis genesis = test::small_genesis();
  genesis.accounts[0].balance = 5'000 * kToken;
  return TestChain(test::small_params(), genesis);
}

// Runs `change` as if inside the next block.
template <class Change>
ChainEvents inside_block(TestChain& chain, Change&& change) {
  ChainEvents events;
  const Block block = chain.draft();
  ExecContext ctx{.params = chain.params,
                  .state = chain.state,
                  .events = events,
                  .header = block.header,
                  .proposer = addr(key(1))};
  change(ctx);
  return events;
}

TEST(Stake, MovesMoneyIntoTheBondAndRecordsTheRoles) {
  TestChain chain = rich_user();
  chain.grow({stake(chain, key(10), 1'000 * kToken)});
  EXPECT_EQ(chain.bond(key(10)), 1'000 * kToken);
  const auto record = stake_record(chain.state, addr(key(10)));
  ASSERT_TRUE(record.has_value());
  EXPECT_TRUE(record->validator);
  EXPECT_FALSE(record->worker);
  EXPECT_EQ(record->key, key(10).public_key());
}

TEST(Stake, BelowTheMinimumFailsOneUnitShort) {
  TestChain chain = rich_user();
  chain.grow({stake(chain, key(10), 1'000 * kToken - 1)});
  EXPECT_EQ(chain.bond(key(10)), 0u);
  EXPECT_EQ(chain.count(ChainEventKind::kTransactionFailed), 1u);
}

TEST(Stake, AnAmountThatOverflowsTheSumFails) {
  TestChain chain;
  chain.grow({stake(chain, key(1), kMaxU128), stake(chain, key(2), kMaxU128 - kToken)});
  EXPECT_EQ(chain.count(ChainEventKind::kTransactionFailed), 2u);
  EXPECT_EQ(chain.bond(key(1)), 2'000 * kToken);
}

TEST(Unstake, IsLiquidExactlyAtItsHeight) {
  TestChain chain;
  chain.grow({unstake(chain, key(2), 500 * kToken)});
  const std::uint64_t release = 1 + chain.params.stake.unbonding_blocks;
  EXPECT_EQ(chain.event(ChainEventKind::kUnbonding)->number, release);
  EXPECT_EQ(chain.bond(key(2)), 1'500 * kToken);
  const Amount before = chain.balance(key(2));
  chain.grow_to(release - 1);
  EXPECT_EQ(chain.balance(key(2)), before);
  chain.grow_to(release);
  EXPECT_EQ(chain.balance(key(2)), before + 500 * kToken);
  EXPECT_EQ(chain.event(ChainEventKind::kUnbonded)->amount, 500 * kToken);
}

TEST(Unstake, LeavesNothingOrTheMinimum) {
  TestChain chain;
  chain.grow({unstake(chain, key(1), 1'000 * kToken + 1), unstake(chain, key(2), 2'001 * kToken),
              unstake(chain, key(3), 0), unstake(chain, key(4), 2'000 * kToken)});
  EXPECT_EQ(chain.count(ChainEventKind::kTransactionFailed), 3u);
  EXPECT_EQ(chain.bond(key(4)), 0u);
}

TEST(Slash, SharesAreExactAndTheRestIsBurnt) {
  TestChain chain;
  const Amount winner = chain.balance(key(10));
  const ChainEvents events = inside_block(chain, [&](ExecContext& ctx) {
    EXPECT_EQ(slash(ctx, {.who = addr(key(2)),
                          .ppm = 100'000,
                          .cause = SlashCause::kWrongInference,
                          .subject = {},
                          .winner = addr(key(10))}),
              200 * kToken);
  });
  EXPECT_EQ(chain.bond(key(2)), 1'800 * kToken);
  EXPECT_EQ(chain.balance(key(10)), winner + 100 * kToken);
  EXPECT_EQ(chain.pool(kBurntPool), 100 * kToken);
  EXPECT_EQ(chain.total_money(), chain.params.token.supply);
  ASSERT_EQ(events.size(), 3u);
  EXPECT_EQ(events[0].kind, ChainEventKind::kSlashed);
}

TEST(Slash, OfAllLeavesNothingAndOfNobodyTakesNothing) {
  TestChain chain;
  inside_block(chain, [&](ExecContext& ctx) {
    EXPECT_EQ(slash(ctx, {.who = addr(key(2)), .ppm = 1'000'000, .subject = {}, .winner = {}}),
              2'000 * kToken);
    EXPECT_EQ(slash(ctx, {.who = addr(key(2)), .ppm = 1'000'000, .subject = {}, .winner = {}}), 0u);
    EXPECT_EQ(slash(ctx, {.who = addr(key(10)), .ppm = 1'000'000, .subject = {}, .winner = {}}),
              0u);
  });
  EXPECT_EQ(chain.bond(key(2)), 0u);
  EXPECT_EQ(chain.total_money(), chain.params.token.supply);
}

TEST(Slash, ReachesMoneyOnItsWayOut) {
  TestChain chain;
  chain.grow({unstake(chain, key(2), 500 * kToken)});
  chain.grow({unstake(chain, key(2), 1'500 * kToken)});
  EXPECT_EQ(chain.bond(key(2)), 0u);
  EXPECT_EQ(slashable(chain.state, chain.height(), addr(key(2))), 2'000 * kToken);
  inside_block(chain, [&](ExecContext& ctx) {
    EXPECT_EQ(slash(ctx, {.who = addr(key(2)), .ppm = 500'000, .subject = {}, .winner = {}}),
              1'000 * kToken);
  });
  EXPECT_EQ(slashable(chain.state, chain.height(), addr(key(2))), 1'000 * kToken);
  const Amount before = chain.balance(key(2));
  chain.grow_to(3 + chain.params.stake.unbonding_blocks);
  EXPECT_EQ(chain.balance(key(2)), before + 1'000 * kToken);  // what the slash left
}

TEST(ActiveStakes, AreThoseAtTheMinimumAscendingByAddress) {
  TestChain chain;
  const auto stakes = active_stakes(chain.state, chain.params);
  ASSERT_EQ(stakes.size(), 8u);
  EXPECT_TRUE(std::ranges::is_sorted(stakes, {}, &Stake::who));
  inside_block(chain, [&](ExecContext& ctx) {
    slash(ctx, {.who = addr(key(2)), .ppm = 500'001, .subject = {}, .winner = {}});
  });
  EXPECT_EQ(active_stakes(chain.state, chain.params).size(), 7u);
}

}  // namespace
}  // namespace orrery::chain
