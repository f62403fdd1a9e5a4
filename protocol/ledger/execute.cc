#include "protocol/ledger/execute.h"

#include <fmt/format.h>

#include "protocol/ledger/accounts.h"

namespace orrery::chain {
namespace {

constexpr std::uint64_t kGasPerByte = 10;  // storage and signature cost grow with size (G-5)

std::uint64_t gas_of(const PayloadSpec& spec, const SharedTransaction& tx) {
  return spec.gas + kGasPerByte * tx.encoded.size();
}

Hash256 beacon_of(const VrfProof& proof) {
  const auto output = vrf_proof_to_hash(proof);
  return output ? sha256(output->view()) : Hash256{};
}

ExecContext make_context(const ChainParams& params, StateTree& state, ChainEvents& events,
                         const Header& header) {
  return {.params = params,
          .state = state,
          .events = events,
          .header = header,
          .proposer = address_of(header.proposer),
          .beacon = beacon_of(header.randomness)};
}

// Fee and nonce always; the payload only if it succeeds (G-5).
void apply_transaction(ExecContext& ctx, const ModuleTable& table,
                       const SharedTransaction& shared) {
  const Transaction& tx = shared.tx;
  const PayloadSpec& spec = *table.payload(tx.tag);
  must_move_money(ctx.state, balance_path(tx.sender), pool_path(kFeesPool), tx.fee);
  const bool skip = has_bug(ctx.params.seeded_bug, SeededBug::kSkipNonce) && tx.nonce == 3;
  set_number(ctx.state, nonce_path(tx.sender), tx.nonce + (skip ? 2 : 1));
  ctx.gas += gas_of(spec, shared);
  const StateTree before = ctx.state;
  const std::size_t events = ctx.events.size();
  if (spec.execute(ctx, tx)) return;
  ctx.state = before;
  ctx.events.resize(events);
  ctx.emit({.kind = ChainEventKind::kTransactionFailed, .subject = shared.id, .who = tx.sender});
}

Status apply_body(ExecContext& ctx, const ModuleTable& table, const Block& block) {
  for (const Module& module : table.modules()) {
    if (module.body) TRY(module.body(ctx, block));
  }
  return {};
}

void finish_block(ExecContext& ctx, const ModuleTable& table) {
  for (const Module& module : table.modules()) {
    if (module.end_block) module.end_block(ctx);
  }
}

}  // namespace

Result<StateTree> genesis_state(const ChainParams& params, const ModuleTable& table,
                                const Genesis& genesis) {
  StateTree state;
  ChainEvents events;
  Header header;
  header.timestamp_ns = genesis.time_ns;
  ExecContext ctx{.params = params, .state = state, .events = events, .header = header};
  for (const Module& module : table.modules()) {
    if (module.genesis) TRY(module.genesis(ctx, genesis));
  }
  return state;
}

Status check_inclusion(const ChainParams& params, const ModuleTable& table, const StateTree& state,
                       std::uint64_t height, const SharedTransaction& shared) {
  const Transaction& tx = shared.tx;
  const auto refuse = [](std::string why) { return fail(ErrorCode::kRefused, std::move(why)); };
  if (tx.chain_id != params.id) return refuse("the transaction is for another chain");
  if (!shared.authorized) return refuse("a signature is missing or wrong");
  if (tx.valid_until < height) return refuse("the transaction has expired");
  if (tx.fee < params.fees.base_fee) return refuse("the fee is below the base fee");
  const PayloadSpec* spec = table.payload(tx.tag);
  if (!spec) return refuse(fmt::format("unknown payload {}", tx.tag));
  TRY(spec->check(tx.payload));
  const std::uint64_t nonce = number_at(state, nonce_path(tx.sender));
  if (tx.nonce != nonce) {
    return refuse(fmt::format("the nonce is {}, the sender's next is {}", tx.nonce, nonce));
  }
  if (amount_at(state, balance_path(tx.sender)) < tx.fee) return refuse("the fee is not covered");
  return {};
}

Result<BlockResult> execute_block(const ChainParams& params, const ModuleTable& table,
                                  const StateTree& parent, const Block& block) {
  const ConsensusParams& limits = params.consensus;
  if (block.transactions.size() > limits.max_block_transactions) {
    return fail(ErrorCode::kRefused, "too many transactions in a block");
  }
  if (encoded_size(block) > limits.max_block_bytes) {
    return fail(ErrorCode::kRefused, "a block of too many bytes");
  }
  BlockResult result{.state = parent};
  ExecContext ctx = make_context(params, result.state, result.events, block.header);
  TRY(apply_body(ctx, table, block));
  for (const TransactionPtr& tx : block.transactions) {
    TRY(check_inclusion(params, table, ctx.state, ctx.height(), *tx));
    apply_transaction(ctx, table, *tx);
    if (ctx.gas > limits.max_block_gas) {
      return fail(ErrorCode::kRefused, "the block exceeds its gas limit");
    }
  }
  finish_block(ctx, table);
  result.gas = ctx.gas;
  if (result.state.root() != block.header.state_root) {
    return fail(ErrorCode::kRefused, "the state root is not what execution gives");
  }
  return result;
}

Result<BlockResult> build_block(const ChainParams& params, const ModuleTable& table,
                                const StateTree& parent, Block& block,
                                const std::vector<TransactionPtr>& candidates) {
  const ConsensusParams& limits = params.consensus;
  BlockResult result{.state = parent};
  ExecContext ctx = make_context(params, result.state, result.events, block.header);
  TRY(apply_body(ctx, table, block));
  block.transactions.clear();
  std::size_t bytes = encoded_size(block);
  for (const TransactionPtr& tx : candidates) {
    if (block.transactions.size() >= limits.max_block_transactions) break;
    if (!check_inclusion(params, table, ctx.state, ctx.height(), *tx)) continue;
    const std::size_t size = tx->encoded.size() + 4;
    const std::uint64_t gas = gas_of(*table.payload(tx->tx.tag), *tx);
    if (bytes + size > limits.max_block_bytes || ctx.gas + gas > limits.max_block_gas) continue;
    apply_transaction(ctx, table, *tx);
    bytes += size;
    block.transactions.push_back(tx);
  }
  finish_block(ctx, table);
  result.gas = ctx.gas;
  Header& header = block.header;
  header.transactions_root = transactions_root(block.transactions);
  header.inference_hash = inference_hash(block.proofs);
  header.evidence_root = evidence_root(block.evidence);
  header.state_root = result.state.root();
  return result;
}

}  // namespace orrery::chain
