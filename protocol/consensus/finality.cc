#include "protocol/consensus/finality.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "protocol/ledger/accounts.h"
#include "protocol/ledger/staking.h"

namespace orrery::chain {
namespace {

// Who may vote with how much, on the state of a source.
struct Electorate {
  std::map<PublicKey, Amount> stake;
  Amount total = 0;
};

Electorate electorate(const StateTree& state, const ChainParams& params) {
  Electorate result;
  for (const Stake& stake : active_stakes(state, params)) {
    if (!stake.record.validator) continue;
    result.stake[stake.record.key] = stake.amount;
    result.total += stake.amount;
  }
  return result;
}

}  // namespace

void Finality::Outcome::absorb(Outcome other) {
  accepted = accepted || other.accepted;
  justified.insert(justified.end(), other.justified.begin(), other.justified.end());
  if (other.finalized) finalized = other.finalized;
  evidence.insert(evidence.end(), other.evidence.begin(), other.evidence.end());
}

Finality::Finality(const ChainParams& params, Checkpoint genesis)
    : params_(params), justified_(genesis), finalized_(genesis) {
  certificates_.emplace(genesis, Certificate{});
}

bool Finality::is_justified(const Checkpoint& checkpoint) const {
  return certificates_.count(checkpoint) != 0;
}

const Finality::Certificate* Finality::certificate(const Checkpoint& target) const {
  const auto it = certificates_.find(target);
  return it == certificates_.end() ? nullptr : &it->second;
}

bool Finality::may_vote(const Vote& vote, const BlockTree& tree) const {
  const BlockNode* source = tree.find(vote.source.block);
  const StateTree& state = (source ? *source : tree.head()).state();
  const Address who = address_of(vote.validator);
  const auto record = stake_record(state, who);
  return record && record->validator && amount_at(state, stake_path(who)) >= params_.stake.minimum;
}

Finality::Outcome Finality::add(const Vote& vote, const BlockTree& tree, std::uint64_t epoch,
                                env::Memo& memo) {
  Outcome outcome;
  if (vote.target.epoch <= vote.source.epoch || vote.target.epoch <= finalized_.epoch ||
      vote.target.epoch > epoch + kMaxAhead) {
    return outcome;
  }
  if (!may_vote(vote, tree) || !remember(vote, outcome)) return outcome;
  if (!tree.find(vote.source.block) || !tree.find(vote.target.block)) {
    wait_for_block(vote);
    outcome.accepted = true;
    return outcome;
  }
  outcome.absorb(count(vote, tree, memo));
  return outcome;
}

void Finality::wait_for_block(const Vote& vote) {
  waiting_.emplace(std::pair(vote.target.epoch, vote_id(params_.id, vote)), vote);
  if (waiting_.size() > kMaxWaiting) waiting_.erase(std::prev(waiting_.end()));
}

Finality::Outcome Finality::retry(const BlockTree& tree, env::Memo& memo) {
  Outcome outcome;
  const auto waiting = std::exchange(waiting_, {});
  for (const auto& [key, vote] : waiting) {
    if (vote.target.epoch <= finalized_.epoch) continue;
    if (tree.find(vote.source.block) && tree.find(vote.target.block)) {
      outcome.absorb(count(vote, tree, memo));
    } else {
      waiting_.emplace(key, vote);
    }
  }
  return outcome;
}

Finality::Outcome Finality::count(const Vote& vote, const BlockTree& tree, env::Memo& memo) {
  Outcome outcome;
  const BlockNode* source = tree.find(vote.source.block);
  const BlockNode* target = tree.find(vote.target.block);
  if (!BlockTree::descends(*target, *source)) return outcome;
  const Link link{vote.source, vote.target};
  if (!links_[link].emplace(vote.validator, vote).second) return outcome;
  outcome.accepted = true;
  judge(link, tree, memo, outcome);
  return outcome;
}

void Finality::judge(const Link& link, const BlockTree& tree, env::Memo& memo, Outcome& outcome) {
  if (!is_justified(link.source) || is_justified(link.target)) return;
  const BlockNode* source = tree.find(link.source.block);
  if (!source) return;
  // Every vote of an epoch asks for the same one, on every node.
  const StateTree& state = source->state();
  const auto voters = memo.get<Electorate>(stream_id("electorate"), hash128(state.root().view()),
                                           [&] { return electorate(state, params_); });
  Certificate certificate{.total = voters->total};
  for (const auto& [key, vote] : links_[link]) {
    const auto it = voters->stake.find(key);
    if (it == voters->stake.end()) continue;
    certificate.stake += it->second;
    if (has_bug(params_.seeded_bug, SeededBug::kCountVoterTwice) && certificate.votes.empty()) {
      certificate.stake += it->second;
    }
    certificate.votes.push_back(vote);
  }
  const bool weak = has_bug(params_.seeded_bug, SeededBug::kQuorumOffByOne);
  const bool quorum =
      weak ? 3 * certificate.stake > voters->total : 3 * certificate.stake > 2 * voters->total;
  if (!quorum) return;
  certificates_.emplace(link.target, std::move(certificate));
  outcome.justified.push_back(link.target);
  if (link.target.epoch > justified_.epoch) justified_ = link.target;
  if (link.target.epoch == link.source.epoch + 1 && link.source.epoch > finalized_.epoch) {
    finalized_ = link.source;
    outcome.finalized = link.source;
  }
  // Links that waited for this source. Copied keys: judge may add to the map's values only.
  std::vector<Link> next;
  for (const auto& [other, votes] : links_) {
    if (other.source == link.target) next.push_back(other);
  }
  for (const Link& other : next) judge(other, tree, memo, outcome);
  if (outcome.finalized) forget_old();
}

bool Finality::remember(const Vote& vote, Outcome& outcome) {
  auto& epochs = history_[vote.validator];
  const auto report = [&] {
    for (const auto& [epoch, others] : epochs) {
      for (const Vote& other : others) {
        if (equivocation(vote, other) == Equivocation::kNone) continue;
        const std::uint64_t offence = std::max(vote.target.epoch, other.target.epoch);
        if (reported_.emplace(vote.validator, offence).second) {
          outcome.evidence.push_back({other, vote});
        }
        return;
      }
    }
  };
  report();
  std::vector<Vote>& same = epochs[vote.target.epoch];
  if (std::find(same.begin(), same.end(), vote) != same.end()) return true;
  if (same.size() >= kMaxVotesPerTarget) return false;
  same.push_back(vote);
  return true;
}

void Finality::forget_old() {
  if (finalized_.epoch < kKeepEpochs) return;
  const std::uint64_t oldest = finalized_.epoch - kKeepEpochs;
  std::erase_if(links_, [&](const auto& item) { return item.first.target.epoch < oldest; });
  std::erase_if(certificates_, [&](const auto& item) {
    return item.first.epoch < oldest && item.first != finalized_;
  });
  std::erase_if(reported_, [&](const auto& item) { return item.second < oldest; });
  for (auto& [key, votes] : history_) votes.erase(votes.begin(), votes.lower_bound(oldest));
}

}  // namespace orrery::chain
