// Money on the state tree. Every amount is a leaf of 16 bytes; an absent leaf is zero; all changes
// of money outside genesis go through `move_money`, which conserves the sum.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "engine/base/result.h"
#include "protocol/crypto/keys.h"
#include "protocol/types/params.h"
#include "protocol/types/state_tree.h"

namespace orrery::chain {

// Paths of leaves that hold money.
std::string balance_path(const Address& who);                          // pool "liquid"
std::string stake_path(const Address& who);                            // pool "staked"
std::string unbonding_path(std::uint64_t release, const Address& who);  // pool "unbonding"
std::string escrow_path(const Hash256& task);                          // pool "escrow"
std::string pool_path(std::string_view pool);                          // the pool's own name

// Names of pools (M-1, M-2, A5, A16).
inline constexpr std::string_view kRewardsPool = "rewards";
inline constexpr std::string_view kTeamPool = "vesting";
inline constexpr std::string_view kEcosystemPool = "ecosystem";
inline constexpr std::string_view kSalePool = "sale";
inline constexpr std::string_view kReservePool = "reserve";
inline constexpr std::string_view kFundPool = "fund";
inline constexpr std::string_view kTreasuryPool = "treasury";
inline constexpr std::string_view kModelsCarryPool = "models-carry";
inline constexpr std::string_view kFeesPool = "fees";  // empty between blocks
inline constexpr std::string_view kBurntPool = "burnt";

std::string nonce_path(const Address& who);

Amount amount_at(const StateTree& state, std::string_view path);
void set_amount(StateTree& state, std::string_view path, Amount amount);  // zero erases the leaf

// kRefused if `from` holds less; then nothing has changed.
Status move_money(StateTree& state, std::string_view from, std::string_view to, Amount amount);
// For moves that the caller has already shown to be covered.
void must_move_money(StateTree& state, std::string_view from, std::string_view to, Amount amount);

std::uint64_t number_at(const StateTree& state, std::string_view path);
void set_number(StateTree& state, std::string_view path, std::uint64_t value);

// Sixteen digits, so that paths sort by number.
std::string height_key(std::uint64_t height);

}  // namespace orrery::chain
