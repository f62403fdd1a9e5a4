// Deliberate bugs, one at a time, compiled only into test builds (ORRERY_SEEDED_BUGS): each must be
// caught by the invariant named here, or, where none is named, by a swarm (tests/golden/bug_board).
// In every other build has_bug is constant false and the code behind it vanishes.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace orrery::chain {

enum class SeededBug : std::uint8_t {
  kNone,
  kMintOneUnit,         // supply-conserved
  kVoteBeforeSync,      // vote-durable-before-send
  kAcceptWrongInference,  // wrong-inference-never-settles
  kLoseFinalized,       // finalized-survives-crash
  kSignTwice,           // honest-never-equivocates
  kForgetEscrow,        // escrow-matches-open-tasks
  kDoubleSettle,        // task-settles-once
  kSkipNonce,           // nonces-rise-by-one
  kQuorumOffByOne,      // certificate-has-quorum
  kNegativeSlash,       // slash-within-bond
  kSplitDust,           // reward-split-exact
  kFinalizeFork,        // finality-agreement
  kStateDrift,          // state-root-equal
  kPayUnassigned,       // pay-needs-assignment
  kIllegalTransition,   // task-automaton
  kEarlyUnbond,         // unbonding-delay
  kSlashHonest,         // honest-never-slashed
  kForgetDeadline,      // tasks-end-in-time
  kForgetReplan,        // clock: a slot that the clock took back is the last one
  kRoundRewardUp,       // rounding: the producer gets a unit more than its part
  kEpochWraps,          // codec: a vote's epoch is kept in six bits
  kBanEarly,            // peers: who is ahead of our clock is banned
  kLocalOrder,          // ordering: validators execute transactions backwards
  kSlashProposer,       // identity: the wrong one is slashed, for results and for votes
  kNoChallengeWindow,   // deadlines: results settle before anybody can challenge
  kLoseFees,            // money: a block's fees vanish
  kChallengeRight,      // verification: a right result is disputed
  kAckBeforeSync,       // durability: final before it is on disk
  kShortRefund,         // money: a refund leaves a unit behind
  kCountVoterTwice,     // off by one: the first voter counts twice
  kVoteAgain,           // clock: an epoch that comes again is voted for again
  kPrintOnTransfer,     // money: the receiver gets a unit more than was sent
  kNeverRedial,         // peers: who has lost its peers looks for no others
  kNeverCatchUp,        // sync: blocks that were missed are not asked for
  kAckAnyOrder,         // durability: a sync that was overtaken takes a final block back
};

struct SeededBugName {
  SeededBug bug;
  std::string_view name;       // value of `debug.seeded_bug` in a scenario
  std::string_view invariant;  // the checker that must object; empty: what a swarm sees
};

inline constexpr std::array<SeededBugName, 35> kSeededBugs{{
    {SeededBug::kMintOneUnit, "mint-one-unit", "supply-conserved"},
    {SeededBug::kVoteBeforeSync, "vote-before-sync", "vote-durable-before-send"},
    {SeededBug::kAcceptWrongInference, "accept-wrong-inference", "wrong-inference-never-settles"},
    {SeededBug::kLoseFinalized, "lose-finalized", "finalized-survives-crash"},
    {SeededBug::kSignTwice, "sign-twice", "honest-never-equivocates"},
    {SeededBug::kForgetEscrow, "forget-escrow", "escrow-matches-open-tasks"},
    {SeededBug::kDoubleSettle, "double-settle", "task-settles-once"},
    {SeededBug::kSkipNonce, "skip-nonce", "nonces-rise-by-one"},
    {SeededBug::kQuorumOffByOne, "quorum-off-by-one", "certificate-has-quorum"},
    {SeededBug::kNegativeSlash, "slash-beyond-bond", "slash-within-bond"},
    {SeededBug::kSplitDust, "split-dust", "reward-split-exact"},
    {SeededBug::kFinalizeFork, "finalize-fork", "finality-agreement"},
    {SeededBug::kStateDrift, "state-drift", "state-root-equal"},
    {SeededBug::kPayUnassigned, "pay-unassigned", "pay-needs-assignment"},
    {SeededBug::kIllegalTransition, "illegal-transition", "task-automaton"},
    {SeededBug::kEarlyUnbond, "early-unbond", "unbonding-delay"},
    {SeededBug::kSlashHonest, "slash-honest", "honest-never-slashed"},
    {SeededBug::kForgetDeadline, "forget-deadline", "tasks-end-in-time"},
    {SeededBug::kForgetReplan, "forget-replan", ""},
    {SeededBug::kRoundRewardUp, "round-reward-up", "reward-split-exact"},
    {SeededBug::kEpochWraps, "epoch-wraps", ""},
    {SeededBug::kBanEarly, "ban-early", ""},
    {SeededBug::kLocalOrder, "local-order", ""},
    {SeededBug::kSlashProposer, "slash-proposer", ""},
    {SeededBug::kNoChallengeWindow, "no-challenge-window", "challenge-window-kept"},
    {SeededBug::kLoseFees, "lose-fees", "supply-conserved"},
    {SeededBug::kChallengeRight, "challenge-right", "honest-never-slashed"},
    {SeededBug::kAckBeforeSync, "ack-before-sync", ""},
    {SeededBug::kShortRefund, "short-refund", ""},
    {SeededBug::kCountVoterTwice, "count-voter-twice", "certificate-has-quorum"},
    {SeededBug::kVoteAgain, "vote-again", ""},
    {SeededBug::kPrintOnTransfer, "print-on-transfer", ""},
    {SeededBug::kNeverRedial, "never-redial", ""},
    {SeededBug::kNeverCatchUp, "never-catch-up", ""},
    {SeededBug::kAckAnyOrder, "ack-any-order", ""},
}};

#ifdef ORRERY_SEEDED_BUGS
constexpr bool has_bug(SeededBug armed, SeededBug bug) { return armed == bug; }
#else
constexpr bool has_bug(SeededBug, SeededBug) { return false; }
#endif

}  // namespace orrery::chain
