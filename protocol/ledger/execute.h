// Execution: apply(block, parent state) -> state root and events. A pure function of its arguments,
// so nodes of one process share the result through the memo.
#pragma once

#include "protocol/ledger/module.h"

namespace orrery::chain {

struct BlockResult {
  StateTree state;
  ChainEvents events;
  std::uint64_t gas = 0;
};

// The state of height 0. kInvalidArgument if the genesis allocates more than the sale pool holds or
// a bond is too small.
Result<StateTree> genesis_state(const ChainParams& params, const ModuleTable& table,
                                const Genesis& genesis);

// Executes on a copy of `parent`. kRefused if a transaction may not stand in a block, a limit is
// passed, a module refuses the body, or the state root differs from the header's.
Result<BlockResult> execute_block(const ChainParams& params, const ModuleTable& table,
                                  const StateTree& parent, const Block& block);

// Why a transaction may not be included on top of `state` at `height`, if so (nonce, fee, balance,
// expiry, chain id, payload). Used by mempools and by the executor.
Status check_inclusion(const ChainParams& params, const ModuleTable& table, const StateTree& state,
                       std::uint64_t height, const SharedTransaction& tx);

// Fills a block on top of `parent`: header fields up to `randomness` and the proofs and evidence
// are given, candidates are tried in order and left out if they may not be included. Sets the roots
// and returns what execute_block of the finished block will return. Not signed yet.
Result<BlockResult> build_block(const ChainParams& params, const ModuleTable& table,
                                const StateTree& parent, Block& block,
                                const std::vector<TransactionPtr>& candidates);

}  // namespace orrery::chain
