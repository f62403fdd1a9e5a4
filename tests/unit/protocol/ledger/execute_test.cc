// Blocks as a whole: what may stand in one, limits, the module table (G-2, G-3, G-5).
#include "protocol/ledger/execute.h"

#include <functional>

#include "tests/unit/protocol/test_chain.h"

namespace orrery::chain {
namespace {

using test::addr;
using test::key;
using test::share;
using test::TestChain;

Transaction raw_transfer(const TestChain& chain, std::uint64_t nonce) {
  return {.chain_id = chain.params.id,
          .sender = addr(key(10)),
          .nonce = nonce,
          .fee = chain.params.fees.base_fee,
          .valid_until = 1,
          .tag = kTransferTag,
          .payload = encode(TransferPayload{addr(key(11)), 1})};
}

TEST(Inclusion, RefusesEveryKindOfWrongTransaction) {
  const TestChain chain;
  const auto check = [&](const std::function<void(Transaction&)>& change, bool resign = true) {
    Transaction tx = raw_transfer(chain, 0);
    if (!resign) sign(tx, key(10));
    change(tx);
    if (resign) sign(tx, key(10));
    return check_inclusion(chain.params, chain.network->modules, chain.state, 1, *share(tx));
  };
  EXPECT_TRUE(check([](Transaction&) {}));
  EXPECT_FALSE(check([](Transaction& tx) { tx.chain_id = "other"; }));
  EXPECT_FALSE(check([](Transaction& tx) { tx.payload[0] ^= 1; }, false));  // unsigned change
  EXPECT_FALSE(check([](Transaction& tx) { tx.valid_until = 0; }));
  EXPECT_FALSE(check([&](Transaction& tx) { tx.fee -= 1; }));
  EXPECT_FALSE(check([](Transaction& tx) { tx.tag = 999; }));
  EXPECT_FALSE(check([](Transaction& tx) { tx.payload.push_back(0); }));
  EXPECT_FALSE(check([](Transaction& tx) { tx.nonce = 1; }));
  EXPECT_FALSE(check([](Transaction& tx) { tx.fee = 101 * kToken; }));
}

TEST(Block, WithATransactionThatMayNotStandInItIsRefused) {
  TestChain chain;
  const auto execute = [&](std::vector<TransactionPtr> txs) {
    Block block = chain.draft();
    block.transactions = std::move(txs);
    return execute_block(chain.params, chain.network->modules, chain.state, block);
  };
  Transaction late = raw_transfer(chain, 0);
  late.valid_until = 0;
  sign(late, key(10));
  const auto refused = execute({share(late)});
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().message, "the transaction has expired");
  const auto good = chain.transfer(key(10), addr(key(11)), 1);
  EXPECT_FALSE(execute({good, good}).has_value());  // a replay in one block
  chain.grow({good});
  EXPECT_FALSE(execute({good}).has_value());  // and in the next
}

TEST(BuildBlock, LeavesOutWhatMayNotBeIncludedAndKeepsTheRest) {
  TestChain chain;
  Transaction alien = raw_transfer(chain, 0);
  alien.tag = 999;
  sign(alien, key(10));
  const auto a = chain.transfer(key(10), addr(key(11)), 1);
  const auto b = chain.transfer(key(10), addr(key(11)), 2);
  const auto c = chain.transfer(key(11), addr(key(10)), 3);
  chain.grow({b, share(alien), a, a, c});  // b comes before its turn and is left out
  ASSERT_EQ(chain.head->block.transactions.size(), 2u);
  EXPECT_EQ(chain.head->block.transactions[0]->id, a->id);
  EXPECT_EQ(chain.head->block.transactions[1]->id, c->id);
}

TEST(Limits, OfCountGasAndBytesAreKeptByBuilderAndExecutor) {
  const std::function<void(ChainParams&)> limits[] = {
      [](ChainParams& p) { p.consensus.max_block_transactions = 3; },
      [](ChainParams& p) { p.consensus.max_block_gas = 3 * (10'000 + 10 * 217) + 5'000; },
      [](ChainParams& p) { p.consensus.max_block_bytes = 500 + 3 * 260; }};
  int i = 0;
  for (const auto& limit : limits) {
    TestChain open, tight([&] {
      ChainParams params = test::small_params();
      limit(params);
      return params;
    }());
    std::vector<TransactionPtr> txs;
    for (int n = 0; n < 8; ++n) txs.push_back(open.transfer(key(10), addr(key(11)), 1));
    const Block draft = open.draft();
    tight.grow(txs);
    const std::size_t kept = tight.head->block.transactions.size();
    EXPECT_GE(kept, 1u) << i;
    EXPECT_LE(kept, 4u) << i;
    open.grow(txs);
    ASSERT_EQ(open.head->block.transactions.size(), 8u);
    // The full block is right in all but the limit.
    const auto refused = execute_block(tight.params, tight.network->modules,
                                       tight.network->genesis_state, open.head->block);
    EXPECT_FALSE(refused.has_value()) << i;
    EXPECT_TRUE(execute_block(open.params, open.network->modules, open.network->genesis_state,
                              open.head->block)
                    .has_value());
    ++i;
  }
}

TEST(Limits, ABlockOfTheLargestTransactionsStaysWithinItsBytes) {
  TestChain chain;
  std::vector<TransactionPtr> txs;
  for (int n = 0; n < 150; ++n) {
    RequestPayload p{.model = test::digest("model"), .prompt = Bytes(7'900, 'x')};
    p.params = gpu::SamplingParams{.max_tokens = 1}.encode();
    txs.push_back(chain.tx(key(10), kRequestTag, encode(p)));
  }
  chain.grow(txs);
  EXPECT_LE(chain.head->encoded.size(), chain.params.consensus.max_block_bytes);
  EXPECT_GT(chain.head->encoded.size(), chain.params.consensus.max_block_bytes - 9'000);
}

TEST(Meter, CountsFixedCostAndBytesOfEveryTransactionAlsoOfFailedOnes) {
  TestChain chain;
  const auto good = chain.transfer(key(10), addr(key(11)), 1);
  const auto bad = chain.transfer(key(11), addr(key(10)), 1'000 * kToken);
  Block block = chain.draft();
  const auto built =
      build_block(chain.params, chain.network->modules, chain.state, block, {good, bad});
  ASSERT_TRUE(built.has_value());
  EXPECT_EQ(built->gas, 2 * 10'000 + 10 * (good->encoded.size() + bad->encoded.size()));
}

TEST(Execution, OfABlockWithAnotherStateRootIsRefused) {
  TestChain chain;
  Block block = chain.draft();
  ASSERT_TRUE(build_block(chain.params, chain.network->modules, chain.state, block, {}));
  ASSERT_TRUE(execute_block(chain.params, chain.network->modules, chain.state, block));
  block.header.state_root.bytes[0] ^= 1;
  EXPECT_FALSE(execute_block(chain.params, chain.network->modules, chain.state, block));
}

TEST(Execution, LeavesTheParentStateAsItWas) {
  TestChain chain;
  const StateTree parent = chain.state;
  const Hash256 root = parent.root();
  chain.grow({chain.transfer(key(10), addr(key(11)), 1)});
  EXPECT_EQ(parent.root(), root);
  EXPECT_NE(chain.state.root(), root);
}

Status accept(ByteView) { return {}; }
Status succeed(ExecContext&, const Transaction&) { return {}; }

TEST(Transaction, ThatFailsHalfWayLeavesNeitherStateNorEventsBehind) {
  Module module{.name = "half-way", .state_paths = {"/half/"}};
  module.payloads = {{700, "half-way", 1, accept, [](ExecContext& ctx, const Transaction& tx) {
                        set_number(ctx.state, "/half/way", 1);
                        must_move_money(ctx.state, balance_path(tx.sender), pool_path(kBurntPool),
                                        1);
                        ctx.emit({.kind = ChainEventKind::kBurnt, .amount = 1});
                        return Status(fail(ErrorCode::kRefused, "half way"));
                      }}};
  ModuleTable table = all_modules();
  table.add(module);
  TestChain chain;
  Block block = chain.draft();
  const auto tx = chain.tx(key(10), 700, {});
  const auto built = build_block(chain.params, table, chain.state, block, {tx});
  ASSERT_TRUE(built.has_value());
  ASSERT_EQ(block.transactions.size(), 1u);
  EXPECT_FALSE(built->state.contains("/half/way"));
  EXPECT_EQ(amount_at(built->state, pool_path(kBurntPool)), 0u);
  EXPECT_EQ(amount_at(built->state, balance_path(addr(key(10)))),
            100 * kToken - chain.params.fees.base_fee);
  for (const ChainEvent& e : built->events) EXPECT_NE(e.kind, ChainEventKind::kBurnt);
  EXPECT_EQ(built->events.at(0).kind, ChainEventKind::kTransactionFailed);
  EXPECT_EQ(built->events.at(0).subject, tx->id);
}

TEST(ModuleTable, RefusesEqualNamesTagsAndOverlappingPaths) {
  const Module first{.name = "a",
                     .payloads = {{7, "p", 1, accept, succeed}},
                     .state_paths = {"/a/"}};
  const auto add_second = [&](const Module& second) {
    ModuleTable table;
    table.add(first);
    table.add(second);
  };
  EXPECT_NO_THROW(add_second({.name = "b", .state_paths = {"/b/"}}));
  EXPECT_THROW(add_second({.name = "a", .state_paths = {"/b/"}}), EnsureFailure);
  EXPECT_THROW(add_second({.name = "b", .state_paths = {"/a/"}}), EnsureFailure);
  EXPECT_THROW(add_second({.name = "b", .state_paths = {"/a/deeper/"}}), EnsureFailure);
  EXPECT_THROW(add_second({.name = "b", .state_paths = {"/"}}), EnsureFailure);
  EXPECT_THROW(add_second({.name = "b", .payloads = {{7, "q", 1, accept, succeed}}}),
               EnsureFailure);
  EXPECT_THROW(add_second({.name = "b", .payloads = {{8, "q", 1, nullptr, succeed}}}),
               EnsureFailure);
}

TEST(ModuleTable, KnowsTagsAndPoolsOfPaths) {
  const ModuleTable table = all_modules();
  EXPECT_NE(table.payload(kTransferTag), nullptr);
  EXPECT_EQ(table.payload(999), nullptr);
  const Address who = addr(key(1));
  EXPECT_EQ(table.pool_of(balance_path(who)), "liquid");
  EXPECT_EQ(table.pool_of(stake_path(who)), "staked");
  EXPECT_EQ(table.pool_of(unbonding_path(5, who)), "unbonding");
  EXPECT_EQ(table.pool_of(escrow_path({})), "escrow");
  EXPECT_EQ(table.pool_of(pool_path("burnt")), "burnt");
  EXPECT_EQ(table.pool_of(nonce_path(who)), "");
  EXPECT_EQ(table.pool_of("/stakes/" + who.hex() + "/record"), "");
}

}  // namespace
}  // namespace orrery::chain
