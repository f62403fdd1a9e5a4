// Checkpoint finality (P-5).
#include "protocol/consensus/finality.h"

#include "protocol/consensus/evidence.h"
#include "tests/unit/protocol/consensus/tree_support.h"

namespace orrery::chain {
namespace {

using test::addr;
using test::Forest;
using test::key;

// Validators 1, 2, 3 with a third of the stake each.
Genesis three_validators(Amount extra = 0) {
  Genesis genesis = test::small_genesis();
  std::erase_if(genesis.accounts, [](const GenesisAccount& a) { return a.validator; });
  for (int i : {1, 2, 3}) {
    genesis.accounts.push_back({.key = key(i).public_key(),
                                .stake = 1'000 * kToken + (i == 1 ? extra : 0),
                                .validator = true});
  }
  return genesis;
}

class FinalityTest : public ::testing::Test {
 protected:
  explicit FinalityTest(Genesis genesis = three_validators())
      : f_(TieRule::kFirstSeen, test::small_params(), std::move(genesis)),
        finality_(f_.chain.params, {0, f_.root()->hash}) {
    blocks_.push_back(f_.root());
    for (std::uint64_t e = 1; e < 6; ++e) blocks_.push_back(f_.add(blocks_.back(), e * 10));
  }
  Checkpoint at(std::uint64_t epoch) const { return {epoch, blocks_[epoch]->hash}; }
  Vote vote(int who, const Checkpoint& source, const Checkpoint& target) const {
    Vote v{.source = source, .target = target, .validator = {}};
    sign(f_.chain.params.id, v, key(who));
    return v;
  }
  Finality::Outcome add(int who, const Checkpoint& source, const Checkpoint& target) {
    return finality_.add(vote(who, source, target), f_.tree, 5, memo_);
  }
  Finality::Outcome all(const Checkpoint& source, const Checkpoint& target) {
    Finality::Outcome outcome;
    for (int who : {1, 2, 3}) outcome.absorb(add(who, source, target));
    return outcome;
  }

  Forest f_;
  std::vector<BlockPtr> blocks_;  // by epoch
  Finality finality_;
  env::Memo memo_;
};

TEST_F(FinalityTest, TwoThirdsExactlyAreNotEnough) {
  add(1, at(0), at(1));
  EXPECT_TRUE(add(2, at(0), at(1)).justified.empty());
  EXPECT_FALSE(finality_.is_justified(at(1)));
  const auto outcome = add(3, at(0), at(1));
  ASSERT_EQ(outcome.justified.size(), 1u);
  EXPECT_EQ(outcome.justified[0], at(1));
  EXPECT_EQ(finality_.justified(), at(1));
}

class OneUnitMore : public FinalityTest {
 protected:
  OneUnitMore() : FinalityTest(three_validators(1)) {}
};

TEST_F(OneUnitMore, ThanTwoThirdsIsEnough) {
  add(2, at(0), at(1));
  EXPECT_TRUE(add(3, at(0), at(1)).justified.empty());  // 2,000 of 3,000 and one unit
  finality_ = Finality(f_.chain.params, {0, f_.root()->hash});
  add(1, at(0), at(1));
  EXPECT_EQ(add(2, at(0), at(1)).justified.size(), 1u);
}

TEST_F(FinalityTest, CertificateHoldsTheVotesAndTheirStake) {
  all(at(0), at(1));
  const auto* certificate = finality_.certificate(at(1));
  ASSERT_NE(certificate, nullptr);
  EXPECT_EQ(certificate->votes.size(), 3u);
  EXPECT_EQ(certificate->stake, 3'000 * kToken);
  EXPECT_EQ(certificate->total, 3'000 * kToken);
}

TEST_F(FinalityTest, OneValidatorCountsOnce) {
  for (int i = 0; i < 5; ++i) add(1, at(0), at(1));
  add(2, at(0), at(1));
  EXPECT_FALSE(finality_.is_justified(at(1)));
}

TEST_F(FinalityTest, FinalisesTheSourceOfTheVeryNextEpochOnly) {
  all(at(0), at(1));
  EXPECT_EQ(finality_.finalized(), at(0));
  const auto gap = all(at(1), at(3));
  EXPECT_EQ(gap.justified.size(), 1u);
  EXPECT_FALSE(gap.finalized.has_value());
  EXPECT_EQ(finality_.finalized(), at(0));
  const auto next = all(at(3), at(4));
  ASSERT_TRUE(next.finalized.has_value());
  EXPECT_EQ(*next.finalized, at(3));
  EXPECT_EQ(finality_.finalized(), at(3));
}

TEST_F(FinalityTest, AnUnjustifiedSourceWaitsForItsJustification) {
  EXPECT_TRUE(all(at(1), at(2)).justified.empty());
  const auto outcome = all(at(0), at(1));  // the links behind it follow
  ASSERT_EQ(outcome.justified.size(), 2u);
  EXPECT_EQ(outcome.justified[1], at(2));
  ASSERT_TRUE(outcome.finalized.has_value());
  EXPECT_EQ(*outcome.finalized, at(1));
}

TEST_F(FinalityTest, VotesThatWaitForABlockAreCountedWhenItComes) {
  const BlockPtr late = f_.make(blocks_[5], 60);
  const Checkpoint target{6, late->hash};
  all(at(0), at(5));
  for (int who : {1, 2, 3}) {
    EXPECT_TRUE(finality_.add(vote(who, at(5), target), f_.tree, 6, memo_).accepted);
  }
  EXPECT_FALSE(finality_.is_justified(target));
  EXPECT_TRUE(finality_.retry(f_.tree, memo_).justified.empty());
  f_.tree.add(late, f_.result());
  const auto outcome = finality_.retry(f_.tree, memo_);
  ASSERT_EQ(outcome.justified.size(), 1u);
  EXPECT_EQ(finality_.finalized(), at(5));
}

TEST_F(FinalityTest, TargetOffTheSourcesBranchIsNotCounted) {
  const BlockPtr side = f_.add(blocks_[0], 20, 1, 9);
  const auto outcome = all(at(1), {2, side->hash});
  EXPECT_FALSE(outcome.accepted);
}

TEST_F(FinalityTest, VotesFromTheFutureThePastOrBackwardsAreRefused) {
  EXPECT_FALSE(finality_.add(vote(1, at(0), at(5)), f_.tree, 2, memo_).accepted);
  EXPECT_TRUE(finality_.add(vote(1, at(0), at(5)), f_.tree, 3, memo_).accepted);
  EXPECT_FALSE(add(1, at(2), at(2)).accepted);
  EXPECT_FALSE(add(1, at(3), at(2)).accepted);
  all(at(0), at(2));
  all(at(2), at(3));
  ASSERT_EQ(finality_.finalized(), at(2));
  EXPECT_FALSE(add(1, at(0), at(1)).accepted);
}

TEST_F(FinalityTest, OnlyValidatorsVote) {
  EXPECT_FALSE(add(21, at(0), at(1)).accepted);  // a worker
  EXPECT_FALSE(add(99, at(0), at(1)).accepted);  // a stranger
  // Nor for blocks that nobody has seen: such votes would only fill the memory.
  EXPECT_FALSE(add(99, at(0), {2, test::digest("?")}).accepted);
  EXPECT_TRUE(add(1, at(0), {2, test::digest("?")}).accepted);
}

TEST_F(FinalityTest, ConflictingVotesGiveOneEvidenceEach) {
  const BlockPtr side = f_.add(blocks_[0], 20, 1, 9);
  EXPECT_TRUE(add(1, at(0), at(2)).evidence.empty());
  const auto first = add(1, at(0), {2, side->hash});
  ASSERT_EQ(first.evidence.size(), 1u);
  EXPECT_EQ(equivocation(first.evidence[0].first, first.evidence[0].second),
            Equivocation::kDoubleVote);
  EXPECT_TRUE(check_evidence(f_.chain.params, first.evidence[0]));
  EXPECT_TRUE(add(1, at(1), at(2)).evidence.empty());  // the same offence again
  EXPECT_EQ(add(2, at(0), at(4)).evidence.size(), 0u);
  const auto surround = add(2, at(1), at(3));
  ASSERT_EQ(surround.evidence.size(), 1u);
  EXPECT_EQ(equivocation(surround.evidence[0].first, surround.evidence[0].second),
            Equivocation::kSurround);
}

TEST_F(FinalityTest, ManyVotesOfOneValidatorForOneEpochAreNotKept) {
  std::size_t accepted = 0;
  for (int i = 0; i < 50; ++i) {
    accepted += add(1, at(0), {2, test::digest(std::to_string(i))}).accepted;
  }
  EXPECT_EQ(accepted, Finality::kMaxVotesPerTarget);
}

TEST_F(FinalityTest, EarliestEpochsSurviveAFloodOfWaitingVotes) {
  // Votes for a block to come, then more later ones than are kept.
  const BlockPtr late = f_.make(blocks_[5], 60);
  all(at(0), at(5));
  for (int who : {1, 2, 3}) {
    ASSERT_TRUE(finality_.add(vote(who, at(5), {6, late->hash}), f_.tree, 100'000, memo_).accepted);
  }
  for (std::uint64_t e = 7; e < 7 + Finality::kMaxWaiting; ++e) {
    Vote v{.source = {6, late->hash}, .target = {e, late->hash}, .validator = {}};
    v.validator = key(1).public_key();  // signatures are checked before
    finality_.add(v, f_.tree, 100'000, memo_);
  }
  f_.tree.add(late, f_.result());
  finality_.retry(f_.tree, memo_);
  EXPECT_TRUE(finality_.is_justified({6, late->hash}));
}

TEST(Evidence, SlashesOnceBurnsAndPaysTheProducer) {
  test::TestChain chain;
  const auto vote = [&](std::string_view target) {
    Vote v{.source = {1, test::digest("s")}, .target = {2, test::digest(target)}, .validator = {}};
    sign(chain.params.id, v, key(2));
    return v;
  };
  Block block = chain.draft();
  block.evidence = {{vote("a"), vote("b")}};
  chain.grow(block, {}, key(1));
  EXPECT_EQ(chain.bond(key(2)), 1'000 * kToken);  // half of 2,000
  EXPECT_EQ(chain.pool(kBurntPool), 500 * kToken);
  const ChainEvent* slashed = chain.event(ChainEventKind::kSlashed);
  ASSERT_NE(slashed, nullptr);
  EXPECT_EQ(slashed->number, static_cast<std::uint64_t>(SlashCause::kDoubleVote));
  // The same offence, with the same votes or others, makes the next block invalid.
  for (const Evidence& e : {Evidence{vote("a"), vote("b")}, Evidence{vote("c"), vote("a")}}) {
    Block again = chain.draft();
    again.evidence = {e};
    EXPECT_FALSE(build_block(chain.params, chain.network->modules, chain.state, again, {}));
  }
}

TEST(Evidence, OfNoOffenceOrWithAWrongSignatureMakesTheBlockInvalid) {
  test::TestChain chain;
  const auto refused = [&](const Evidence& e) {
    Block block = chain.draft();
    block.evidence = {e};
    return !build_block(chain.params, chain.network->modules, chain.state, block, {});
  };
  const auto vote = [&](int who, std::uint64_t source, std::uint64_t target,
                        std::string_view chain_id) {
    Vote v{.source = {source, {}}, .target = {target, test::digest("t")}, .validator = {}};
    sign(chain_id, v, key(who));
    return v;
  };
  const std::string& id = chain.params.id;
  EXPECT_FALSE(refused({vote(2, 1, 5, id), vote(2, 2, 4, id)}));  // a surround, properly signed
  EXPECT_TRUE(refused({vote(2, 1, 2, id), vote(2, 2, 3, id)}));
  EXPECT_TRUE(refused({vote(2, 1, 5, id), vote(3, 2, 4, id)}));
  EXPECT_TRUE(refused({vote(2, 1, 5, id), vote(2, 2, 4, "other")}));
  EXPECT_TRUE(refused({vote(99, 1, 5, id), vote(99, 2, 4, id)}));  // nothing bonded
}

TEST(Evidence, ReachesAValidatorThatHasGivenNotice) {
  test::TestChain chain;
  chain.grow({chain.tx(key(2), kUnstakeTag, encode(UnstakePayload{2'000 * kToken}))});
  ASSERT_EQ(chain.bond(key(2)), 0u);
  const auto vote = [&](std::string_view target) {
    Vote v{.source = {1, test::digest("s")}, .target = {2, test::digest(target)}, .validator = {}};
    sign(chain.params.id, v, key(2));
    return v;
  };
  Block block = chain.draft();
  block.evidence = {{vote("a"), vote("b")}};
  chain.grow(block, {}, key(1));
  ASSERT_NE(chain.event(ChainEventKind::kSlashed), nullptr);
  EXPECT_EQ(chain.event(ChainEventKind::kSlashed)->amount, 1'000 * kToken);
}

}  // namespace
}  // namespace orrery::chain
