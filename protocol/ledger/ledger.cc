#include "protocol/ledger/ledger.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/base/codec.h"

namespace orrery::chain {
namespace {

Status check_transfer(ByteView body) {
  auto decoded = decode_transfer(body);
  if (!decoded) return tl::unexpected<Error>(decoded.error());
  return {};
}

Status execute_transfer(ExecContext& ctx, const Transaction& tx) {
  ASSIGN_OR_RETURN(const TransferPayload payload, decode_transfer(tx.payload));
  TRY(move_money(ctx.state, balance_path(tx.sender), balance_path(payload.to), payload.amount));
  if (has_bug(ctx.params.seeded_bug, SeededBug::kPrintOnTransfer)) {
    const std::string to = balance_path(payload.to);
    set_amount(ctx.state, to, amount_at(ctx.state, to) + 1);
  }
  ctx.emit({.kind = ChainEventKind::kTransfer,
            .who = tx.sender,
            .other = payload.to,
            .amount = payload.amount});
  return {};
}

// M-1: five pools, each its percentage of the supply. The sale pool takes what rounding leaves.
Status genesis_pools(ExecContext& ctx, const Genesis&) {
  const TokenParams& token = ctx.params.token;
  const std::pair<std::string_view, std::uint32_t> shares[] = {
      {kRewardsPool, token.rewards_percent},
      {kTeamPool, token.team_percent},
      {kEcosystemPool, token.ecosystem_percent},
      {kReservePool, token.reserve_percent}};
  Amount left = token.supply;
  for (const auto& [pool, percent] : shares) {
    const Amount amount = mul_div_floor(token.supply, percent, 100);
    set_amount(ctx.state, pool_path(pool), amount);
    left -= amount;
  }
  set_amount(ctx.state, pool_path(kSalePool), left);
  return {};
}

constexpr std::string_view kGenesisTimePath = "/rewards/genesis-time";
constexpr Address kNobody{};

std::string carry_path(std::size_t i) { return fmt::format("/rewards/carry/{}", i); }

Status genesis_rewards(ExecContext& ctx, const Genesis& genesis) {
  set_number(ctx.state, kGenesisTimePath, static_cast<std::uint64_t>(genesis.time_ns));
  return {};
}

void pay(ExecContext& ctx, RewardRole role, const Address& who, const std::string& to,
         Amount amount) {
  must_move_money(ctx.state, pool_path(kRewardsPool), to, amount);
  ctx.emit({.kind = ChainEventKind::kReward,
            .who = who,
            .amount = amount,
            .number = static_cast<std::uint64_t>(role)});
}

// A5: the model share goes to model owners by tokens served in this block (prefix differences, so
// the sum is exact); without tokens it waits for the next block that has some.
void pay_models(ExecContext& ctx, Amount share) {
  pay(ctx, RewardRole::kModels, kNobody, pool_path(kModelsCarryPool), share);
  u128 total = 0;
  for (const auto& [owner, tokens] : ctx.tokens_served) total += tokens;
  if (total == 0) return;
  const Amount pot = amount_at(ctx.state, pool_path(kModelsCarryPool));
  u128 before = 0;
  for (const auto& [owner, tokens] : ctx.tokens_served) {
    const u128 after = before + tokens;
    const Amount amount = mul_div_floor(pot, after, total) - mul_div_floor(pot, before, total);
    must_move_money(ctx.state, pool_path(kModelsCarryPool), balance_path(owner), amount);
    before = after;
  }
}

void pay_emission(ExecContext& ctx) {
  const RewardParams& rewards = ctx.params.rewards;
  const Amount pot = emission(amount_at(ctx.state, pool_path(kRewardsPool)), rewards);
  std::array<std::uint64_t, 4> carry;
  for (std::size_t i = 0; i < carry.size(); ++i) carry[i] = number_at(ctx.state, carry_path(i));
  if (has_bug(ctx.params.seeded_bug, SeededBug::kSplitDust)) carry = {};
  const std::array<Amount, 4> paid = split_with_carry<4>(
      pot, {rewards.producer_weight, rewards.models_weight, rewards.fund_weight,
            rewards.treasury_weight}, carry);
  for (std::size_t i = 0; i < carry.size(); ++i) set_number(ctx.state, carry_path(i), carry[i]);
  Amount sum = 0;
  for (Amount amount : paid) sum += amount;
  ctx.emit({.kind = ChainEventKind::kEmission, .amount = sum, .number = 0});
  const bool up = has_bug(ctx.params.seeded_bug, SeededBug::kRoundRewardUp);
  pay(ctx, RewardRole::kProducer, ctx.proposer, balance_path(ctx.proposer), paid[0] + (up ? 1 : 0));
  pay_models(ctx, paid[1]);
  pay(ctx, RewardRole::kFund, kNobody, pool_path(kFundPool), paid[2]);
  pay(ctx, RewardRole::kTreasury, kNobody, pool_path(kTreasuryPool), paid[3]);
  if (has_bug(ctx.params.seeded_bug, SeededBug::kMintOneUnit) && ctx.height() % 20 == 0) {
    set_amount(ctx.state, balance_path(ctx.proposer),
               amount_at(ctx.state, balance_path(ctx.proposer)) + 1);
  }
}

void pay_fees(ExecContext& ctx) {
  const Amount fees = amount_at(ctx.state, pool_path(kFeesPool));
  if (has_bug(ctx.params.seeded_bug, SeededBug::kLoseFees)) {
    set_amount(ctx.state, pool_path(kFeesPool), 0);
    return;
  }
  must_move_money(ctx.state, pool_path(kFeesPool), balance_path(ctx.proposer), fees);
  ctx.emit({.kind = ChainEventKind::kFee, .who = ctx.proposer, .amount = fees});
}

void release_vesting(ExecContext& ctx) {
  const Amount total =
      mul_div_floor(ctx.params.token.supply, ctx.params.token.team_percent, 100);
  const auto start = static_cast<std::int64_t>(number_at(ctx.state, kGenesisTimePath));
  const Amount due = vested(total, ctx.header.timestamp_ns - start, ctx.params.token.team_vesting);
  const Amount done = total - amount_at(ctx.state, pool_path(kTeamPool));
  if (due <= done) return;
  must_move_money(ctx.state, pool_path(kTeamPool), pool_path("team"), due - done);
  ctx.emit({.kind = ChainEventKind::kVested, .amount = due - done});
}

void end_block(ExecContext& ctx) {
  pay_fees(ctx);
  pay_emission(ctx);
  release_vesting(ctx);
}

}  // namespace

Bytes encode(const TransferPayload& p) { return Writer().array(p.to.bytes).wide(p.amount).take(); }

Result<TransferPayload> decode_transfer(ByteView bytes) {
  Reader in(bytes);
  TransferPayload p;
  p.to = Address{in.array<20>()};
  p.amount = in.wide();
  TRY(in.finish());
  return p;
}

Amount emission(Amount rewards_pool, const RewardParams& rewards) {
  return mul_div_floor(rewards_pool, rewards.emission_ppb, 1'000'000'000);
}

Amount vested(Amount total, std::int64_t elapsed_ns, Duration term) {
  const std::int64_t t = std::clamp<std::int64_t>(elapsed_ns, 0, term.ns);
  return mul_div_floor(total, static_cast<u128>(t), static_cast<u128>(term.ns));
}

Module ledger_module() {
  return {.name = "ledger",
          .payloads = {{kTransferTag, "transfer", 10'000, check_transfer, execute_transfer}},
          .state_paths = {"/accounts/", "/pools/"},
          .money = {{"/accounts/", "/balance", "liquid"}, {"/pools/", "", ""}},
          .invariants = {"supply-conserved", "nonces-rise-by-one"},
          .genesis = genesis_pools};
}

Module rewards_module() {
  return {.name = "rewards",
          .state_paths = {"/rewards/"},
          .invariants = {"reward-split-exact"},
          .genesis = genesis_rewards,
          .end_block = end_block};
}

}  // namespace orrery::chain
