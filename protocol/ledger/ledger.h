// The ledger module: transfers, genesis pools, fees, emission and its split, vesting.
#pragma once

#include <array>

#include "protocol/ledger/accounts.h"
#include "protocol/ledger/module.h"

namespace orrery::chain {

inline constexpr PayloadTag kTransferTag = 1;

struct TransferPayload {
  Address to;
  Amount amount = 0;
};
Bytes encode(const TransferPayload& payload);
Result<TransferPayload> decode_transfer(ByteView bytes);

// pay_i = floor((pot * w_i + carry_i) / W); carry_i keeps the remainder, so over many blocks nobody
// is off by a full unit, and the result does not depend on the order of receivers. What is not paid
// (at most n - 1 units) stays where the pot came from. `carry` is updated.
template <std::size_t N>
std::array<Amount, N> split_with_carry(Amount pot, const std::array<std::uint32_t, N>& weights,
                                       std::array<std::uint64_t, N>& carry);

// Emission of one block: parts per billion of what is left, rounded down (A2).
Amount emission(Amount rewards_pool, const RewardParams& rewards);

// Vested by `elapsed_ns` of `total`: floor(total * min(t, D) / D) (A8).
Amount vested(Amount total, std::int64_t elapsed_ns, Duration term);

Module ledger_module();
// Runs after the modules that earn: fees, emission, vesting.
Module rewards_module();

template <std::size_t N>
std::array<Amount, N> split_with_carry(Amount pot, const std::array<std::uint32_t, N>& weights,
                                       std::array<std::uint64_t, N>& carry) {
  u128 total = 0;
  for (std::uint32_t w : weights) total += w;
  std::array<Amount, N> paid{};
  for (std::size_t i = 0; i < N; ++i) {
    // pot < 2^90 and weights < 2^32, so the product stays below 2^128.
    const u128 numerator = pot * weights[i] + carry[i];
    paid[i] = numerator / total;
    carry[i] = static_cast<std::uint64_t>(numerator % total);
  }
  return paid;
}

}  // namespace orrery::chain
