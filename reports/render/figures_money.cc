// Exact money of a report: pools over the run, conservation, rewards.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <string_view>

#include "reports/record/amount.h"
#include "reports/record/text.h"
#include "reports/render/figures.h"

namespace orrery::report {
namespace {

// Where money starts, then where it goes; pools that are not listed follow by name.
constexpr std::array<std::string_view, 13> kPoolOrder = {
    "rewards",   "vesting", "ecosystem", "sale",     "reserve",      "liquid", "staked",
    "unbonding", "escrow",  "fund",      "treasury", "models_carry", "burnt"};

std::size_t rank(std::string_view pool) {
  return static_cast<std::size_t>(std::ranges::find(kPoolOrder, pool) - kPoolOrder.begin());
}

// Sum of the pools of one sample; the error names what is wrong with an amount.
Result<std::string> sum(const std::map<std::string, std::string>& pools) {
  std::string total = "0";
  for (const auto& [pool, amount] : pools) {
    auto next = add_amounts(total, amount);
    if (!next) return fail(next.error().code, "pool " + pool + ": " + next.error().message);
    total = std::move(*next);
  }
  return total;
}

PoolRow pool_row(std::string pool, std::string start, std::string end) {
  const auto change = subtract_amounts(end, start);
  return {to_utf8(pool), std::move(start), std::move(end), change ? *change : "?"};
}

}  // namespace

SupplyView supply_of(const RunRecord& record) {
  std::map<double, std::map<std::string, std::string>> samples;
  for (const LedgerRow& row : record.ledger) samples[row.time_s][row.pool] = row.amount;
  SupplyView view;
  view.samples = samples.size();
  if (samples.empty()) {
    view.statement = "No ledger samples were taken.";
    return view;
  }

  std::map<std::string, std::pair<std::string, std::string>> ends;  // of every pool ever seen
  for (const LedgerRow& row : record.ledger) ends[row.pool] = {"0", "0"};
  for (const auto& [pool, amount] : samples.begin()->second) ends[pool].first = amount;
  for (const auto& [pool, amount] : samples.rbegin()->second) ends[pool].second = amount;
  for (const auto& [pool, amounts] : ends) {
    view.pools.push_back(pool_row(pool, amounts.first, amounts.second));
  }
  std::ranges::stable_sort(view.pools, {}, [](const PoolRow& row) { return rank(row.pool); });

  const auto token = [&record](const std::string& amount) {
    return format_amount(amount, record.token_decimals, Fraction::kTrimmed) + " " +
           record.token_symbol;
  };
  const auto stated = record.supply.find("total");
  std::string expected = stated == record.supply.end() ? "" : stated->second;
  std::string first, last;
  for (const auto& [time, pools] : samples) {
    const auto total = sum(pools);
    if (!total) {
      view.statement = fmt::format("At {} s {}", time, to_utf8(total.error().message));
      return view;
    }
    if (first.empty()) first = *total;
    if (expected.empty()) expected = *total;
    last = *total;
    if (*total != expected && view.statement.empty()) {
      view.statement = fmt::format("At {} s the pools add up to {}, expected {}.", time,
                                   token(*total), token(expected));
    }
  }
  view.total = pool_row("total", first, last);
  view.conserved = view.statement.empty();
  if (view.conserved) {
    view.statement = fmt::format("The pools add up to exactly {} at every one of {} samples.",
                                 token(expected), group_digits(std::to_string(samples.size())));
  }
  return view;
}

std::string total_rewards(const RunRecord& record) {
  std::string total = "0";
  for (const RewardRow& row : record.rewards) {
    auto next = add_amounts(total, row.amount);
    if (!next) return next.error().message;
    total = std::move(*next);
  }
  return total;
}

}  // namespace orrery::report
