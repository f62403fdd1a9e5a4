// The lottery: weight, credits, odds, retarget, rules of a header (P-1, P-3, T-8).
#include "protocol/consensus/lottery.h"

#include <cmath>
#include <functional>

#include "engine/base/random.h"
#include "tests/unit/protocol/test_chain.h"

namespace orrery::chain {
namespace {

using test::addr;
using test::key;
using test::TestChain;

TEST(Weight, HasAFloorFromTheBondAndCreditsUpToItsCap) {
  ChainParams params;  // floor 10 and cap 100 a thousand tokens, a unit of credit 1,000,000
  EXPECT_EQ(lottery_weight(params, 1'000 * kToken, 0), 10u);
  EXPECT_EQ(lottery_weight(params, 1'500 * kToken, 0), 15u);
  EXPECT_EQ(lottery_weight(params, 1'000 * kToken, 999'999), 10u);
  EXPECT_EQ(lottery_weight(params, 1'000 * kToken, 1'000'000), 11u);
  EXPECT_EQ(lottery_weight(params, 1'000 * kToken, 100'000'000), 110u);
  EXPECT_EQ(lottery_weight(params, 1'000 * kToken, UINT64_MAX), 110u);
  EXPECT_EQ(lottery_weight(params, 2'000 * kToken, UINT64_MAX), 220u);
}

TEST(Weight, CountsTokensWhateverTheirDecimals) {
  ChainParams params;
  params.token.decimals = 6;
  EXPECT_EQ(lottery_weight(params, Amount{1'000} * 1'000'000, 0), 10u);
}

TEST(Weight, IsNoneWithoutTheWorkersRoleOrTheMinimum) {
  TestChain chain;
  EXPECT_EQ(weight_of(chain.state, chain.params, addr(key(21))), 50u);
  EXPECT_EQ(weight_of(chain.state, chain.params, addr(key(1))), 0u);   // a validator
  EXPECT_EQ(weight_of(chain.state, chain.params, addr(key(10))), 0u);  // no bond
  set_amount(chain.state, stake_path(addr(key(21))), 1'000 * kToken - 1);
  EXPECT_EQ(weight_of(chain.state, chain.params, addr(key(21))), 0u);
}

TEST(Credits, ExpireAfterTheirBlocksAndEachGrantOnItsOwn) {
  ChainParams params = test::small_params();
  params.work.credit_blocks = 5;
  TestChain chain(params);
  const auto grant = [&](std::uint64_t units) {
    ChainEvents events;
    const Block block = chain.draft();
    ExecContext ctx{
        .params = chain.params, .state = chain.state, .events = events, .header = block.header};
    add_credits(ctx, addr(key(21)), units);
    chain.grow();
  };
  grant(100);  // in block 1
  grant(20);   // in block 2
  grant(3);    // in block 3
  EXPECT_EQ(credits_of(chain.state, addr(key(21))), 123u);
  chain.grow_to(5);
  EXPECT_EQ(credits_of(chain.state, addr(key(21))), 123u);
  chain.grow();
  EXPECT_EQ(credits_of(chain.state, addr(key(21))), 23u);
  chain.grow();
  EXPECT_EQ(credits_of(chain.state, addr(key(21))), 3u);
  chain.grow();
  EXPECT_EQ(credits_of(chain.state, addr(key(21))), 0u);
  bool left = false;
  chain.state.for_each("/credits/", [&](std::string_view, ByteView) { return left = true; });
  EXPECT_FALSE(left);
}

TEST(Draw, WinsAsOftenAsTargetTimesWeightSays) {
  const VrfOutput y = vrf_evaluate(key(1), as_bytes("seed"));
  const std::uint64_t target = UINT64_MAX / 1'000;
  for (const std::uint64_t weight : {1u, 10u, 300u, 900u}) {
    constexpr int kSlots = 50'000;
    int wins = 0;
    for (int slot = 0; slot < kSlots; ++slot) {
      wins += lottery_wins(lottery_draw(y, static_cast<std::uint64_t>(slot)), target, weight);
    }
    const double p = static_cast<double>(weight) / 1'000;
    const double sigma = std::sqrt(kSlots * p * (1 - p));
    EXPECT_NEAR(wins, kSlots * p, 4 * sigma) << weight;
  }
}

TEST(Draw, AWeightBeyondTheTargetAlwaysWinsAndNoWeightNever) {
  EXPECT_TRUE(lottery_wins(UINT64_MAX, UINT64_MAX, 2));  // no overflow of the product
  EXPECT_FALSE(lottery_wins(0, UINT64_MAX, 0));
  EXPECT_FALSE(lottery_wins(100, 10, 10));  // strictly below
  EXPECT_TRUE(lottery_wins(99, 10, 10));
}

TEST(Retarget, IsStillAtTheGoalAndMovesAtMostByTwo) {
  EXPECT_EQ(retarget(1'000'000, 10, 10, 20), 1'000'000u);
  EXPECT_GT(retarget(1'000'000, 11, 10, 20), 1'000'000u);
  EXPECT_LT(retarget(1'000'000, 9, 10, 20), 1'000'000u);
  EXPECT_EQ(retarget(1'000'000, UINT64_MAX, 10, 20), 2'000'000u);
  EXPECT_EQ(retarget(1'000'000, 1, 10, 1), 500'000u);
  EXPECT_EQ(retarget(UINT64_MAX, UINT64_MAX, 10, 20), UINT64_MAX);
  EXPECT_EQ(retarget(1, 1, 10, 1), 1u);
  RandomStream random(1, 0, stream_id("retarget"));
  for (int i = 0; i < 10'000; ++i) {
    const std::uint64_t target = (random.next() >> random.below(60)) | 1;
    const std::uint64_t next = retarget(target, random.next() >> random.below(64),
                                        random.below(100) + 1, random.below(100) + 1);
    EXPECT_GE(next, std::max<std::uint64_t>(1, target / 2));
    EXPECT_LE(static_cast<u128>(next), static_cast<u128>(target) * 2);
  }
}

// The real draw and the real retarget, from a start 20 times too easy and 20 times too hard.
TEST(Retarget, MeanIntervalSettlesAtTenSlots) {
  constexpr std::uint64_t kWeight = 200;
  constexpr int kWarmUp = 400, kBlocks = 4'000;
  for (const std::uint64_t slots_at_start : {2u, 200u}) {
    std::uint64_t target = UINT64_MAX / (kWeight * slots_at_start);
    std::uint64_t total = 0;
    for (int block = 0; block < kWarmUp + kBlocks; ++block) {
      Writer input;
      input.u64(slots_at_start).u64(static_cast<std::uint64_t>(block));
      VrfOutput y{};
      const Hash256 seed = sha256(input.view());
      std::copy(seed.bytes.begin(), seed.bytes.end(), y.bytes.begin());
      std::uint64_t slots = 1;
      while (!lottery_wins(lottery_draw(y, slots), target, kWeight)) ++slots;
      if (block >= kWarmUp) total += slots;
      target = retarget(target, slots, 10, 20);
    }
    const double mean = static_cast<double>(total) / kBlocks;
    RecordProperty("mean_slots", std::to_string(mean));
    // Four sigma of 4,000 geometric intervals is 0.6.
    EXPECT_NEAR(mean, 10.0, 0.5) << slots_at_start;
  }
}

TEST(Slots, AndTheirTimesAreInverse) {
  const ChainParams params;
  for (const std::uint64_t slot : {0u, 1u, 999u}) {
    const std::int64_t at = slot_time_ns(params, 5'000, slot);
    EXPECT_EQ(slot_at(params, 5'000, Time{at}), slot);
    EXPECT_EQ(slot_at(params, 5'000, Time{at + params.consensus.slot.ns - 1}), slot);
  }
  EXPECT_EQ(slot_at(params, 5'000, Time{4'999}), 0u);
  EXPECT_EQ(slot_at(params, 5'000, Time{INT64_MIN}), 0u);
}

class HeaderRules : public ::testing::Test {
 protected:
  // A header by worker 21 in its first winning slot.
  Header winner() {
    Header h = chain_.draft(key(21)).header;
    const auto y = vrf_proof_to_hash(h.randomness);
    const std::uint64_t weight = weight_of(chain_.state, chain_.params, addr(key(21)));
    for (h.slot = 1; !lottery_wins(lottery_draw(*y, h.slot), h.difficulty, weight); ++h.slot) {
    }
    return at_slot(h, h.slot);
  }
  Header at_slot(Header h, std::uint64_t slot) {
    h.slot = slot;
    h.timestamp_ns = slot_time_ns(chain_.params, chain_.network->genesis.time_ns, slot);
    h.nonce = lottery_draw(*vrf_proof_to_hash(h.randomness), slot);
    return h;
  }
  Status check(Header h, int signer = 21) {
    sign(chain_.params.id, h, key(signer));
    return check_header(chain_.params, chain_.network->genesis.time_ns, *chain_.head, chain_.state,
                        h);
  }
  std::string why(const std::function<void(Header&)>& change) {
    Header h = winner();
    change(h);
    const Status status = check(h);
    return status ? "accepted" : status.error().message;
  }
  TestChain chain_;
};

TEST_F(HeaderRules, AcceptAWinner) {
  const Status status = check(winner());
  EXPECT_TRUE(status.has_value()) << status.error().message;
}

TEST_F(HeaderRules, RefuseEachKindOfWrongField) {
  EXPECT_EQ(why([](Header& h) { h.parent.bytes[0] ^= 1; }), "the parent is another block");
  EXPECT_EQ(why([](Header& h) { h.height += 1; }), "heights rise by one");
  EXPECT_EQ(why([](Header& h) { h.slot = 0; }), "slots rise");
  EXPECT_EQ(why([](Header& h) { h.timestamp_ns += 1; }),
            "the timestamp is not the start of the slot");
  EXPECT_EQ(why([](Header& h) { h.difficulty += 1; }),
            "the difficulty is not the parent's target");
  EXPECT_EQ(why([](Header& h) { h.work += 1; }), "the work is not what the parent asks for");
  EXPECT_EQ(why([](Header& h) { h.proposer = key(22).public_key(); }),
            "the producer's signature is wrong");
  EXPECT_EQ(why([](Header& h) { h.randomness = vrf_prove(key(21), as_bytes("other")); }),
            "the randomness is not the producer's VRF");
  EXPECT_EQ(why([](Header& h) { h.nonce ^= 1; }), "the nonce is not the draw");
}

TEST_F(HeaderRules, RefuseASlotThatWasNotWon) {
  const Header h = winner();
  ASSERT_GT(h.slot, 1u) << "choose another seed";
  const Status status = check(at_slot(h, h.slot - 1));
  ASSERT_FALSE(status.has_value());
  EXPECT_EQ(status.error().message, "the draw does not beat the target");
}

TEST_F(HeaderRules, RefuseAProducerWithoutWeight) {
  Header h = chain_.draft(key(1)).header;  // a validator
  bool any = false;
  for (std::uint64_t slot = 1; slot < 50; ++slot) any = any || check(at_slot(h, slot), 1);
  EXPECT_FALSE(any);
}

TEST_F(HeaderRules, RefuseASignatureForAnotherChain) {
  Header h = winner();
  sign("another", h, key(21));
  EXPECT_FALSE(check_header(chain_.params, chain_.network->genesis.time_ns, *chain_.head,
                            chain_.state, h));
}

TEST(Target, OfALoneMinerWithABlockASlotIsEverySlotNotNone) {
  Genesis genesis = test::small_genesis();
  std::erase_if(genesis.accounts, [](const GenesisAccount& a) { return a.worker; });
  genesis.accounts.push_back(
      {.key = key(21).public_key(), .stake = 1'000 * kToken, .worker = true});
  ChainParams params = test::small_params();
  params.consensus.floor_weight_per_1000_tokens = 1;
  params.consensus.block_interval = params.consensus.slot;
  const TestChain chain(params, genesis);
  EXPECT_EQ(lottery_state(chain.state).target, UINT64_MAX);
}

TEST(Difficulty, OfProofsFollowsUserWorkWithinTenFloors) {
  ChainParams params = test::small_params();
  params.work.block_work = 1'000;
  TestChain chain(params);
  ChainEvents events;
  const Block block = chain.draft();
  ExecContext ctx{
      .params = chain.params, .state = chain.state, .events = events, .header = block.header};
  const Module lottery = lottery_module();
  EXPECT_EQ(lottery_state(chain.state).work, 1'000u);
  for (int i = 0; i < 200; ++i) {
    count_user_work(ctx, 4'000);
    lottery.end_block(ctx);
  }
  EXPECT_NEAR(static_cast<double>(lottery_state(chain.state).work), 3'000, 20);  // floor + half
  for (int i = 0; i < 200; ++i) {
    count_user_work(ctx, 1'000'000'000);
    lottery.end_block(ctx);
  }
  EXPECT_EQ(lottery_state(chain.state).work, 10'000u);
}

}  // namespace
}  // namespace orrery::chain
