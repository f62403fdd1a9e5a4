#include "protocol/consensus/evidence.h"
#include "protocol/consensus/lottery.h"
#include "protocol/ledger/execute.h"
#include "protocol/ledger/ledger.h"
#include "protocol/ledger/staking.h"
#include "protocol/models/registry.h"
#include "protocol/node/config.h"
#include "protocol/work/tasks.h"

namespace orrery::chain {

ModuleTable all_modules() {
  // Hooks run in this order: evidence before proofs, earnings before rewards are split, and the
  // lottery last, so that it sees the whole block.
  ModuleTable table;
  table.add(ledger_module());
  table.add(staking_module());
  table.add(models_module());
  table.add(evidence_module());
  table.add(tasks_module());
  table.add(rewards_module());
  table.add(lottery_module());
  return table;
}

Result<std::shared_ptr<const Network>> make_network(const ChainParams& params, Genesis genesis) {
  auto network = std::make_shared<Network>();
  network->params = params;
  network->modules = all_modules();
  network->genesis = std::move(genesis);
  ASSIGN_OR_RETURN(network->genesis_state,
                   genesis_state(params, network->modules, network->genesis));
  Block block;
  block.header.timestamp_ns = network->genesis.time_ns;
  block.header.state_root = network->genesis_state.root();
  block.header.transactions_root = transactions_root({});
  block.header.inference_hash = inference_hash({});
  block.header.evidence_root = evidence_root({});
  network->genesis_block = share_block(std::move(block), params.id);
  return std::shared_ptr<const Network>(std::move(network));
}

}  // namespace orrery::chain
