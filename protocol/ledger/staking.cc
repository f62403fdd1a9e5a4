#include "protocol/ledger/staking.h"

#include <algorithm>
#include <string>
#include <vector>

namespace orrery::chain {
namespace {

constexpr std::string_view kRecordSuffix = "/record";

std::string record_path(const Address& who) {
  return "/stakes/" + who.hex() + std::string(kRecordSuffix);
}

void write_record(Writer& out, const StakeRecord& r) {
  out.array(r.key.bytes).boolean(r.validator).boolean(r.worker).u32(r.open);
  out.u64(r.missed).u64(r.delivered);
}

StakeRecord read_record(ByteView bytes) {
  Reader in(bytes);
  StakeRecord r;
  r.key = PublicKey{in.array<32>()};
  r.validator = in.boolean();
  r.worker = in.boolean();
  r.open = in.u32();
  r.missed = in.u64();
  r.delivered = in.u64();
  ENSURE(in.finish().has_value(), "a stake record is written by us alone");
  return r;
}

Status execute_stake(ExecContext& ctx, const Transaction& tx) {
  ASSIGN_OR_RETURN(const StakePayload payload, decode_stake(tx.payload));
  if (tx.authorization.policy.keys.size() != 1) {
    return fail(ErrorCode::kRefused, "a bond needs one key that signs for it");
  }
  const Amount total = amount_at(ctx.state, stake_path(tx.sender)) + payload.amount;
  if (total < ctx.params.stake.minimum) {
    return fail(ErrorCode::kRefused, "the bond is below the minimum");
  }
  TRY(move_money(ctx.state, balance_path(tx.sender), stake_path(tx.sender), payload.amount));
  StakeRecord record = stake_record(ctx.state, tx.sender).value_or(StakeRecord{});
  record.key = tx.authorization.policy.keys[0];
  record.validator = payload.validator;
  record.worker = payload.worker;
  set_stake_record(ctx.state, tx.sender, record);
  ctx.emit({.kind = ChainEventKind::kStaked, .who = tx.sender, .amount = payload.amount});
  return {};
}

Status execute_unstake(ExecContext& ctx, const Transaction& tx) {
  ASSIGN_OR_RETURN(const UnstakePayload payload, decode_unstake(tx.payload));
  const Amount bonded = amount_at(ctx.state, stake_path(tx.sender));
  if (payload.amount == 0 || payload.amount > bonded) {
    return fail(ErrorCode::kRefused, "more than is bonded");
  }
  const Amount rest = bonded - payload.amount;
  if (rest != 0 && rest < ctx.params.stake.minimum) {
    return fail(ErrorCode::kRefused, "what stays bonded is below the minimum");
  }
  const auto record = stake_record(ctx.state, tx.sender);
  if (record && record->open > 0) {
    return fail(ErrorCode::kRefused, "assigned tasks are still open");
  }
  const std::uint64_t release = ctx.height() + ctx.params.stake.unbonding_blocks;
  must_move_money(ctx.state, stake_path(tx.sender), unbonding_path(release, tx.sender),
                  payload.amount);
  ctx.emit({.kind = ChainEventKind::kUnbonding,
            .who = tx.sender,
            .amount = payload.amount,
            .number = release});
  return {};
}

Status genesis(ExecContext& ctx, const Genesis& genesis) {
  for (const GenesisAccount& account : genesis.accounts) {
    const Address who = address_of(account.key);
    TRY(move_money(ctx.state, pool_path(kSalePool), balance_path(who), account.balance));
    if (account.stake == 0) continue;
    if (account.stake < ctx.params.stake.minimum) {
      return fail(ErrorCode::kInvalidArgument, "a genesis bond is below the minimum");
    }
    TRY(move_money(ctx.state, pool_path(kSalePool), stake_path(who), account.stake));
    set_stake_record(
        ctx.state, who,
        {.key = account.key, .validator = account.validator, .worker = account.worker});
  }
  return {};
}

// Leaves that hold what is slashable, the bond first.
std::vector<std::string> bond_paths(const StateTree& state, std::uint64_t height,
                                    const Address& who) {
  std::vector<std::string> paths{stake_path(who)};
  const std::string first = "/unbonding/" + height_key(height + 1);
  const std::string suffix = "/" + who.hex();
  state.for_each("/unbonding/", [&](std::string_view path, ByteView) {
    if (path > first && path.ends_with(suffix)) paths.emplace_back(path);
    return true;
  });
  return paths;
}

void take(StateTree& state, const std::vector<std::string>& from, std::string_view to,
          Amount amount) {
  for (const std::string& path : from) {
    const Amount part = std::min(amount, amount_at(state, path));
    must_move_money(state, path, to, part);
    amount -= part;
  }
  ENSURE(amount == 0, "no more is taken than there is");
}

void release_unbonded(ExecContext& ctx) {
  // The seeded bug releases a bond right after it was given notice.
  const bool early = has_bug(ctx.params.seeded_bug, SeededBug::kEarlyUnbond);
  const std::string prefix =
      early ? "/unbonding/" : "/unbonding/" + height_key(ctx.height()) + "/";
  std::vector<std::string> due;
  ctx.state.for_each(prefix, [&](std::string_view path, ByteView) {
    due.emplace_back(path);
    return true;
  });
  for (const std::string& path : due) {
    const auto who = Address::from_hex(std::string_view(path).substr(path.size() - 40));
    ENSURE(who.has_value(), "an unbonding path ends in an address");
    const Amount amount = amount_at(ctx.state, path);
    must_move_money(ctx.state, path, balance_path(*who), amount);
    ctx.emit({.kind = ChainEventKind::kUnbonded, .who = *who, .amount = amount});
  }
}

template <auto Decode>
Status check(ByteView body) {
  auto decoded = Decode(body);
  if (!decoded) return tl::unexpected<Error>(decoded.error());
  return {};
}

}  // namespace

Bytes encode(const StakePayload& p) {
  return Writer().wide(p.amount).boolean(p.validator).boolean(p.worker).take();
}
Bytes encode(const UnstakePayload& p) { return Writer().wide(p.amount).take(); }

Result<StakePayload> decode_stake(ByteView bytes) {
  Reader in(bytes);
  StakePayload p;
  p.amount = in.wide();
  p.validator = in.boolean();
  p.worker = in.boolean();
  TRY(in.finish());
  return p;
}

Result<UnstakePayload> decode_unstake(ByteView bytes) {
  Reader in(bytes);
  const UnstakePayload p{in.wide()};
  TRY(in.finish());
  return p;
}

std::optional<StakeRecord> stake_record(const StateTree& state, const Address& who) {
  const auto value = state.get(record_path(who));
  if (!value) return std::nullopt;
  return read_record(*value);
}

void set_stake_record(StateTree& state, const Address& who, const StakeRecord& record) {
  Writer out;
  write_record(out, record);
  state.set(record_path(who), out.take());
}

std::vector<Stake> active_stakes(const StateTree& state, const ChainParams& params) {
  std::vector<Stake> stakes;
  Amount amount = 0;  // of the address being visited: "/amount" sorts before "/record"
  state.for_each("/stakes/", [&](std::string_view path, ByteView value) {
    if (!path.ends_with(kRecordSuffix)) {
      amount = Reader(value).wide();
      return true;
    }
    const StakeRecord record = read_record(value);
    if (amount >= params.stake.minimum) {
      stakes.push_back({address_of(record.key), record, amount});
    }
    amount = 0;
    return true;
  });
  return stakes;
}

Amount slashable(const StateTree& state, std::uint64_t height, const Address& who) {
  Amount sum = 0;
  for (const std::string& path : bond_paths(state, height, who)) sum += amount_at(state, path);
  return sum;
}

Amount slash(ExecContext& ctx, const Slash& slash) {
  const std::vector<std::string> paths = bond_paths(ctx.state, ctx.height(), slash.who);
  const Amount bonded = slashable(ctx.state, ctx.height(), slash.who);
  Amount taken = mul_div_floor(bonded, slash.ppm, 1'000'000);
  Amount share = 0;
  if (slash.winner) {
    share = mul_div_floor(taken, ctx.params.stake.challenger_share_ppm, 1'000'000);
    take(ctx.state, paths, balance_path(*slash.winner), share);
  }
  take(ctx.state, paths, pool_path(kBurntPool), taken - share);
  if (has_bug(ctx.params.seeded_bug, SeededBug::kNegativeSlash)) {
    taken = bonded + 1;
  }
  ctx.emit({.kind = ChainEventKind::kSlashed,
            .subject = slash.subject,
            .who = slash.who,
            .amount = taken,
            .number = static_cast<std::uint64_t>(slash.cause)});
  if (share > 0) {
    ctx.emit({.kind = ChainEventKind::kReward,
              .who = *slash.winner,
              .amount = share,
              .number = static_cast<std::uint64_t>(RewardRole::kChallenger)});
  }
  ctx.emit({.kind = ChainEventKind::kBurnt, .amount = taken - share});
  return taken;
}

Module staking_module() {
  return {.name = "staking",
          .payloads = {{kStakeTag, "stake", 20'000, check<decode_stake>, execute_stake},
                       {kUnstakeTag, "unstake", 20'000, check<decode_unstake>, execute_unstake}},
          .state_paths = {"/stakes/", "/unbonding/"},
          .money = {{"/stakes/", "/amount", "staked"}, {"/unbonding/", "", "unbonding"}},
          .invariants = {"slash-within-bond", "unbonding-delay", "honest-never-slashed"},
          .genesis = genesis,
          .end_block = release_unbonded};
}

}  // namespace orrery::chain
