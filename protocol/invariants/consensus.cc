// Consensus and durability (C, S, D).
#include <fmt/format.h>

#include <map>
#include <set>

#include "protocol/invariants/catalogue.h"
#include "protocol/ledger/staking.h"
#include "protocol/types/trace_kinds.h"

namespace orrery::chain {
namespace {

class StateRootEqual final : public check::Checker {
 public:
  explicit StateRootEqual(const Observer& o) : observer_(o) {}
  std::string_view name() const override { return "state-root-equal"; }
  std::string_view about() const override {
    return "Every honest node computes the state root that the block's header promises (S1).";
  }
  std::vector<env::TraceKind> interests() const override { return {kTraceExecuted}; }
  void on_trace(Time now, std::uint32_t node, const env::TraceEvent& e) override {
    if (!observer_.honest[node]) return;
    const BlockNode* block = observer_.node(node)->chain().tree().find(e.a);
    check(block && block->header().state_root == e.b, now, [&] {
      return fmt::format("node {} computed {} for block {} at height {}", node, to_hex(e.b),
                         to_hex(e.a), e.n[0]);
    });
  }

 private:
  const Observer& observer_;
};

class FinalityAgreement final : public check::Checker {
 public:
  explicit FinalityAgreement(const Observer& o) : observer_(o) {}
  std::string_view name() const override { return "finality-agreement"; }
  std::string_view about() const override {
    return "No two honest nodes finalise different blocks at one height, ever (C1, C2, C6).";
  }
  std::vector<env::TraceKind> interests() const override {
    return {kTraceExecuted, kTraceFinalized, kTraceFinalConflict};
  }
  void on_trace(Time now, std::uint32_t node, const env::TraceEvent& e) override {
    if (e.kind == kTraceExecuted) {
      if (parents_.count(e.a) != 0) return;
      const BlockNode* block = observer_.node(node)->chain().tree().find(e.a);
      if (block) parents_[e.a] = {block->header().parent, block->height()};
      return;
    }
    if (!observer_.honest[node]) return;
    if (e.kind == kTraceFinalConflict) {
      check(false, now, [&] { return fmt::format("node {} saw two conflicting quorums", node); });
      return;
    }
    // The block and all its ancestors down to one that is known to be final.
    Hash256 hash = e.a;
    std::uint64_t height = e.n[1];
    while (height > 0) {
      const auto [it, first] = final_.emplace(height, hash);
      check(it->second == hash, now, [&] {
        return fmt::format("node {} finalised {} at height {}, another node has {}", node,
                           to_hex(hash), height, to_hex(it->second));
      });
      if (!first) return;
      const auto parent = parents_.find(hash);
      if (parent == parents_.end()) return;
      hash = parent->second.first;
      --height;
    }
  }

 private:
  const Observer& observer_;
  std::map<Hash256, std::pair<Hash256, std::uint64_t>> parents_;
  std::map<std::uint64_t, Hash256> final_;
};

class FinalizedSurvives final : public check::Checker {
 public:
  explicit FinalizedSurvives(const Observer& o) : durable_(o.honest.size()) {}
  std::string_view name() const override { return "finalized-survives-crash"; }
  std::string_view about() const override {
    return "What a node acknowledged as final is on its chain after any restart, unless its disk "
           "was wiped or damaged (C3, D1).";
  }
  std::vector<env::TraceKind> interests() const override {
    return {kTraceFinalDurable, kTraceRestored, env::kNodeCrash};
  }
  void on_trace(Time now, std::uint32_t node, const env::TraceEvent& e) override {
    if (node >= durable_.size()) return;
    std::uint64_t& height = durable_[node];
    if (e.kind == env::kNodeCrash) {
      if (e.n[1] != 0) height = 0;
      return;
    }
    if (e.kind == kTraceFinalDurable) {
      check(e.n[1] >= height, now, [&] {
        return fmt::format("node {} acknowledged height {} after {}", node, e.n[1], height);
      });
      height = e.n[1];
      return;
    }
    check(e.n[0] >= height, now, [&] {
      return fmt::format("node {} restarted at final height {}, it had acknowledged {}", node,
                         e.n[0], height);
    });
  }

 private:
  std::vector<std::uint64_t> durable_;  // by node: highest height acknowledged
};

class VoteDurable final : public check::Checker {
 public:
  explicit VoteDurable(const Observer& o) : observer_(o), nodes_(o.honest.size()) {}
  std::string_view name() const override { return "vote-durable-before-send"; }
  std::string_view about() const override {
    return "A vote leaves its validator only after its record is on disk (P-6, D2).";
  }
  std::vector<env::TraceKind> interests() const override {
    return {kTraceVoteRecorded, kTraceVoteSent, env::kStoreSynced, env::kNodeCrash};
  }
  void on_trace(Time now, std::uint32_t node, const env::TraceEvent& e) override {
    if (node >= nodes_.size() || !observer_.honest[node]) return;
    Seen& seen = nodes_[node];
    switch (e.kind) {
      case env::kNodeCrash: seen = {}; return;
      case env::kStoreSynced:
        if (e.n[1] == 1) seen.synced = e.n[0];
        return;
      case kTraceVoteRecorded:
        seen.epoch = e.n[0];
        seen.sequence = e.n[1];
        return;
      default:
        check(seen.epoch == e.n[0] && seen.synced >= seen.sequence, now, [&] {
          return fmt::format("node {} sent its vote for epoch {} with record {} while disk had {}",
                             node, e.n[0], seen.sequence, seen.synced);
        });
    }
  }

 private:
  struct Seen {
    std::uint64_t epoch = 0, sequence = 0, synced = 0;
  };
  const Observer& observer_;
  std::vector<Seen> nodes_;
};

class NeverEquivocates final : public check::Checker {
 public:
  explicit NeverEquivocates(const Observer& o)
      : observer_(o), votes_(o.honest.size()), slots_(o.honest.size()) {}
  std::string_view name() const override { return "honest-never-equivocates"; }
  std::string_view about() const override {
    return "An honest key never signs two conflicting votes or two blocks of one slot, also across "
           "crashes (C5).";
  }
  std::vector<env::TraceKind> interests() const override {
    return {kTraceVoteSent, kTraceProduced};
  }
  void on_trace(Time now, std::uint32_t node, const env::TraceEvent& e) override {
    if (!observer_.honest[node]) return;
    if (e.kind == kTraceProduced) {
      check(slots_[node].insert(e.n[1]).second, now,
            [&] { return fmt::format("node {} produced two blocks in slot {}", node, e.n[1]); });
      return;
    }
    const Vote vote{.source = {e.n[1], e.b}, .target = {e.n[0], e.a}, .validator = {}};
    for (const Vote& other : votes_[node]) {
      check(equivocation(vote, other) == Equivocation::kNone, now, [&] {
        return fmt::format("node {} signed conflicting votes for epochs {} and {}", node,
                           other.target.epoch, vote.target.epoch);
      });
    }
    votes_[node].push_back(vote);
    // Old votes cannot be doubled by new ones, and a surround needs a source before them: keep
    // those that could still matter.
    if (votes_[node].size() > kKeep) votes_[node].erase(votes_[node].begin());
  }

 private:
  static constexpr std::size_t kKeep = 64;
  const Observer& observer_;
  std::vector<std::vector<Vote>> votes_;
  std::vector<std::set<std::uint64_t>> slots_;
};

class CertificateHasQuorum final : public check::Checker {
 public:
  explicit CertificateHasQuorum(const Observer& o) : observer_(o) {}
  std::string_view name() const override { return "certificate-has-quorum"; }
  std::string_view about() const override {
    return "Every justified checkpoint has votes of more than 2/3 of the stake of its source, each "
           "validator once (C4).";
  }
  std::vector<env::TraceKind> interests() const override { return {kTraceJustified}; }
  void on_trace(Time now, std::uint32_t node, const env::TraceEvent& e) override {
    const Chain& chain = observer_.node(node)->chain();
    const auto* certificate = chain.finality().certificate({e.n[0], e.a});
    if (!certificate || certificate->votes.empty()) {
      check(false, now, [&] { return fmt::format("node {} justified without votes", node); });
      return;
    }
    const Vote& link = certificate->votes[0];
    const BlockNode* source = chain.tree().find(link.source.block);
    if (!source) return;
    const Staked& staked = staked_on(source->state());
    std::set<PublicKey> counted;
    Amount sum = 0;
    for (const Vote& vote : certificate->votes) {
      if (vote.source != link.source || vote.target != link.target) continue;
      const auto found = staked.by_key.find(vote.validator);
      if (found != staked.by_key.end() && counted.insert(vote.validator).second) {
        sum += found->second;
      }
    }
    check(3 * sum > 2 * staked.total, now, [&] {
      return fmt::format("node {} justified epoch {} with {} of {} staked", node, e.n[0],
                         to_decimal(sum), to_decimal(staked.total));
    });
  }

 private:
  struct Staked {
    std::map<PublicKey, Amount> by_key;
    Amount total = 0;
  };

  // Counted anew here, once a state: nodes justify the same source one after the other.
  const Staked& staked_on(const StateTree& state) {
    const Hash256 root = state.root();
    const auto known = staked_.find(root);
    if (known != staked_.end()) return known->second;
    if (staked_.size() >= kStates) staked_.clear();
    Staked& staked = staked_[root];
    for (const Stake& s : active_stakes(state, observer_.network->params)) {
      if (!s.record.validator) continue;
      staked.by_key[s.record.key] = s.amount;
      staked.total += s.amount;
    }
    return staked;
  }

  static constexpr std::size_t kStates = 16;  // of sources that are justified at one time
  const Observer& observer_;
  std::map<Hash256, Staked> staked_;  // by state root
};

}  // namespace

void add_consensus(check::CheckerSet& set, const Observer& observer) {
  set.add(std::make_unique<StateRootEqual>(observer));
  set.add(std::make_unique<FinalityAgreement>(observer));
  set.add(std::make_unique<FinalizedSurvives>(observer));
  set.add(std::make_unique<VoteDurable>(observer));
  set.add(std::make_unique<NeverEquivocates>(observer));
  set.add(std::make_unique<CertificateHasQuorum>(observer));
}

void add_invariants(check::CheckerSet& set, const Observer& observer) {
  add_economy(set, observer);
  add_inference(set, observer);
  add_consensus(set, observer);
}

}  // namespace orrery::chain
