// A chain made by hand: one state, grown block by block with build_block, and each block executed
// again as a node that hears of it would. For tests of everything that happens inside blocks.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "protocol/consensus/lottery.h"
#include "protocol/ledger/execute.h"
#include "protocol/ledger/ledger.h"
#include "protocol/ledger/staking.h"
#include "protocol/node/config.h"
#include "protocol/work/task.h"

namespace orrery::chain::test {

inline KeyPair key(int i) { return KeyPair::from_seed({static_cast<std::uint8_t>(i)}); }
inline Address addr(const KeyPair& pair) { return address_of(pair.public_key()); }
inline Hash256 digest(std::string_view text) { return sha256(as_bytes(text)); }

inline TransactionPtr share(const Transaction& tx) {
  auto shared = share_transaction(encode(tx));
  EXPECT_TRUE(shared.has_value());
  return shared ? *shared : nullptr;
}

// Users 10 and 11, validators 1 to 4, workers 21 to 24.
inline Genesis small_genesis() {
  Genesis genesis{.time_ns = 1'000'000'000'000};
  for (int i : {10, 11}) {
    genesis.accounts.push_back({.key = key(i).public_key(), .balance = 100 * kToken});
  }
  for (int i : {1, 2, 3, 4}) {
    genesis.accounts.push_back({.key = key(i).public_key(),
                                .balance = 100 * kToken,
                                .stake = 2'000 * kToken,
                                .validator = true});
  }
  for (int i : {21, 22, 23, 24}) {
    genesis.accounts.push_back({.key = key(i).public_key(),
                                .balance = 100 * kToken,
                                .stake = 5'000 * kToken,
                                .worker = true});
  }
  genesis.models.push_back({.digest = digest("model"), .name = "m", .owner = addr(key(30))});
  return genesis;
}

// No proofs are due in blocks, so that tests say themselves what a block carries.
inline ChainParams small_params() {
  ChainParams params;
  params.id = "test-1";
  params.work.block_work = 0;
  return params;
}

class TestChain {
 public:
  explicit TestChain(const ChainParams& params = small_params(), Genesis genesis = small_genesis())
      : params(params), network(*make_network(params, std::move(genesis))) {
    head = network->genesis_block;
    state = network->genesis_state;
  }

  // A signed transaction with the sender's next nonce, counting those made since the last block.
  TransactionPtr tx(const KeyPair& from, PayloadTag tag, Bytes payload, Amount fee = 0) {
    const Address sender = addr(from);
    Transaction t{.chain_id = params.id,
                  .sender = sender,
                  .nonce = number_at(state, nonce_path(sender)) + made_[sender]++,
                  .fee = fee == 0 ? params.fees.base_fee : fee,
                  .valid_until = 1'000'000,
                  .tag = tag,
                  .payload = std::move(payload)};
    sign(t, from);
    return share(t);
  }
  TransactionPtr transfer(const KeyPair& from, const Address& to, Amount amount) {
    return tx(from, kTransferTag, encode(TransferPayload{to, amount}));
  }

  // The next block before build_block fills it.
  Block draft(const KeyPair& producer = key(1)) const {
    const LotteryState lottery = lottery_state(state);
    Block block;
    Header& h = block.header;
    h.parent = head->hash;
    h.height = head->header().height + 1;
    h.slot = head->header().slot + 10;
    h.timestamp_ns = slot_time_ns(params, network->genesis.time_ns, h.slot);
    h.proposer = producer.public_key();
    h.randomness = vrf_prove(producer, lottery_input(lottery.seed, h.height));
    h.difficulty = lottery.target;
    h.nonce = lottery_draw(*vrf_proof_to_hash(h.randomness), h.slot);
    h.work = lottery.work;
    return block;
  }

  // Builds the block on the head, executes it from its bytes and makes it the head.
  void grow(const std::vector<TransactionPtr>& txs = {}, const KeyPair& producer = key(1)) {
    grow(draft(producer), txs, producer);
  }
  void grow(Block block, const std::vector<TransactionPtr>& txs, const KeyPair& producer) {
    auto built = build_block(params, network->modules, state, block, txs);
    ASSERT_TRUE(built.has_value()) << built.error().message;
    sign(params.id, block.header, producer);
    const BlockPtr shared = share_block(std::move(block), params.id);
    auto decoded = decode_block(shared->encoded.view(), params.id, share_transaction);
    ASSERT_TRUE(decoded.has_value()) << decoded.error().message;
    auto executed = execute_block(params, network->modules, state, (*decoded)->block);
    ASSERT_TRUE(executed.has_value()) << executed.error().message;
    EXPECT_EQ(executed->state.root(), built->state.root());
    EXPECT_EQ(executed->events, built->events);
    EXPECT_EQ(executed->gas, built->gas);
    state = executed->state;
    events = executed->events;
    head = *decoded;
    made_.clear();
    EXPECT_EQ(total_money(), params.token.supply) << "height " << height();
  }
  void grow_to(std::uint64_t target) {
    while (height() < target && !::testing::Test::HasFatalFailure()) grow();
  }
  // Grows until `done` or `limit` blocks.
  template <class Predicate>
  bool grow_until(Predicate&& done, int limit = 100) {
    for (int i = 0; i < limit; ++i) {
      if (done()) return true;
      grow();
    }
    return done();
  }

  std::uint64_t height() const { return head->header().height; }
  Amount balance(const KeyPair& who) const { return amount_at(state, balance_path(addr(who))); }
  Amount bond(const KeyPair& who) const { return amount_at(state, stake_path(addr(who))); }
  Amount pool(std::string_view name) const { return amount_at(state, pool_path(name)); }
  std::size_t count(ChainEventKind kind) const {
    return static_cast<std::size_t>(std::count_if(
        events.begin(), events.end(), [&](const ChainEvent& e) { return e.kind == kind; }));
  }
  const ChainEvent* event(ChainEventKind kind) const {
    const auto it = std::find_if(events.begin(), events.end(),
                                 [&](const ChainEvent& e) { return e.kind == kind; });
    return it == events.end() ? nullptr : &*it;
  }
  Amount total_money() const {
    Amount sum = 0;
    state.for_each("/", [&](std::string_view path, ByteView) {
      if (!network->modules.pool_of(path).empty()) sum += amount_at(state, path);
      return true;
    });
    return sum;
  }

  ChainParams params;
  std::shared_ptr<const Network> network;
  BlockPtr head;
  StateTree state;
  ChainEvents events;  // of the last block

 private:
  std::map<Address, std::uint64_t> made_;
};

}  // namespace orrery::chain::test
