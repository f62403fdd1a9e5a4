#include "reports/render/figures.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "reports/record/amount.h"

namespace orrery::report {

Verdict verdict_of(const RunRecord& record) {
  Verdict verdict;
  std::uint64_t checks = 0;
  std::size_t decided = 0;
  for (const AssertRow& row : record.asserts) {
    decided += row.decided ? 1 : 0;
    verdict.failed_asserts += row.ok || !row.decided ? 0 : 1;
  }
  for (const InvariantRow& row : record.invariants) {
    verdict.violated_invariants += row.violations == 0 ? 0 : 1;
    checks += row.checks;
  }
  const std::string so_far = record.partial ? " in the part that ran" : "";
  if (verdict.failed_asserts + verdict.violated_invariants != 0) {
    verdict.state = "violated";
    verdict.text =
        fmt::format("{} of {} assertions failed and {} of {} invariants were violated{}.",
                    verdict.failed_asserts, record.asserts.size(), verdict.violated_invariants,
                    record.invariants.size(), so_far);
  } else if (record.asserts.empty() && checks == 0) {
    verdict.state = "unchecked";
    verdict.text = "Nothing was asserted and no invariant was checked" + so_far + ".";
  } else {
    verdict.state = record.partial ? "partial" : "held";
    const std::size_t open = record.asserts.size() - decided;
    verdict.text = fmt::format("All {} assertions and {} invariants held{}, in {} checks{}.",
                               decided, record.invariants.size(), so_far,
                               group_digits(std::to_string(checks)),
                               open == 0 ? "" : fmt::format("; {} assertions are open", open));
  }
  return verdict;
}

Distribution distribution_of(std::vector<double> values) {
  Distribution out;
  std::ranges::sort(values);
  out.sorted = std::move(values);
  const std::size_t n = out.sorted.size();
  if (n == 0) return out;
  for (const double value : out.sorted) out.mean += value / static_cast<double>(n);
  double squares = 0;
  for (const double value : out.sorted) squares += (value - out.mean) * (value - out.mean);
  out.deviation = std::sqrt(squares / static_cast<double>(n));
  out.median = out.sorted[(n - 1) / 2];
  out.p99 = out.sorted[(n - 1) * 99 / 100];
  return out;
}

Distribution block_intervals(const RunRecord& record) {
  std::vector<double> seconds;
  for (std::size_t i = 1; i < record.blocks.size(); ++i) {
    seconds.push_back(record.blocks[i].time_s - record.blocks[i - 1].time_s);
  }
  return distribution_of(std::move(seconds));
}

Distribution finality_latencies(const RunRecord& record) {
  std::vector<double> seconds;
  for (const BlockRow& row : record.blocks) {
    if (row.finalized_time_s >= 0) seconds.push_back(row.finalized_time_s - row.time_s);
  }
  return distribution_of(std::move(seconds));
}

std::vector<std::size_t> spread(std::size_t size, std::size_t limit) {
  const std::size_t n = std::min(size, limit);
  std::vector<std::size_t> out;
  for (std::size_t i = 0; i < n; ++i) out.push_back(n == 1 ? 0 : i * (size - 1) / (n - 1));
  return out;
}

std::vector<std::size_t> scattered(std::size_t size, std::size_t limit) {
  // Order by a mix of the index (the finaliser of SplitMix64) and keep the front.
  std::vector<std::pair<std::uint64_t, std::size_t>> keyed;
  for (std::size_t i = 0; i < size; ++i) {
    std::uint64_t x = i + 0x9e3779b97f4a7c15ULL;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
    keyed.emplace_back(x ^ (x >> 31), i);
  }
  std::ranges::sort(keyed);
  keyed.resize(std::min(size, limit));
  std::vector<std::size_t> out;
  for (const auto& [key, index] : keyed) out.push_back(index);
  std::ranges::sort(out);
  return out;
}

}  // namespace orrery::report
