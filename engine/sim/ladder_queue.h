// Pending entries, popped in order, in amortised constant time: a ladder queue (Tang, Goh, Thng,
// "Ladder queue: an O(1) priority queue structure for large-scale discrete event simulation", ACM
// TOMACS 15(3), 2005). The far future is an unsorted top. When it is reached, it is dealt into the
// buckets of a rung by time; a bucket that is still too full becomes a rung of its own; a small one
// is sorted and is the bottom, from which entries are popped. What is pushed into a time that has
// been dealt goes into its bucket, or, if that is the bottom's, into a small heap beside it.
//
// `Before` is a strict total order that refines the order of times. Owned by one thread.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "engine/base/ensure.h"
#include "engine/sim/chunks.h"
#include "engine/sim/entry_heap.h"

namespace orrery::sim {

struct ByValue {
  bool operator()(Entry a, Entry b) const { return a < b; }
};

// Sorts a bucket's worth of entries: a few dozen as a rule.
template <class Before>
void sort_entries(Entry* begin, Entry* end, const Before& before) {
  constexpr std::ptrdiff_t kInsertion = 64;  // measured: below it std::sort loses
  if (end - begin > kInsertion) {
    std::sort(begin, end, before);
    return;
  }
  for (Entry* i = begin + 1; i < end; ++i) {
    const Entry entry = *i;
    Entry* hole = i;
    for (; hole > begin && before(entry, hole[-1]); --hole) *hole = hole[-1];
    *hole = entry;
  }
}

template <class Before = ByValue>
class LadderQueue {
 public:
  explicit LadderQueue(Before before = {}) : before_(before) {}

  bool empty() const { return size_ == 0; }
  std::size_t size() const { return size_; }

  void push(Entry entry) {
    ++size_;
    const std::uint64_t time = time_of(entry);
    if (time >= top_start_) {
      top_min_ = std::min(top_min_, time);
      top_max_ = std::max(top_max_, time);
      top_.push(pool_, entry);
      return;
    }
    for (std::size_t i = 0; i < rungs_used_; ++i) {
      Rung& rung = rungs_[i];
      if (time >= rung.reached()) {
        rung.bucket(time).push(pool_, entry);
        return;
      }
    }
    late_.push(entry, before_);
    if (late_.size() > kMaxLate) spill();
  }

  // Of a queue that is not empty. Not const: it may sort the next bucket.
  Entry min() {
    ENSURE(size_ > 0, "an empty queue has no next entry");
    if (bottom_next_ == bottom_.size() && late_.empty()) refill();
    return late_is_next() ? late_.min() : bottom_[bottom_next_];
  }

  Entry pop() {
    ENSURE(size_ > 0, "an empty queue has no next entry");
    if (bottom_next_ == bottom_.size() && late_.empty()) refill();
    --size_;
    return late_is_next() ? late_.pop(before_) : bottom_[bottom_next_++];
  }

  // The entry that is `ahead` places behind the next one, if it is known yet; else the last known
  // one, or `otherwise`. A hint for prefetching: what is pushed meanwhile may come before it.
  Entry peek(std::size_t ahead, Entry otherwise) const {
    const std::size_t left = bottom_.size() - bottom_next_;
    return left == 0 ? otherwise : bottom_[bottom_next_ + std::min(ahead, left - 1)];
  }

 private:
  static constexpr std::size_t kBucketEntries = 24;  // aimed at when a rung is made
  static constexpr std::size_t kSortable = 48;       // a bucket of up to so many is sorted at once
  static constexpr std::size_t kMaxLate = 256;       // a larger heap is dealt into a rung
  static constexpr std::size_t kMaxRungs = 12;       // each divides time by 2 or more, most by 100s

  // Buckets of 2^shift nanoseconds from `start` on; those before `current` have been used up.
  struct Rung {
    std::uint64_t start = 0;
    int shift = 0;
    std::size_t current = 0;
    std::size_t used = 0;
    std::vector<ChunkList> buckets;

    // The earliest time whose bucket still waits.
    std::uint64_t reached() const { return start + (static_cast<std::uint64_t>(current) << shift); }
    ChunkList& bucket(std::uint64_t time) { return buckets[(time - start) >> shift]; }
  };

  bool late_is_next() const {
    return !late_.empty() &&
           (bottom_next_ == bottom_.size() || before_(late_.min(), bottom_[bottom_next_]));
  }

  // A rung for `entries` entries whose times lie in [first, last].
  Rung& open_rung(std::uint64_t first, std::uint64_t last, std::size_t entries) {
    if (rungs_used_ == rungs_.size()) rungs_.emplace_back();
    Rung& rung = rungs_[rungs_used_++];
    const std::uint64_t span = last - first;
    const std::uint64_t width = std::max<std::uint64_t>(1, span / (entries / kBucketEntries + 1));
    rung.start = first;
    rung.shift = static_cast<int>(std::bit_width(width)) - 1;
    rung.current = 0;
    rung.used = static_cast<std::size_t>(span >> rung.shift) + 1;
    if (rung.buckets.size() < rung.used) rung.buckets.resize(rung.used);
    return rung;
  }

  // Deals late entries, and what is left of the bottom, into a rung of the time before the others.
  void spill() {
    const std::size_t left = bottom_.size() - bottom_next_;
    if (left > kMaxLate || rungs_used_ == kMaxRungs) return;
    const std::uint64_t first = time_of(late_is_next() ? late_.min() : bottom_[bottom_next_]);
    const std::uint64_t last =
        (rungs_used_ > 0 ? rungs_[rungs_used_ - 1].reached() : top_start_) - 1;
    if (last - first < late_.size()) return;  // nothing to divide
    Rung& rung = open_rung(first, last, late_.size() + left);
    const auto deal_one = [&](Entry entry) { rung.bucket(time_of(entry)).push(pool_, entry); };
    for (const Entry entry : late_.entries()) deal_one(entry);
    for (; bottom_next_ < bottom_.size(); ++bottom_next_) deal_one(bottom_[bottom_next_]);
    late_.clear();
  }

  void refill() {
    bottom_.clear();
    bottom_next_ = 0;
    for (;;) {
      if (rungs_used_ == 0) {
        if (take_top()) return;
        continue;
      }
      Rung& rung = rungs_[rungs_used_ - 1];
      while (rung.current < rung.used && rung.buckets[rung.current].empty()) ++rung.current;
      if (rung.current == rung.used) {
        --rungs_used_;
        continue;
      }
      const std::uint64_t first = rung.reached();
      ChunkList& bucket = rung.buckets[rung.current++];
      if (bucket.size() <= kSortable || rung.shift == 0 || rungs_used_ == kMaxRungs) {
        sort_into_bottom(bucket);
        return;
      }
      deal(bucket, first, first + ((std::uint64_t{1} << rung.shift) - 1));
    }
  }

  // True if the top was small enough to be the bottom at once.
  bool take_top() {
    const std::uint64_t first = top_min_, last = top_max_;
    top_start_ = last + 1;
    top_min_ = UINT64_MAX;
    top_max_ = 0;
    if (top_.size() <= kSortable) {
      sort_into_bottom(top_);
      return true;
    }
    deal(top_, first, last);
    return false;
  }

  // `list` may stand in a rung, and rungs may move when one is added.
  void deal(ChunkList& list, std::uint64_t first, std::uint64_t last) {
    ChunkList entries = list;
    list = ChunkList{};
    Rung& rung = open_rung(first, last, entries.size());
    entries.drain(pool_, [&](Entry entry) { rung.bucket(time_of(entry)).push(pool_, entry); });
  }

  void sort_into_bottom(ChunkList& list) {
    bottom_.reserve(list.size());
    list.drain(pool_, [&](Entry entry) { bottom_.push_back(entry); });
    sort_entries(bottom_.data(), bottom_.data() + bottom_.size(), before_);
  }

  [[no_unique_address]] Before before_;
  std::size_t size_ = 0;
  ChunkPool pool_;
  ChunkList top_;
  std::uint64_t top_start_ = 0;  // entries from this time on go to the top
  std::uint64_t top_min_ = UINT64_MAX;
  std::uint64_t top_max_ = 0;
  std::vector<Rung> rungs_;  // the first is the coarsest
  std::size_t rungs_used_ = 0;
  std::vector<Entry> bottom_;  // ascending, popped up to bottom_next_
  std::size_t bottom_next_ = 0;
  EntryHeap late_;
};

}  // namespace orrery::sim
