// Money: pools at genesis, transfers, fees, emission, vesting (M-1, M-2, G-5).
#include "protocol/ledger/ledger.h"

#include <functional>

#include "engine/base/random.h"
#include "tests/unit/protocol/test_chain.h"

namespace orrery::chain {
namespace {

using test::addr;
using test::key;
using test::TestChain;

TEST(Genesis, PoolsAreTheirPercentagesAndTheSumIsTheSupplyToTheUnit) {
  const TestChain chain(test::small_params(), [] {
    Genesis genesis = test::small_genesis();
    genesis.accounts = {{.key = key(21).public_key(), .stake = 1'000 * kToken, .worker = true}};
    return genesis;
  }());
  const Amount supply = static_cast<Amount>(1'000'000'000) * kToken;
  EXPECT_EQ(to_decimal(supply), "1000000000000000000000000000");
  EXPECT_EQ(chain.pool(kRewardsPool), supply / 100 * 40);
  EXPECT_EQ(chain.pool(kTeamPool), supply / 100 * 20);
  EXPECT_EQ(chain.pool(kEcosystemPool), supply / 100 * 15);
  EXPECT_EQ(chain.pool(kReservePool), supply / 100 * 10);
  EXPECT_EQ(chain.pool(kSalePool), supply / 100 * 15 - 1'000 * kToken);
  EXPECT_EQ(chain.total_money(), supply);
}

TEST(Genesis, RoundingOfAnOddSupplyStaysInTheSalePool) {
  ChainParams params = test::small_params();
  params.token.supply += 7;
  const TestChain chain(params);
  EXPECT_EQ(chain.total_money(), params.token.supply);
}

TEST(Genesis, AllocationsBeyondTheSalePoolAndBondsBelowTheMinimumAreRefused) {
  Genesis rich = test::small_genesis();
  rich.accounts[0].balance = kToken * 150'000'001;
  EXPECT_FALSE(make_network(test::small_params(), rich));
  Genesis poor = test::small_genesis();
  poor.accounts[2].stake = 999 * kToken;
  EXPECT_FALSE(make_network(test::small_params(), poor));
}

TEST(Genesis, ParametersThatArithmeticCannotTakeAreRefused) {
  const std::function<void(ChainParams&)> changes[] = {
      [](ChainParams& p) { p.id = ""; },
      [](ChainParams& p) { p.id = std::string(33, 'x'); },
      [](ChainParams& p) { p.token.decimals = 25; },
      [](ChainParams& p) { p.token.team_percent += 1; },
      [](ChainParams& p) { p.token.supply = kMaxU128; },
      [](ChainParams& p) { p.token.team_vesting = {}; },
      [](ChainParams& p) { p.stake.slash_equivocation_ppm = 1'000'001; },
      [](ChainParams& p) { p.rewards.emission_ppb = 1'000'000'001; },
      [](ChainParams& p) { p.rewards = {110, 0, 0, 0, 0}; },
      [](ChainParams& p) { p.consensus.slot = {}; },
      [](ChainParams& p) { p.consensus.block_interval = Duration::millis(1); },
      [](ChainParams& p) { p.consensus.epoch_slots = 0; },
      [](ChainParams& p) { p.consensus.retarget_window = 0; },
      [](ChainParams& p) { p.work.replicas = 0; },
      [](ChainParams& p) { p.work.replicas = 6; },
      [](ChainParams& p) { p.work.ageing_blocks = 0; },
      [](ChainParams& p) { p.work.credit_unit = 0; },
      [](ChainParams& p) { p.work.max_prompt_bytes = kMaxPayloadBytes + 1; }};
  ASSERT_TRUE(make_network(test::small_params(), test::small_genesis()));
  int i = 0;
  for (const auto& change : changes) {
    ChainParams params = test::small_params();
    change(params);
    EXPECT_FALSE(make_network(params, test::small_genesis())) << i;
    ++i;
  }
}

TEST(Transfer, MovesExactlyTheAmountAndTheFee) {
  TestChain chain;
  const Amount amount = 3 * kToken + 1;
  chain.grow({chain.transfer(key(10), addr(key(11)), amount)});
  EXPECT_EQ(chain.balance(key(10)), 100 * kToken - amount - chain.params.fees.base_fee);
  EXPECT_EQ(chain.balance(key(11)), 100 * kToken + amount);
  EXPECT_EQ(chain.event(ChainEventKind::kFee)->amount, chain.params.fees.base_fee);
  EXPECT_EQ(chain.pool(kFeesPool), 0u);
}

TEST(Transfer, WithoutFundsItFailsAndChangesOnlyFeeAndNonce) {
  TestChain with, without;
  with.grow({with.transfer(key(10), addr(key(11)), 100 * kToken)});
  without.grow();
  EXPECT_EQ(with.count(ChainEventKind::kTransactionFailed), 1u);
  EXPECT_EQ(with.count(ChainEventKind::kTransfer), 0u);
  // What differs from a block without it: the sender's balance and nonce, the producer's balance.
  std::vector<std::string> changed;
  StateTree::diff(without.state, with.state,
                  [&](std::string_view path, std::optional<ByteView>, std::optional<ByteView>) {
                    changed.emplace_back(path);
                  });
  std::vector<std::string> expected = {balance_path(addr(key(10))), nonce_path(addr(key(10))),
                                       balance_path(addr(key(1)))};
  std::ranges::sort(expected);
  EXPECT_EQ(changed, expected);
  EXPECT_EQ(with.balance(key(10)), 100 * kToken - with.params.fees.base_fee);
  EXPECT_EQ(number_at(with.state, nonce_path(addr(key(10)))), 1u);
}

TEST(Transfer, ToOneselfAndOfNothingChangeOnlyFeeAndNonce) {
  TestChain chain;
  chain.grow({chain.transfer(key(10), addr(key(10)), 5 * kToken),
              chain.transfer(key(11), addr(key(12)), 0)});
  EXPECT_EQ(chain.balance(key(10)), 100 * kToken - chain.params.fees.base_fee);
  EXPECT_EQ(chain.balance(key(12)), 0u);
  EXPECT_EQ(chain.count(ChainEventKind::kTransactionFailed), 0u);
}

TEST(Rewards, OneBlockPaysTheSplitOfTheEmissionExactly) {
  TestChain chain;
  const Amount pot = emission(chain.pool(kRewardsPool), chain.params.rewards);
  EXPECT_EQ(pot, chain.pool(kRewardsPool) / 1'000'000'000 * 110);
  const Amount producer = chain.balance(key(1));
  chain.grow();
  EXPECT_EQ(chain.balance(key(1)) - producer, pot * 60 / 100);
  EXPECT_EQ(chain.pool(kModelsCarryPool), pot * 20 / 100);
  EXPECT_EQ(chain.pool(kFundPool), pot * 15 / 100);
  EXPECT_EQ(chain.pool(kTreasuryPool), pot * 5 / 100);
}

TEST(Split, OverManyBlocksNobodyIsOffByAUnitAndNothingIsLost) {
  RandomStream random(5, 0, stream_id("split"));
  for (int round = 0; round < 20; ++round) {
    std::array<std::uint32_t, 4> weights;
    u128 total_weight = 0;
    for (auto& w : weights) {
      w = static_cast<std::uint32_t>(random.below(1000)) + 1;
      total_weight += w;
    }
    std::array<std::uint64_t, 4> carry{};
    std::array<Amount, 4> sums{};
    Amount pots = 0;
    for (int block = 0; block < 500; ++block) {
      const Amount pot = static_cast<Amount>(random.next() >> (random.below(64)));
      const auto paid = split_with_carry<4>(pot, weights, carry);
      pots += pot;
      Amount all = 0;
      for (std::size_t i = 0; i < 4; ++i) {
        sums[i] += paid[i];
        all += sums[i];
        EXPECT_EQ(sums[i], pots * weights[i] / total_weight);  // floor of the exact share so far
      }
      EXPECT_LE(all, pots);
      EXPECT_LT(pots - all, 4u);
    }
  }
}

TEST(Split, DoesNotDependOnTheOrderOfReceivers) {
  RandomStream random(6, 0, stream_id("split"));
  const std::array<std::uint32_t, 4> forth{60, 20, 15, 5}, back{5, 15, 20, 60};
  std::array<std::uint64_t, 4> carry{}, yrrac{};
  for (int block = 0; block < 1000; ++block) {
    const Amount pot = random.next();
    const auto a = split_with_carry<4>(pot, forth, carry);
    const auto b = split_with_carry<4>(pot, back, yrrac);
    for (std::size_t i = 0; i < 4; ++i) ASSERT_EQ(a[i], b[3 - i]);
  }
}

TEST(Emission, IsRoundedDownAndNeverMoreThanThePool) {
  RewardParams rewards;
  EXPECT_EQ(emission(0, rewards), 0u);
  EXPECT_EQ(emission(1, rewards), 0u);
  EXPECT_EQ(emission(9'090'909, rewards), 0u);
  EXPECT_EQ(emission(9'090'910, rewards), 1u);
  rewards.emission_ppb = 1'000'000'000;
  EXPECT_EQ(emission(12345, rewards), 12345u);
}

TEST(Vesting, StartsAtNothingEndsAtAllAndNeverFalls) {
  const Duration term = TokenParams{}.team_vesting;
  const Amount total = kToken * 200'000'000 + 1;
  EXPECT_EQ(vested(total, -1, term), 0u);
  EXPECT_EQ(vested(total, 0, term), 0u);
  EXPECT_EQ(vested(total, term.ns / 2, term), total / 2);
  EXPECT_EQ(vested(total, term.ns - 1, term) < total, true);
  EXPECT_EQ(vested(total, term.ns, term), total);
  EXPECT_EQ(vested(total, INT64_MAX, term), total);
  Amount last = 0;
  for (std::int64_t i = 0; i <= 10'000; ++i) {
    const Amount now = vested(total, term.ns / 10'000 * i, term);
    EXPECT_GE(now, last);
    last = now;
  }
}

TEST(Vesting, EachBlockReleasesWhatItsTimeIsWorth) {
  TestChain chain;
  const Amount total = chain.params.token.supply / 5;
  chain.grow_to(3);
  const std::int64_t elapsed = chain.head->header().timestamp_ns - chain.network->genesis.time_ns;
  EXPECT_EQ(elapsed, Duration::seconds(30).ns);
  EXPECT_EQ(chain.pool("team"), vested(total, elapsed, chain.params.token.team_vesting));
  EXPECT_EQ(chain.pool("team") + chain.pool(kTeamPool), total);
}

}  // namespace
}  // namespace orrery::chain
