#include "protocol/ledger/accounts.h"

#include <fmt/format.h>

#include "engine/base/codec.h"
#include "engine/base/ensure.h"

namespace orrery::chain {

std::string balance_path(const Address& who) { return "/accounts/" + who.hex() + "/balance"; }
std::string nonce_path(const Address& who) { return "/accounts/" + who.hex() + "/nonce"; }
std::string stake_path(const Address& who) { return "/stakes/" + who.hex() + "/amount"; }
std::string unbonding_path(std::uint64_t release, const Address& who) {
  return "/unbonding/" + height_key(release) + "/" + who.hex();
}
std::string escrow_path(const Hash256& task) { return "/escrow/" + to_hex(task); }
std::string pool_path(std::string_view pool) { return "/pools/" + std::string(pool); }

Amount amount_at(const StateTree& state, std::string_view path) {
  const auto value = state.get(path);
  if (!value) return 0;
  Reader in(*value);
  const Amount amount = in.wide();
  ENSURE(in.finish().has_value(), "an amount has 16 bytes: " + std::string(path));
  return amount;
}

void set_amount(StateTree& state, std::string_view path, Amount amount) {
  if (amount == 0) {
    state.erase(path);
  } else {
    state.set(path, Writer().wide(amount).take());
  }
}

Status move_money(StateTree& state, std::string_view from, std::string_view to, Amount amount) {
  const auto left = checked_sub(amount_at(state, from), amount);
  if (!left) return fail(ErrorCode::kRefused, "not enough in " + std::string(from));
  if (amount == 0 || from == to) return {};
  const auto sum = checked_add(amount_at(state, to), amount);
  ENSURE(sum.has_value(), "an amount exceeds 128 bits: " + std::string(to));
  set_amount(state, from, *left);
  set_amount(state, to, *sum);
  return {};
}

void must_move_money(StateTree& state, std::string_view from, std::string_view to, Amount amount) {
  const Status moved = move_money(state, from, to, amount);
  ENSURE(moved.has_value(), moved.error().message);
}

std::uint64_t number_at(const StateTree& state, std::string_view path) {
  const auto value = state.get(path);
  if (!value) return 0;
  Reader in(*value);
  const std::uint64_t number = in.u64();
  ENSURE(in.finish().has_value(), "a number has 8 bytes: " + std::string(path));
  return number;
}

void set_number(StateTree& state, std::string_view path, std::uint64_t value) {
  if (value == 0) {
    state.erase(path);
  } else {
    state.set(path, Writer().u64(value).take());
  }
}

std::string height_key(std::uint64_t height) { return fmt::format("{:016x}", height); }

}  // namespace orrery::chain
