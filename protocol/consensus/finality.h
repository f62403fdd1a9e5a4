// Checkpoint finality (P-5), as one node sees it: collects votes, justifies a target that more than
// 2/3 of the stake links to a justified source, and finalises a source whose target is of the very
// next epoch. The stake is that of the source block's state, so all nodes count alike.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <vector>

#include "engine/env/memo.h"
#include "protocol/consensus/block_tree.h"
#include "protocol/types/vote.h"

namespace orrery::chain {

class Finality {
 public:
  // Votes kept for blocks or sources not yet known, and epochs kept behind the finalised one.
  static constexpr std::size_t kMaxWaiting = 4096;
  // Different votes kept of one validator and target epoch: two prove the offence, a few more let
  // every branch of a fork count, none beyond that is worth memory.
  static constexpr std::size_t kMaxVotesPerTarget = 4;
  static constexpr std::uint64_t kKeepEpochs = 64;
  // A vote further ahead of the clock than this is refused: it bounds what a key can make us keep.
  static constexpr std::uint64_t kMaxAhead = 2;

  Finality(const ChainParams& params, Checkpoint genesis);

  // What a new vote or block changed.
  struct Outcome {
    bool accepted = false;                // counted or kept; worth passing on
    std::vector<Checkpoint> justified;    // newly, ascending by epoch
    std::optional<Checkpoint> finalized;  // the highest newly finalised
    std::vector<Evidence> evidence;       // conflicting votes seen
    void absorb(Outcome other);
  };

  // Whether the vote's key is a validator's in the source block's state, or the head's while the
  // source is unknown. Votes of other keys are refused: they would cost memory and prove nothing.
  bool may_vote(const Vote& vote, const BlockTree& tree) const;
  // `vote` has a valid signature. `epoch` is the node's present epoch. `memo` shares electorates
  // between the nodes of a process.
  Outcome add(const Vote& vote, const BlockTree& tree, std::uint64_t epoch, env::Memo& memo);
  // Counts votes that were waiting for a block.
  Outcome retry(const BlockTree& tree, env::Memo& memo);

  const Checkpoint& justified() const { return justified_; }  // of the highest epoch
  const Checkpoint& finalized() const { return finalized_; }
  bool is_justified(const Checkpoint& checkpoint) const;

  // The votes that justified `target`, and the stake they had (numerator and denominator).
  struct Certificate {
    std::vector<Vote> votes;  // one link, distinct validators
    Amount stake = 0;
    Amount total = 0;
  };
  const Certificate* certificate(const Checkpoint& target) const;

 private:
  struct Link {
    Checkpoint source;
    Checkpoint target;
    auto operator<=>(const Link&) const = default;
  };

  Outcome count(const Vote& vote, const BlockTree& tree, env::Memo& memo);
  void judge(const Link& link, const BlockTree& tree, env::Memo& memo, Outcome& outcome);
  void wait_for_block(const Vote& vote);
  // False if the validator has too many votes for this target already.
  bool remember(const Vote& vote, Outcome& outcome);
  void forget_old();

  ChainParams params_;
  Checkpoint justified_;
  Checkpoint finalized_;
  std::map<Link, std::map<PublicKey, Vote>> links_;
  std::map<Checkpoint, Certificate> certificates_;  // of justified targets
  // By validator and target epoch.
  std::map<PublicKey, std::map<std::uint64_t, std::vector<Vote>>> history_;
  std::set<std::pair<PublicKey, std::uint64_t>> reported_;  // conflicts already turned in
  // By target epoch and id: the earliest epochs are needed first, so the latest make room.
  std::map<std::pair<std::uint64_t, Hash256>, Vote> waiting_;
};

}  // namespace orrery::chain
