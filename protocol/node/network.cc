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

namespace {

// What the arithmetic of the modules relies on; scenarios have stricter ranges of their own.
Status check_params(const ChainParams& p) {
  const auto refuse = [](const char* why) { return fail(ErrorCode::kInvalidArgument, why); };
  if (p.id.empty() || p.id.size() > kMaxChainIdBytes) {
    return refuse("a chain id has 1 to 32 bytes");
  }
  const TokenParams& t = p.token;
  const std::uint64_t percent = std::uint64_t{t.rewards_percent} + t.team_percent +
                                t.ecosystem_percent + t.sale_percent + t.reserve_percent;
  if (percent != 100) return refuse("the genesis pools sum to 100 %");
  constexpr Amount kMaxSupply = static_cast<Amount>(1) << 95;  // times a 32-bit weight fits
  if (t.decimals > 24) return refuse("a token has at most 24 decimals");
  if (t.supply == 0 || t.supply > kMaxSupply) return refuse("a supply lies in 1 .. 2^95 units");
  if (t.team_vesting.ns <= 0) return refuse("vesting takes time");
  constexpr std::uint32_t kWhole = 1'000'000;
  const StakeParams& s = p.stake;
  if (s.slash_wrong_inference_ppm > kWhole || s.slash_equivocation_ppm > kWhole ||
      s.slash_lost_challenge_ppm > kWhole || s.challenger_share_ppm > kWhole) {
    return refuse("nobody is slashed for more than all");
  }
  const RewardParams& r = p.rewards;
  if (r.emission_ppb > 1'000'000'000) return refuse("no block emits more than the pool");
  if (std::uint64_t{r.producer_weight} + r.models_weight + r.fund_weight + r.treasury_weight == 0) {
    return refuse("the reward's weights are not all zero");
  }
  const ConsensusParams& c = p.consensus;
  if (c.slot.ns <= 0 || c.block_interval < c.slot) {
    return refuse("a block interval is at least one slot, which takes time");
  }
  if (c.epoch_slots == 0 || c.retarget_window == 0) {
    return refuse("an epoch and the retarget window are not empty");
  }
  const WorkParams& w = p.work;
  if (w.replicas == 0 || w.replicas > kMaxReplicas) return refuse("1 to 5 replicas do a task");
  if (w.ageing_blocks == 0 || w.credit_unit == 0 || w.background_tokens == 0) {
    return refuse("ageing_blocks, credit_unit and background_tokens are at least 1");
  }
  if (w.max_prompt_bytes > kMaxPayloadBytes) return refuse("a prompt fits into a transaction");
  return {};
}

}  // namespace

Result<std::shared_ptr<const Network>> make_network(const ChainParams& params, Genesis genesis) {
  TRY(check_params(params));
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
