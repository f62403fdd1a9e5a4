// Money (E): supply, split, nonces, slashing, unbonding.
#include <fmt/format.h>

#include "protocol/invariants/catalogue.h"
#include "protocol/ledger/accounts.h"
#include "protocol/ledger/ledger.h"
#include "protocol/ledger/staking.h"

namespace orrery::chain {
namespace {

class SupplyConserved final : public BlockChecker {
 public:
  explicit SupplyConserved(const Observer& o) : BlockChecker(o), book_(*o.network) {}
  std::string_view name() const override { return "supply-conserved"; }
  std::string_view about() const override {
    return "The sum of all pools is the supply after every block, to the last base unit (M-1, E1).";
  }
  void on_block(Time now, const BlockNode& block) override {
    const Amount total = SupplyBook::total(book_.add(block));
    check(total == params().token.supply, now, [&] {
      return fmt::format("block {} at height {}: the pools hold {}, the supply is {}",
                         to_hex(block.hash()), block.height(), to_decimal(total),
                         to_decimal(params().token.supply));
    });
  }

 private:
  SupplyBook book_;
};

class RewardSplitExact final : public BlockChecker {
 public:
  using BlockChecker::BlockChecker;
  std::string_view name() const override { return "reward-split-exact"; }
  std::string_view about() const override {
    return "Each block's reward is the emission formula, split 60/20/15/5 with carried remainders "
           "(M-2, E2, E5).";
  }
  void on_block(Time now, const BlockNode& block) override {
    const StateTree& before = block.parent->state();
    const RewardParams& rewards = params().rewards;
    // Recomputed from the parent: the pool only shrinks by emission, at the end of the block.
    const Amount pot = emission(amount_at(before, pool_path(kRewardsPool)), rewards);
    const std::uint32_t weights[] = {rewards.producer_weight, rewards.models_weight,
                                     rewards.fund_weight, rewards.treasury_weight};
    u128 total = 0;
    for (std::uint32_t w : weights) total += w;
    for (std::size_t i = 0; i < 4; ++i) {
      const std::uint64_t carry = number_at(before, fmt::format("/rewards/carry/{}", i));
      const Amount expected = (pot * weights[i] + carry) / total;
      const Amount paid = paid_to(block, static_cast<RewardRole>(i));
      check(paid == expected, now, [&] {
        return fmt::format("height {}: role {} got {}, the rule gives {}", block.height(), i,
                           to_decimal(paid), to_decimal(expected));
      });
    }
  }

 private:
  static Amount paid_to(const BlockNode& block, RewardRole role) {
    Amount sum = 0;
    for (const ChainEvent& e : block.result->events) {
      const bool mine = e.kind == ChainEventKind::kReward && e.subject.is_zero();
      if (mine && e.number == static_cast<std::uint64_t>(role)) sum += e.amount;
    }
    return sum;
  }
};

class NoncesRiseByOne final : public BlockChecker {
 public:
  using BlockChecker::BlockChecker;
  std::string_view name() const override { return "nonces-rise-by-one"; }
  std::string_view about() const override {
    return "Each transaction uses its sender's next nonce and raises it by one (S5).";
  }
  void on_block(Time now, const BlockNode& block) override {
    std::map<Address, std::uint64_t> next;
    for (const TransactionPtr& tx : block.block->block.transactions) {
      const Address& who = tx->tx.sender;
      const auto [it, first] =
          next.emplace(who, number_at(block.parent->state(), nonce_path(who)));
      check(tx->tx.nonce == it->second, now, [&] {
        return fmt::format("height {}: {} used nonce {}, its next was {}", block.height(),
                           who.hex(), tx->tx.nonce, it->second);
      });
      ++it->second;
    }
    for (const auto& [who, nonce] : next) {
      const std::uint64_t after = number_at(block.state(), nonce_path(who));
      check(after == nonce, now, [&] {
        return fmt::format("height {}: the nonce of {} is {}, expected {}", block.height(),
                           who.hex(), after, nonce);
      });
    }
  }
};

class SlashWithinBond final : public BlockChecker {
 public:
  using BlockChecker::BlockChecker;
  std::string_view name() const override { return "slash-within-bond"; }
  std::string_view about() const override {
    return "No account loses more in a block than it had bonded or on its way out (E9).";
  }
  void on_block(Time now, const BlockNode& block) override {
    std::map<Address, Amount> taken;
    std::map<Address, Amount> added;
    for (const ChainEvent& e : block.result->events) {
      if (e.kind == ChainEventKind::kSlashed) taken[e.who] += e.amount;
      if (e.kind == ChainEventKind::kStaked) added[e.who] += e.amount;
    }
    // Looked at in every block: that nobody was slashed is a finding too.
    check(true, now, [] { return std::string(); });
    for (const auto& [who, amount] : taken) {
      const Amount bonded = slashable(block.parent->state(), block.height(), who) + added[who];
      check(amount <= bonded, now, [&] {
        return fmt::format("height {}: {} lost {} of a bond of {}", block.height(), who.hex(),
                           to_decimal(amount), to_decimal(bonded));
      });
    }
  }
};

class UnbondingDelay final : public BlockChecker {
 public:
  using BlockChecker::BlockChecker;
  std::string_view name() const override { return "unbonding-delay"; }
  std::string_view about() const override {
    return "A bond becomes liquid exactly at the height it was given notice for (E9).";
  }
  void on_block(Time now, const BlockNode& block) override {
    std::map<Address, Amount> released;
    for (const ChainEvent& e : block.result->events) {
      if (e.kind == ChainEventKind::kUnbonded) released[e.who] += e.amount;
    }
    std::map<Address, Amount> due;
    const std::string prefix = "/unbonding/" + height_key(block.height()) + "/";
    block.parent->state().for_each(prefix, [&](std::string_view path, ByteView) {
      const auto who = Address::from_hex(path.substr(path.size() - 40));
      if (who) due[*who] = amount_at(block.parent->state(), std::string(path));
      return true;
    });
    check(released == due, now, [&] {
      return fmt::format("height {}: {} bonds were released, {} were due", block.height(),
                         released.size(), due.size());
    });
  }
};

class HonestNeverSlashed final : public BlockChecker {
 public:
  using BlockChecker::BlockChecker;
  std::string_view name() const override { return "honest-never-slashed"; }
  std::string_view about() const override {
    return "No node that follows the protocol ever loses a part of its bond (C9).";
  }
  void on_block(Time now, const BlockNode& block) override {
    check(true, now, [] { return std::string(); });
    for (const ChainEvent& e : block.result->events) {
      if (e.kind != ChainEventKind::kSlashed) continue;
      check(!observer_.is_honest(e.who), now, [&] {
        return fmt::format("height {}: honest account {} lost {} (cause {})", block.height(),
                           e.who.hex(), to_decimal(e.amount), e.number);
      });
    }
  }
};

}  // namespace

void add_economy(check::CheckerSet& set, const Observer& observer) {
  set.add(std::make_unique<SupplyConserved>(observer));
  set.add(std::make_unique<RewardSplitExact>(observer));
  set.add(std::make_unique<NoncesRiseByOne>(observer));
  set.add(std::make_unique<SlashWithinBond>(observer));
  set.add(std::make_unique<UnbondingDelay>(observer));
  set.add(std::make_unique<HonestNeverSlashed>(observer));
}

}  // namespace orrery::chain
