// Bonds: stake, unstake with a delay, slashing. A record beside the bonded amount says which key
// signs for it and which roles it may fill.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "engine/base/codec.h"
#include "protocol/ledger/accounts.h"
#include "protocol/ledger/module.h"

namespace orrery::chain {

inline constexpr PayloadTag kStakeTag = 2;
inline constexpr PayloadTag kUnstakeTag = 3;

struct StakePayload {
  Amount amount = 0;
  bool validator = false;
  bool worker = false;
};
struct UnstakePayload {
  Amount amount = 0;
};
Bytes encode(const StakePayload& payload);
Bytes encode(const UnstakePayload& payload);
Result<StakePayload> decode_stake(ByteView bytes);
Result<UnstakePayload> decode_unstake(ByteView bytes);

struct StakeRecord {
  PublicKey key;
  bool validator = false;
  bool worker = false;
  std::uint32_t open = 0;       // tasks assigned and not ended
  std::uint64_t missed = 0;     // assignments not delivered in time
  std::uint64_t delivered = 0;  // results revealed
};
struct Stake {
  Address who;
  StakeRecord record;
  Amount amount = 0;
};

std::optional<StakeRecord> stake_record(const StateTree& state, const Address& who);
void set_stake_record(StateTree& state, const Address& who, const StakeRecord& record);

// All stakes with at least the minimum bonded, ascending by address.
std::vector<Stake> active_stakes(const StateTree& state, const ChainParams& params);

// What answers for offences of `who`: its bond, and bonds given notice of that are not released by
// the end of block `height`. That is what the delay is for: an offender cannot run with its money.
Amount slashable(const StateTree& state, std::uint64_t height, const Address& who);

// Takes `ppm` parts per million of what is slashable of `who`; `winner` (if any) gets the
// challenger's share, the rest is burnt (A16). Returns the amount taken: never more than the bond.
struct Slash {
  Address who;
  std::uint32_t ppm = 0;
  SlashCause cause{};
  Hash256 subject;
  std::optional<Address> winner;
};
Amount slash(ExecContext& ctx, const Slash& slash);

Module staking_module();

}  // namespace orrery::chain
