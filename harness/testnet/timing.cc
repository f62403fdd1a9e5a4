#include "harness/testnet/timing.h"

#include <algorithm>
#include <cmath>

#include "protocol/types/trace_kinds.h"

namespace orrery::testnet {
namespace {

double seconds(Duration d) { return static_cast<double>(d.ns) / 1e9; }

}  // namespace

double ks_distance(Samples a, Samples b) {
  if (a.empty() || b.empty()) return a.empty() == b.empty() ? 0 : 1;
  std::sort(a.begin(), a.end());
  std::sort(b.begin(), b.end());
  double distance = 0;
  std::size_t i = 0, j = 0;
  while (i < a.size() && j < b.size()) {
    const double x = std::min(a[i], b[j]);
    while (i < a.size() && a[i] <= x) ++i;
    while (j < b.size() && b[j] <= x) ++j;
    distance = std::max(distance, std::abs(static_cast<double>(i) / static_cast<double>(a.size()) -
                                           static_cast<double>(j) / static_cast<double>(b.size())));
  }
  return distance;
}

double quantile(Samples samples, double q) {
  if (samples.empty()) return 0;
  std::sort(samples.begin(), samples.end());
  const double at = q * static_cast<double>(samples.size() - 1);
  const auto low = static_cast<std::size_t>(at);
  const std::size_t high = std::min(low + 1, samples.size() - 1);
  return samples[low] + (at - static_cast<double>(low)) * (samples[high] - samples[low]);
}

void Timing::on_trace(Time now, std::uint32_t node, const env::TraceEvent& event) {
  if (event.kind < chain::kTraceRestored || node == env::TraceSink::kWorld) return;
  const auto [last, fresh] = last_.try_emplace(node, event.kind);
  if (!fresh) transitions_.emplace(last->second, event.kind);
  last->second = event.kind;
  if (event.kind == chain::kTraceExecuted) {
    Block& block = blocks_[event.a];
    if (block.executed.empty()) {
      block.height = event.n[0];
      block.slot = event.n[1];
      block.first = now;
    }
    block.executed.emplace(node, now);
  } else if (event.kind == chain::kTraceFinalized) {
    const auto block = blocks_.find(event.a);
    if (block == blocks_.end()) return;
    const Time slot = genesis_ + slot_ * static_cast<std::int64_t>(block->second.slot);
    finality_.push_back(seconds(now - slot));
  }
}

Samples Timing::block_interval_s() const {
  std::map<std::uint64_t, Time> first;  // of any block of a height
  for (const auto& [hash, block] : blocks_) {
    const auto [at, fresh] = first.try_emplace(block.height, block.first);
    if (!fresh) at->second = std::min(at->second, block.first);
  }
  Samples intervals;
  for (auto it = first.begin(); it != first.end(); ++it) {
    const auto next = std::next(it);
    if (next != first.end() && next->first == it->first + 1) {
      intervals.push_back(seconds(next->second - it->second));
    }
  }
  return intervals;
}

Samples Timing::finality_latency_s() const { return finality_; }

Samples Timing::propagation_s() const {
  Samples delays;
  for (const auto& [hash, block] : blocks_) {
    for (const auto& [node, at] : block.executed) {
      if (at != block.first) delays.push_back(seconds(at - block.first));
    }
  }
  return delays;
}

}  // namespace orrery::testnet
