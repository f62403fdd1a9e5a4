// A 4-ary heap of entries: what comes between entries that are sorted already. Few entries are
// expected at a time, so it is plain. Internal to engine/sim.
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

#include "engine/sim/chunks.h"

namespace orrery::sim {

// `before` is passed to each call, the same each time: a strict total order.
class EntryHeap {
 public:
  bool empty() const { return entries_.empty(); }
  std::size_t size() const { return entries_.size(); }
  Entry min() const { return entries_.front(); }
  const std::vector<Entry>& entries() const { return entries_; }
  void clear() { entries_.clear(); }

  template <class Before>
  void push(Entry entry, const Before& before) {
    std::size_t hole = entries_.size();
    entries_.push_back(entry);
    while (hole > 0) {
      const std::size_t parent = (hole - 1) / 4;
      if (!before(entry, entries_[parent])) break;
      entries_[hole] = entries_[parent];
      hole = parent;
    }
    entries_[hole] = entry;
  }

  template <class Before>
  Entry pop(const Before& before) {
    const Entry top = entries_.front();
    const Entry last = entries_.back();
    entries_.pop_back();
    if (entries_.empty()) return top;
    std::size_t hole = 0;
    for (;;) {
      const std::size_t first = 4 * hole + 1;
      if (first >= entries_.size()) break;
      const std::size_t end = std::min(first + 4, entries_.size());
      std::size_t best = first;
      for (std::size_t child = first + 1; child < end; ++child) {
        if (before(entries_[child], entries_[best])) best = child;
      }
      if (!before(entries_[best], last)) break;
      entries_[hole] = entries_[best];
      hole = best;
    }
    entries_[hole] = last;
    return top;
  }

 private:
  std::vector<Entry> entries_;
};

}  // namespace orrery::sim
