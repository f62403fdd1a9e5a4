// The pending events of a Kernel, kept by window of time and partition of nodes. A window is at
// most the lookahead long, so the partitions of one window can be executed in any order and at the
// same time: what they send to each other falls into later windows. Internal to engine/sim.
//
// Each worker (a thread of the crew) has lists of its own to push into; whoever executes a
// partition takes its events from the lists of all workers and sorts them. So nothing is locked,
// and nothing depends on who pushed what.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <utility>
#include <vector>

#include "engine/sim/chunks.h"
#include "engine/sim/entry_heap.h"
#include "engine/sim/ladder_queue.h"

namespace orrery::sim {

// What one thread writes while it executes events. The buffers are kept from window to window.
struct alignas(64) WindowWorker {
  ChunkPool pool;
  std::vector<ChunkList> lists;  // [window modulo kWindows][partition]
  LadderQueue<> far;             // beyond the windows that lists are kept for
  EntryHeap late;                // what a node sent itself into the window that is being executed
  std::vector<Entry> sorted;
  std::vector<std::uint32_t> counts;
  std::uint64_t events = 0;  // executed by this worker
};

constexpr std::uint32_t node_of(Entry entry) { return static_cast<std::uint32_t>(entry >> 32); }
constexpr std::uint32_t word_of(Entry entry) { return static_cast<std::uint32_t>(entry); }
constexpr Entry make_entry(std::uint64_t time, std::uint32_t node, std::uint32_t word) {
  return static_cast<Entry>(time) << 64 | static_cast<Entry>(node) << 32 | word;
}

class Windows {
 public:
  // Windows that have lists. What is later waits in a ladder queue.
  static constexpr std::uint64_t kWindows = 128;
  static constexpr std::uint32_t kMaxPartitions = 128;
  // 4,096 nodes of a cache line each, 256 KiB, fit into a second-level cache.
  static constexpr int kPartitionBits = 12;
  static constexpr std::uint64_t kNone = UINT64_MAX;
  // Entries that `execute` hands to `prefetch` before it hands them to `handle`.
  static constexpr std::size_t kPrefetch = 8;

  // `lookahead` in ns, above 0.
  Windows(std::uint32_t nodes, std::uint64_t lookahead)
      : shift_(static_cast<int>(std::bit_width(lookahead)) - 1) {
    partition_bits_ = kPartitionBits;
    while ((nodes - 1) >> partition_bits_ >= kMaxPartitions) ++partition_bits_;
    partitions_ = ((nodes - 1) >> partition_bits_) + 1;
    use_workers(1);
  }

  std::uint32_t partitions() const { return partitions_; }
  WindowWorker& worker(unsigned i) { return workers_[i]; }
  unsigned workers() const { return static_cast<unsigned>(workers_.size()); }
  // There are never less than before: what one has pushed waits in its lists.
  void use_workers(unsigned n) {
    while (workers_.size() < n) {
      workers_.emplace_back().lists.resize(kWindows * partitions_);
    }
  }
  std::uint64_t window_of(std::uint64_t time) const { return time >> shift_; }
  std::uint64_t begin_of(std::uint64_t window) const { return window << shift_; }

  void push(WindowWorker& worker, Entry entry) {
    const std::uint64_t window = window_of(time_of(entry));
    if (window - open_ < listed_) {
      list(worker, window, node_of(entry) >> partition_bits_).push(worker.pool, entry);
    } else if (window < open_) {
      worker.late.push(entry, ByValue{});
    } else {
      worker.far.push(entry);
    }
  }

  // The first window with events, kNone if there is none.
  std::uint64_t next_window() {
    const std::uint64_t far = far_window();
    for (std::uint64_t w = open_; w < open_ + kWindows && w < far; ++w) {
      if (listed_events(w) > 0) return w;
    }
    return far;
  }
  // Makes `window` the one that is executed: it must be the next one. Returns its events.
  std::uint64_t begin_window(std::uint64_t window) {
    open_ = window;
    for (WindowWorker& w : workers_) {
      while (!w.far.empty() && window_of(time_of(w.far.min())) == window) push(w, w.far.pop());
    }
    open_ = window + 1;
    return listed_events(window);
  }
  // Ends it; `whole` is false if events from a limit on were left for another time.
  void end_window(std::uint64_t window, bool whole) { open_ = whole ? window + 1 : window; }

  // Executes the events of a partition that are before `limit`, a time at most the window's end, in
  // order: prefetch(node) some time before handle(entry).
  template <class Prefetch, class Handle>
  void execute(WindowWorker& worker, std::uint64_t window, std::uint32_t partition,
               std::uint64_t limit, Prefetch prefetch, Handle handle) {
    const std::size_t n = gather(worker, window, partition, limit);
    const Entry* sorted = worker.sorted.data();
    EntryHeap& late = worker.late;
    std::size_t i = 0;
    while (i < n) {
      if (!late.empty() && late.min() < sorted[i]) [[unlikely]] {
        handle(late.pop(ByValue{}));
        ++worker.events;
        continue;
      }
      prefetch(node_of(sorted[i + kPrefetch]));
      handle(sorted[i++]);
    }
    worker.events += n;
    while (!late.empty()) {
      const Entry entry = late.pop(ByValue{});
      if (time_of(entry) >= limit) {
        list(worker, window, partition).push(worker.pool, entry);
      } else {
        handle(entry);
        ++worker.events;
      }
    }
  }

  // One event after the other, without windows: all events wait in the first worker's ladder.
  LadderQueue<>& use_ladder() {
    LadderQueue<>& ladder = workers_[0].far;
    for (WindowWorker& w : workers_) {
      for (ChunkList& list : w.lists) {
        list.drain(w.pool, [&](Entry entry) { ladder.push(entry); });
      }
      while (&w.far != &ladder && !w.far.empty()) ladder.push(w.far.pop());
    }
    open_ = listed_ = 0;
    return ladder;
  }
  // Windows again; none before that of time `now` will be asked for.
  void use_windows(std::uint64_t now) {
    open_ = window_of(now);
    listed_ = kWindows;
    LadderQueue<> ladder = std::exchange(workers_[0].far, LadderQueue<>());
    while (!ladder.empty()) push(workers_[0], ladder.pop());
  }

 private:
  ChunkList& list(WindowWorker& worker, std::uint64_t window, std::uint32_t partition) const {
    return worker.lists[(window % kWindows) * partitions_ + partition];
  }
  std::uint64_t far_window() {
    std::uint64_t first = kNone;
    for (WindowWorker& w : workers_) {
      if (!w.far.empty()) first = std::min(first, window_of(time_of(w.far.min())));
    }
    return first;
  }
  std::uint64_t listed_events(std::uint64_t window) {
    std::uint64_t events = 0;
    for (WindowWorker& w : workers_) {
      const ChunkList* lists = &list(w, window, 0);
      for (std::uint32_t p = 0; p < partitions_; ++p) events += lists[p].size();
    }
    return events;
  }

  // Sorts the partition's events before `limit` into worker.sorted, with kPrefetch more of the last
  // one; returns their number. Those from `limit` on stay.
  std::size_t gather(WindowWorker& worker, std::uint64_t window, std::uint32_t partition,
                     std::uint64_t limit);

  int shift_;  // a window is 2^shift ns: the greatest power of two within the lookahead
  int partition_bits_ = 0;
  std::uint32_t partitions_ = 0;
  std::uint64_t open_ = 0;           // windows from this one on are listed
  std::uint64_t listed_ = kWindows;  // 0: all events wait in the ladder
  std::vector<WindowWorker> workers_;
};

}  // namespace orrery::sim
