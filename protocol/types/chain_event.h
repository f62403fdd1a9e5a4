// What executing a block did, beyond changing the state: a deterministic list kept with the block's
// result. Workers and validators act on it, checkers judge it, reports are drawn from it.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/base/hash.h"
#include "protocol/crypto/keys.h"
#include "protocol/types/params.h"

namespace orrery::chain {

enum class ChainEventKind : std::uint16_t {
  kTransactionFailed,  // subject: transaction; the sender paid fee and nonce only
  kTransfer,           // who -> other, amount
  kStaked,             // who, amount
  kUnbonding,          // who, amount, number: height of release
  kUnbonded,           // who, amount
  kFee,                // who (producer), amount: all fees of the block
  kEmission,           // amount: what left the rewards pool in this block
  kReward,             // who, amount, number: RewardRole
  kVested,             // amount released to the team account
  kSlashed,            // who, amount, number: SlashCause; subject: task or evidence
  kBurnt,              // amount
  kTaskRequested,      // subject, who: requester, amount: escrow
  kTaskAssigned,       // subject, who: worker, number: sampling seed
  kTaskUnassigned,     // subject, who: worker that missed its deadline
  kTaskCommitted,      // subject, who
  kTaskRevealed,       // subject, who, number: tokens
  kTaskChallenged,     // subject, who: challenger (zero address: replicas disagree)
  kTaskVerdict,        // subject, who: validator
  kTaskSettled,        // subject, amount: charge, number: tokens
  kTaskRefunded,       // subject, who: requester, amount: refund
  kTaskSlashed,        // subject: ended because its result was wrong, amount: refund
  kProofCarried,       // subject: task, who: producer, number: work units
};

enum class RewardRole : std::uint8_t {
  kProducer, kModels, kFund, kTreasury, kFees, kWorker, kQualityBonus, kSpeedBonus,
  kAvailabilityBonus, kChallenger
};

enum class SlashCause : std::uint8_t {
  kWrongInference, kDoubleVote, kSurroundVote, kLostChallenge
};

struct ChainEvent {
  ChainEventKind kind{};
  Hash256 subject;
  Address who;
  Address other;
  Amount amount = 0;
  std::uint64_t number = 0;
  bool operator==(const ChainEvent&) const = default;
};

using ChainEvents = std::vector<ChainEvent>;

}  // namespace orrery::chain
