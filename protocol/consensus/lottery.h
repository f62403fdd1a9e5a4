// The Proof-of-Intelligence lottery (P-1, P-3, P-7). Once a height, a miner computes one VRF on the
// epoch seed and the height; in slot s it may produce if
//     SHA-256(domain, y, s) as a 64-bit number < target * weight.
// Weight is recent verified work, capped by the bond, plus a small floor from the bond.
#pragma once

#include <cstdint>

#include "protocol/ledger/module.h"
#include "protocol/ledger/staking.h"

namespace orrery::chain {

// Blocks that share an epoch seed (P-7).
inline constexpr std::uint64_t kSeedBlocks = 16;

// What the parent's state fixes for the next block.
struct LotteryState {
  std::uint64_t target = 0;      // per unit of weight
  std::uint64_t work = 0;        // D: least work units of proofs in the block (P-2)
  std::uint64_t last_slot = 0;   // of the parent
  Hash256 seed;                  // epoch seed
};
LotteryState lottery_state(const StateTree& state);

// The VRF input of a height.
Bytes lottery_input(const Hash256& seed, std::uint64_t height);
// The 64-bit draw of a slot.
std::uint64_t lottery_draw(const VrfOutput& y, std::uint64_t slot);
bool lottery_wins(std::uint64_t draw, std::uint64_t target, std::uint64_t weight);

// Lottery weight of a bond with these unexpired credits.
std::uint64_t lottery_weight(const ChainParams& params, Amount bond, std::uint64_t credits);
// Weight of `who` in `state`: 0 unless it has the worker role and the minimum bonded.
std::uint64_t weight_of(const StateTree& state, const ChainParams& params, const Address& who);

// The next target: one block took `slots` where `goal` were meant; integer, bounded to a factor of
// two a block, never 0.
std::uint64_t retarget(std::uint64_t target, std::uint64_t slots, std::uint64_t goal,
                       std::uint64_t window);

// T-8: work credits. They expire after WorkParams::credit_blocks and cannot be transferred.
std::uint64_t credits_of(const StateTree& state, const Address& who);
void add_credits(ExecContext& ctx, const Address& who, std::uint64_t work_units);
// Records user work carried by this block: D follows it (P-3).
void count_user_work(ExecContext& ctx, std::uint64_t work_units);

// Start of a slot as Unix time.
std::int64_t slot_time_ns(const ChainParams& params, std::int64_t genesis_ns, std::uint64_t slot);
// The slot at a wall time; 0 before genesis.
std::uint64_t slot_at(const ChainParams& params, std::int64_t genesis_ns, Time wall);

// All rules of a header on top of its parent, with the parent's state. kRefused with the reason.
Status check_header(const ChainParams& params, std::int64_t genesis_ns, const SharedBlock& parent,
                    const StateTree& parent_state, const Header& header);

Module lottery_module();

}  // namespace orrery::chain
