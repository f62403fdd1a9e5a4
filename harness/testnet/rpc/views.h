// Chain values as JSON: blocks, transactions, tasks. Pure functions.
#pragma once

#include <optional>
#include <string>

#include "harness/testnet/rpc/json.h"
#include "protocol/ledger/module.h"
#include "protocol/types/block.h"
#include "protocol/work/task.h"

namespace orrery::testnet {

// Height, hash, parent, time, proposer and counts: what newBlock says and lists show.
std::vector<Member> block_summary(const chain::SharedBlock& block);
// The same with header fields, transactions, proofs and evidence.
struct BlockStanding {
  bool canonical = false;
  bool final = false;
};
Json block_json(const chain::SharedBlock& block, const chain::ModuleTable& modules,
                const BlockStanding& standing);
// Envelope, and what the payload says for the kinds of transactions that people ask about.
std::vector<Member> transaction_members(const chain::SharedTransaction& tx,
                                        const chain::ModuleTable& modules);
// `model_name`: empty if the chain does not know the model.
Json task_json(const chain::Task& task, const std::string& model_name);

std::string type_name(const chain::Transaction& tx, const chain::ModuleTable& modules);
// Unix milliseconds, for JavaScript's clock.
std::int64_t unix_ms(std::int64_t unix_ns);

}  // namespace orrery::testnet
