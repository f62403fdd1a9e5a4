#include "protocol/consensus/lottery.h"

#include <algorithm>

#include "engine/base/codec.h"

namespace orrery::chain {
namespace {

constexpr std::string_view kTargetPath = "/consensus/target";
constexpr std::string_view kWorkPath = "/consensus/work";
// User work: moving average in work units a block, and what this block carries.
constexpr std::string_view kUserWorkPath = "/consensus/user-work";
constexpr std::string_view kCarriedPath = "/consensus/carried";
constexpr std::string_view kSlotPath = "/consensus/slot";
constexpr std::string_view kSeedPath = "/consensus/seed";
constexpr std::string_view kMixPath = "/consensus/mix";

std::string credit_path(const Address& who) { return "/credits/of/" + who.hex(); }
std::string expiry_path(std::uint64_t height, const Address& who) {
  return "/credits/expire/" + height_key(height) + "/" + who.hex();
}

Hash256 hash_at(const StateTree& state, std::string_view path) {
  const auto value = state.get(path);
  return value ? Reader(*value).hash() : Hash256{};
}

void set_hash(StateTree& state, std::string_view path, const Hash256& hash) {
  state.set(path, Writer().hash(hash).take());
}

std::uint64_t goal_slots(const ChainParams& params) {
  return static_cast<std::uint64_t>(params.consensus.block_interval.ns / params.consensus.slot.ns);
}

Status genesis(ExecContext& ctx, const Genesis& genesis) {
  u128 weight = 0;
  for (const GenesisAccount& account : genesis.accounts) {
    if (account.worker) weight += lottery_weight(ctx.params, account.stake, 0);
  }
  if (weight == 0) return fail(ErrorCode::kInvalidArgument, "no miner has a bond at genesis");
  const u128 whole = static_cast<u128>(1) << 64;
  const u128 target =
      std::clamp<u128>(whole / (weight * goal_slots(ctx.params)), 1, UINT64_MAX);
  set_number(ctx.state, kTargetPath, static_cast<std::uint64_t>(target));
  set_number(ctx.state, kWorkPath, ctx.params.work.block_work);
  set_hash(ctx.state, kSeedPath, sha256(as_bytes("orrery/genesis-seed/" + ctx.params.id)));
  return {};
}

void expire_credits(ExecContext& ctx) {
  const std::string prefix = "/credits/expire/" + height_key(ctx.height()) + "/";
  std::vector<std::string> due;
  ctx.state.for_each(prefix, [&](std::string_view path, ByteView) {
    due.emplace_back(path);
    return true;
  });
  for (const std::string& path : due) {
    const auto who = Address::from_hex(std::string_view(path).substr(path.size() - 40));
    ENSURE(who.has_value(), "a credit path ends in an address");
    const std::uint64_t left = credits_of(ctx.state, *who);
    set_number(ctx.state, credit_path(*who), left - number_at(ctx.state, path));
    ctx.state.erase(path);
  }
}

// P-3: D is the floor plus half of what users' tasks bring on average, at most ten floors.
void follow_capacity(ExecContext& ctx) {
  const std::uint64_t average = number_at(ctx.state, kUserWorkPath);
  const std::uint64_t now = number_at(ctx.state, kCarriedPath);
  const std::uint64_t next = average - average / 16 + now / 16;
  set_number(ctx.state, kUserWorkPath, next);
  set_number(ctx.state, kCarriedPath, 0);
  const std::uint64_t floor = ctx.params.work.block_work;
  set_number(ctx.state, kWorkPath, floor + std::min(next / 2, 9 * floor));
}

void end_block(ExecContext& ctx) {
  const LotteryState now = lottery_state(ctx.state);
  set_number(ctx.state, kTargetPath,
             retarget(now.target, ctx.header.slot - now.last_slot, goal_slots(ctx.params),
                      ctx.params.consensus.retarget_window));
  set_number(ctx.state, kSlotPath, ctx.header.slot);
  Sha256 mix;
  set_hash(ctx.state, kMixPath,
           mix.update(hash_at(ctx.state, kMixPath).view()).update(ctx.beacon.view()).finish());
  if (ctx.height() % kSeedBlocks == 0) set_hash(ctx.state, kSeedPath, hash_at(ctx.state, kMixPath));
  expire_credits(ctx);
  follow_capacity(ctx);
}

}  // namespace

LotteryState lottery_state(const StateTree& state) {
  return {number_at(state, kTargetPath), number_at(state, kWorkPath), number_at(state, kSlotPath),
          hash_at(state, kSeedPath)};
}

Bytes lottery_input(const Hash256& seed, std::uint64_t height) {
  return Writer().text("orrery/lottery-input/1").hash(seed).u64(height).take();
}

std::uint64_t lottery_draw(const VrfOutput& y, std::uint64_t slot) {
  Writer out;
  out.text("orrery/lottery/1").array(y.bytes).u64(slot);
  return sha256(out.view()).prefix();
}

bool lottery_wins(std::uint64_t draw, std::uint64_t target, std::uint64_t weight) {
  return draw < static_cast<u128>(target) * weight;
}

std::uint64_t lottery_weight(const ChainParams& params, Amount bond, std::uint64_t credits) {
  const Amount thousand = unit_of(params.token) * 1000;
  const auto scale = [&](std::uint64_t per_1000) {
    return static_cast<std::uint64_t>(mul_div_floor(bond, per_1000, thousand));
  };
  const std::uint64_t cap = scale(params.work.credit_cap_per_1000_tokens);
  return scale(params.consensus.floor_weight_per_1000_tokens) +
         std::min(credits / params.work.credit_unit, cap);
}

std::uint64_t weight_of(const StateTree& state, const ChainParams& params, const Address& who) {
  const auto record = stake_record(state, who);
  const Amount bond = amount_at(state, stake_path(who));
  if (!record || !record->worker || bond < params.stake.minimum) return 0;
  return lottery_weight(params, bond, credits_of(state, who));
}

std::uint64_t retarget(std::uint64_t target, std::uint64_t slots, std::uint64_t goal,
                       std::uint64_t window) {
  // target * (1 + (slots - goal) / (goal * window)), the error clamped so that one block moves the
  // target by at most a factor of two.
  const i128 span = static_cast<i128>(goal) * static_cast<i128>(window);
  const i128 error = std::clamp<i128>(static_cast<i128>(slots) - static_cast<i128>(goal),
                                      -(span / 2), span);
  const i128 next = static_cast<i128>(target) + static_cast<i128>(target) * error / span;
  return static_cast<std::uint64_t>(
      std::clamp<i128>(next, 1, static_cast<i128>(UINT64_MAX)));
}

std::uint64_t credits_of(const StateTree& state, const Address& who) {
  return number_at(state, credit_path(who));
}

void add_credits(ExecContext& ctx, const Address& who, std::uint64_t work_units) {
  const std::string expiry = expiry_path(ctx.height() + ctx.params.work.credit_blocks, who);
  set_number(ctx.state, expiry, number_at(ctx.state, expiry) + work_units);
  set_number(ctx.state, credit_path(who), credits_of(ctx.state, who) + work_units);
}

void count_user_work(ExecContext& ctx, std::uint64_t work_units) {
  set_number(ctx.state, kCarriedPath, number_at(ctx.state, kCarriedPath) + work_units);
}

std::int64_t slot_time_ns(const ChainParams& params, std::int64_t genesis_ns, std::uint64_t slot) {
  return genesis_ns + static_cast<std::int64_t>(slot) * params.consensus.slot.ns;
}

std::uint64_t slot_at(const ChainParams& params, std::int64_t genesis_ns, Time wall) {
  if (wall.ns < genesis_ns) return 0;
  return static_cast<std::uint64_t>((wall.ns - genesis_ns) / params.consensus.slot.ns);
}

Status check_header(const ChainParams& params, std::int64_t genesis_ns, const SharedBlock& parent,
                    const StateTree& parent_state, const Header& header) {
  const auto refuse = [](const char* why) { return fail(ErrorCode::kRefused, why); };
  const LotteryState lottery = lottery_state(parent_state);
  if (header.parent != parent.hash) return refuse("the parent is another block");
  if (header.height != parent.header().height + 1) return refuse("heights rise by one");
  if (header.slot <= parent.header().slot) return refuse("slots rise");
  if (header.timestamp_ns != slot_time_ns(params, genesis_ns, header.slot)) {
    return refuse("the timestamp is not the start of the slot");
  }
  if (header.difficulty != lottery.target) {
    return refuse("the difficulty is not the parent's target");
  }
  if (header.work != lottery.work) return refuse("the work is not what the parent asks for");
  if (!check_signature(params.id, header)) return refuse("the producer's signature is wrong");
  const auto y = vrf_verify(header.proposer, lottery_input(lottery.seed, header.height),
                            header.randomness);
  if (!y) return refuse("the randomness is not the producer's VRF");
  if (header.nonce != lottery_draw(*y, header.slot)) return refuse("the nonce is not the draw");
  const std::uint64_t weight = weight_of(parent_state, params, address_of(header.proposer));
  if (!lottery_wins(header.nonce, lottery.target, weight)) {
    return refuse("the draw does not beat the target");
  }
  return {};
}

Module lottery_module() {
  return {.name = "lottery",
          .state_paths = {"/consensus/", "/credits/"},
          .invariants = {"state-root-equal"},
          .genesis = genesis,
          .end_block = end_block};
}

}  // namespace orrery::chain
