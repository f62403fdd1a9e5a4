#include "protocol/mempool/mempool.h"

#include "tests/unit/protocol/test_chain.h"

namespace orrery::chain {
namespace {

using test::addr;
using test::key;

class MempoolTest : public ::testing::Test {
 protected:
  explicit MempoolTest(ChainParams params = test::small_params())
      : chain_(params), pool_(params, chain_.network->modules) {}

  TransactionPtr make(int who, std::uint64_t nonce, Amount fee = kToken / 1000,
                      std::uint64_t valid_until = 100, Amount amount = 1) const {
    Transaction tx{.chain_id = chain_.params.id,
                   .sender = addr(key(who)),
                   .nonce = nonce,
                   .fee = fee,
                   .valid_until = valid_until,
                   .tag = kTransferTag,
                   .payload = encode(TransferPayload{addr(key(50)), amount})};
    sign(tx, key(who));
    return test::share(tx);
  }
  Status add(const TransactionPtr& tx) { return pool_.add(tx, chain_.state, chain_.height() + 1); }
  std::vector<std::pair<Address, std::uint64_t>> candidates(std::size_t limit = 100) const {
    std::vector<std::pair<Address, std::uint64_t>> result;
    for (const auto& tx : pool_.candidates(chain_.state, limit)) {
      result.emplace_back(tx->tx.sender, tx->tx.nonce);
    }
    return result;
  }
  static std::pair<Address, std::uint64_t> at(int who, std::uint64_t nonce) {
    return {addr(key(who)), nonce};
  }

  test::TestChain chain_;
  Mempool pool_;
};

constexpr Amount kFee = kToken / 1000;

TEST_F(MempoolTest, OrdersByFeeAndNeverASendersNoncesOutOfTurn) {
  ASSERT_TRUE(add(make(10, 1, 9 * kFee)));  // dear, but behind nonce 0
  ASSERT_TRUE(add(make(10, 0, 1 * kFee)));
  ASSERT_TRUE(add(make(11, 0, 5 * kFee)));
  ASSERT_TRUE(add(make(11, 1, 2 * kFee)));
  using List = std::vector<std::pair<Address, std::uint64_t>>;
  EXPECT_EQ(candidates(), (List{at(11, 0), at(11, 1), at(10, 0), at(10, 1)}));
  EXPECT_EQ(candidates(2), (List{at(11, 0), at(11, 1)}));
}

TEST_F(MempoolTest, EqualFeesKeepTheOrderOfArrival) {
  ASSERT_TRUE(add(make(11, 0)));
  ASSERT_TRUE(add(make(10, 0)));
  ASSERT_TRUE(add(make(1, 0)));
  EXPECT_EQ(candidates(),
            (std::vector<std::pair<Address, std::uint64_t>>{at(11, 0), at(10, 0), at(1, 0)}));
}

TEST_F(MempoolTest, TransactionsBehindAGapAreNoCandidatesUntilItIsFilled) {
  ASSERT_TRUE(add(make(10, 2, 9 * kFee)));
  ASSERT_TRUE(add(make(10, 3, 9 * kFee)));
  EXPECT_TRUE(candidates().empty());
  ASSERT_TRUE(add(make(10, 0)));
  EXPECT_EQ(candidates().size(), 1u);
  ASSERT_TRUE(add(make(10, 1)));
  EXPECT_EQ(candidates().size(), 4u);
}

TEST_F(MempoolTest, UsedAndFarNoncesAreRefused) {
  chain_.grow({chain_.transfer(key(10), addr(key(11)), 1)});
  EXPECT_FALSE(add(make(10, 0)));
  const std::uint64_t most = chain_.params.mempool.max_per_sender;
  EXPECT_TRUE(add(make(10, most)));
  EXPECT_FALSE(add(make(10, most + 1)));
  EXPECT_FALSE(add(make(10, UINT64_MAX)));
}

TEST_F(MempoolTest, WhatCouldNeverBeIncludedIsRefusedAlsoForLaterNonces) {
  for (std::uint64_t nonce : {0u, 1u}) {
    EXPECT_FALSE(add(make(10, nonce, kFee - 1)));
    EXPECT_FALSE(add(make(10, nonce, kFee, 0)));          // expired
    EXPECT_FALSE(add(make(10, nonce, 101 * kToken)));     // not covered
    EXPECT_FALSE(add(make(60, nonce)));                   // an empty account
  }
  EXPECT_EQ(pool_.size(), 0u);
}

TEST_F(MempoolTest, ATakenNonceIsReplacedByATenthMoreAndNotByLess) {
  const auto first = make(10, 0, 1'000 * kFee);
  ASSERT_TRUE(add(first));
  EXPECT_FALSE(add(make(10, 0, 1'000 * kFee, 99)));
  EXPECT_FALSE(add(make(10, 0, 1'100 * kFee - 1)));
  const auto better = make(10, 0, 1'100 * kFee);
  EXPECT_TRUE(add(better));
  EXPECT_EQ(pool_.size(), 1u);
  EXPECT_FALSE(pool_.contains(first->id));
  EXPECT_EQ(pool_.find(first->id), nullptr);
  EXPECT_EQ(pool_.find(better->id)->id, better->id);
}

TEST_F(MempoolTest, TheSameTransactionTwiceIsOne) {
  const auto tx = make(10, 0);
  EXPECT_TRUE(add(tx));
  EXPECT_TRUE(add(tx));
  EXPECT_EQ(pool_.size(), 1u);
}

class NoBaseFee : public MempoolTest {
 protected:
  NoBaseFee() : MempoolTest([] {
    ChainParams params = test::small_params();
    params.fees.base_fee = 0;
    return params;
  }()) {}
};

TEST_F(NoBaseFee, EqualFeesDoNotReplaceEachOtherForEver) {
  ASSERT_TRUE(add(make(10, 0, 0, 100)));
  EXPECT_FALSE(add(make(10, 0, 0, 101)));
  EXPECT_TRUE(add(make(10, 0, 1, 101)));
}

class SmallPool : public MempoolTest {
 protected:
  SmallPool() : MempoolTest([] {
    ChainParams params = test::small_params();
    params.mempool.max_transactions = 3;
    return params;
  }()) {}
};

TEST_F(SmallPool, TheLowestFeeMakesRoomAndALowerOneIsRefused) {
  const auto cheap = make(10, 0, 2 * kFee);
  ASSERT_TRUE(add(cheap));
  ASSERT_TRUE(add(make(11, 0, 3 * kFee)));
  ASSERT_TRUE(add(make(1, 0, 4 * kFee)));
  EXPECT_FALSE(add(make(2, 0, 2 * kFee)));
  EXPECT_TRUE(add(make(2, 0, 3 * kFee)));
  EXPECT_FALSE(pool_.contains(cheap->id));
  EXPECT_EQ(pool_.size(), 3u);
}

TEST_F(SmallPool, EvictionTakesASendersLastNonceSoThatNoneIsStranded) {
  ASSERT_TRUE(add(make(10, 0, 1 * kFee)));
  ASSERT_TRUE(add(make(10, 1, 5 * kFee)));
  ASSERT_TRUE(add(make(10, 2, 6 * kFee)));
  ASSERT_TRUE(add(make(11, 0, 7 * kFee)));
  EXPECT_EQ(candidates().size(), 3u);  // nonces 0 and 1 remain in order
}

TEST_F(MempoolTest, PruneDropsUsedExpiredAndUncovered) {
  ASSERT_TRUE(add(make(10, 0)));
  ASSERT_TRUE(add(make(10, 1)));
  const auto expires = make(11, 0, kFee, 1);
  ASSERT_TRUE(add(expires));
  const auto uncovered = make(1, 0, 50 * kToken);
  ASSERT_TRUE(add(uncovered));
  // Sender 10 uses its nonce 0; account 1 spends most of its money in a transaction of its own.
  chain_.grow({chain_.transfer(key(10), addr(key(50)), 1)}, key(2));
  set_amount(chain_.state, balance_path(addr(key(1))), 49 * kToken);
  pool_.prune(chain_.state, chain_.height() + 1);
  EXPECT_EQ(pool_.size(), 1u);
  EXPECT_FALSE(pool_.contains(expires->id));
  EXPECT_FALSE(pool_.contains(uncovered->id));
  EXPECT_EQ(candidates(), (std::vector<std::pair<Address, std::uint64_t>>{at(10, 1)}));
}

TEST_F(MempoolTest, NextNonceIsTheFirstThatIsNeitherUsedNorTaken) {
  EXPECT_EQ(pool_.next_nonce(addr(key(10)), chain_.state), 0u);
  ASSERT_TRUE(add(make(10, 0)));
  ASSERT_TRUE(add(make(10, 2)));
  EXPECT_EQ(pool_.next_nonce(addr(key(10)), chain_.state), 1u);
}

TEST_F(MempoolTest, IdsAreThoseInThePoolUpToTheLimit) {
  for (std::uint64_t n = 0; n < 5; ++n) ASSERT_TRUE(add(make(10, n)));
  EXPECT_EQ(pool_.ids(3).size(), 3u);
  EXPECT_EQ(pool_.ids(99).size(), 5u);
  for (const Hash256& id : pool_.ids(99)) EXPECT_TRUE(pool_.contains(id));
}

}  // namespace
}  // namespace orrery::chain
