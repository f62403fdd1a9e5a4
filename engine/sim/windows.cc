#include "engine/sim/windows.h"

namespace orrery::sim {
namespace {

// Sorts what is nearly in order; gives up on what is not (many events at one instant).
void finish_sorting(Entry* begin, std::size_t n) {
  std::size_t budget = 4 * n + 64;  // moves
  for (std::size_t i = 1; i < n; ++i) {
    const Entry entry = begin[i];
    std::size_t hole = i;
    for (; hole > 0 && entry < begin[hole - 1]; --hole) begin[hole] = begin[hole - 1];
    begin[hole] = entry;
    if (i - hole > budget) {
      std::sort(begin, begin + n);
      return;
    }
    budget -= i - hole;
  }
}

}  // namespace

std::size_t Windows::gather(WindowWorker& worker, std::uint64_t window, std::uint32_t partition,
                            std::uint64_t limit) {
  std::size_t n = 0;
  for (WindowWorker& w : workers_) n += list(w, window, partition).size();
  if (n == 0) return 0;
  // A counting sort by the upper bits of the time within the window, about one event a bucket.
  const std::uint64_t begin = begin_of(window);
  const int bits = std::min(shift_, static_cast<int>(std::bit_width(n)));
  const int drop = shift_ - bits;
  const auto bucket = [&](Entry entry) { return (time_of(entry) - begin) >> drop; };
  std::vector<std::uint32_t>& counts = worker.counts;
  counts.assign((std::size_t{1} << bits) + 1, 0);
  for (WindowWorker& w : workers_) {
    list(w, window, partition).for_each([&](Entry entry) { ++counts[bucket(entry) + 1]; });
  }
  for (std::size_t i = 1; i < counts.size(); ++i) counts[i] += counts[i - 1];
  if (worker.sorted.size() < n + kPrefetch) worker.sorted.resize(n + n / 4 + kPrefetch);
  Entry* sorted = worker.sorted.data();
  for (WindowWorker& w : workers_) {
    list(w, window, partition).drain(worker.pool, [&](Entry entry) {
      sorted[counts[bucket(entry)]++] = entry;
    });
  }
  finish_sorting(sorted, n);
  if (limit < begin_of(window + 1)) {
    const std::size_t all = n;
    n = static_cast<std::size_t>(std::lower_bound(sorted, sorted + n, make_entry(limit, 0, 0)) -
                                 sorted);
    ChunkList& rest = list(worker, window, partition);
    for (std::size_t i = n; i < all; ++i) rest.push(worker.pool, sorted[i]);
    if (n == 0) return 0;
  }
  std::fill_n(sorted + n, kPrefetch, sorted[n - 1]);
  return n;
}

}  // namespace orrery::sim
