// Checkpoint votes (P-5). A checkpoint is the last block of a branch at or before an epoch's first
// slot; a vote names a justified source and a target. Two votes of one validator are slashable if
// they have the same target epoch, or if one surrounds the other.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "engine/base/codec.h"
#include "engine/base/hash.h"
#include "engine/base/result.h"
#include "protocol/crypto/keys.h"

namespace orrery::chain {

struct Checkpoint {
  std::uint64_t epoch = 0;
  Hash256 block;
  auto operator<=>(const Checkpoint&) const = default;
};

struct Vote {
  Checkpoint source;
  Checkpoint target;
  PublicKey validator;
  Signature signature{};
  bool operator==(const Vote&) const = default;
};

inline constexpr std::size_t kVoteBytes = 2 * (8 + 32) + 32 + 64;
inline constexpr std::uint32_t kMaxVotesPerMessage = 4096;  // above any validator set we run

void encode(Writer& out, const Vote& vote);
Vote read_vote(Reader& in);
Hash256 vote_id(std::string_view chain_id, const Vote& vote);

void sign(std::string_view chain_id, Vote& vote, const KeyPair& key);
bool check_signature(std::string_view chain_id, const Vote& vote);

enum class Equivocation : std::uint8_t { kNone, kDoubleVote, kSurround };
// Whether two votes of one validator break a slashing condition (order does not matter).
Equivocation equivocation(const Vote& a, const Vote& b);

}  // namespace orrery::chain
