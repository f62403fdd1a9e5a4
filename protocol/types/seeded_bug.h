// Deliberate bugs, one at a time, compiled only into test builds (ORRERY_SEEDED_BUGS): each must be
// caught by the invariant named here. In every other build has_bug is constant false and the code
// behind it vanishes.
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
};

struct SeededBugName {
  SeededBug bug;
  std::string_view name;       // value of `debug.seeded_bug` in a scenario
  std::string_view invariant;  // the checker that must object
};

inline constexpr std::array<SeededBugName, 18> kSeededBugs{{
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
}};

#ifdef ORRERY_SEEDED_BUGS
constexpr bool has_bug(SeededBug armed, SeededBug bug) { return armed == bug; }
#else
constexpr bool has_bug(SeededBug, SeededBug) { return false; }
#endif

}  // namespace orrery::chain
