// Figures of a record that every form of report states: the verdict, exact money, distributions.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "reports/record/run_record.h"

namespace orrery::report {

struct Verdict {
  std::string state;  // held | violated | partial | unchecked (nothing was asserted or checked)
  std::string text;   // one sentence
  std::size_t failed_asserts = 0;
  std::size_t violated_invariants = 0;
};
Verdict verdict_of(const RunRecord& record);

// Exact supply by pool, first and last ledger sample, and whether every sample adds up.
struct PoolRow {
  std::string pool, start, end, change;  // base units
};
struct SupplyView {
  std::vector<PoolRow> pools;  // in the usual order
  PoolRow total;
  bool conserved = false;
  std::size_t samples = 0;
  std::string statement;  // one sentence
};
SupplyView supply_of(const RunRecord& record);

// Sum of the rewards by role in base units; the text of the error if one is no amount.
std::string total_rewards(const RunRecord& record);

// Values in ascending order with the usual figures of all of them; zeros if there are none.
struct Distribution {
  std::vector<double> sorted;
  double mean = 0, deviation = 0, median = 0, p99 = 0;
};
Distribution distribution_of(std::vector<double> values);

// Seconds between successive blocks, and from each final block's slot to its finality.
Distribution block_intervals(const RunRecord& record);
Distribution finality_latencies(const RunRecord& record);

// At most `limit` of the indices 0..size-1 in order: evenly spaced, with the first and the last ...
std::vector<std::size_t> spread(std::size_t size, std::size_t limit);
// ... or scattered without a period, for rows whose kinds alternate; the same at every call.
std::vector<std::size_t> scattered(std::size_t size, std::size_t limit);

}  // namespace orrery::report
