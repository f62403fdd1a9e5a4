// The pending events of a simulated world, popped in the order of their keys. The order is total
// and has nothing to do with the shape of the queue or the order of insertion.
#pragma once

#include <algorithm>
#include <compare>
#include <cstdint>
#include <utility>
#include <vector>

#include "engine/base/ensure.h"
#include "engine/base/time.h"

namespace orrery::sim {

// What happens first at equal times. kWorld is the driver: faults, samples, call_at.
enum class EventClass : std::uint8_t { kDeliver, kSynced, kJob, kTimer, kRequest, kAdmin, kWorld };

// Destination or source that is no node: the driver and the users outside.
inline constexpr std::uint32_t kOutside = UINT32_MAX;

// (time, class, destination, source, counter of the source), compared in this order. The counter
// makes it unique.
struct EventKey {
  Time time{};
  EventClass cls = EventClass::kDeliver;
  std::uint32_t destination = 0;
  std::uint32_t source = 0;
  std::uint64_t counter = 0;
  auto operator<=>(const EventKey&) const = default;
};

// A 4-ary heap of keys over a pool of payloads: payloads never move while they wait, and a popped
// one's place is used again. Owned by one world.
template <class Payload>
class EventQueue {
 public:
  // A world that passes this is in a livelock (10,000 nodes with 6,000 messages each in flight).
  static constexpr std::size_t kMaxPending = std::size_t{1} << 26;

  bool empty() const { return heap_.empty(); }
  std::size_t size() const { return heap_.size(); }
  // ENSUREs that the queue is not empty, as pop() does.
  EventKey next() const {
    ENSURE(!heap_.empty(), "an empty queue has no next event");
    return unpack(heap_.front());
  }

  void push(const EventKey& key, Payload payload) {
    ENSURE(heap_.size() < kMaxPending, "too many pending events");
    std::uint32_t slot = 0;
    if (free_.empty()) {
      slot = static_cast<std::uint32_t>(pool_.size());
      pool_.push_back(std::move(payload));
    } else {
      slot = free_.back();
      free_.pop_back();
      pool_[slot] = std::move(payload);
    }
    heap_.push_back(pack(key, slot));
    sift_up(heap_.size() - 1);
  }

  std::pair<EventKey, Payload> pop() {
    ENSURE(!heap_.empty(), "an empty queue has no next event");
    const Entry top = heap_.front();
    const Entry last = heap_.back();
    heap_.pop_back();
    if (!heap_.empty()) sift_down(last);
    free_.push_back(top.slot);
    return {unpack(top), std::exchange(pool_[top.slot], Payload{})};
  }

 private:
  // 32 bytes; `place` is class (8 bits) and destination, so that three comparisons do for most.
  struct Entry {
    std::int64_t time;
    std::uint64_t place;
    std::uint64_t counter;
    std::uint32_t source;
    std::uint32_t slot;
  };
  static Entry pack(const EventKey& k, std::uint32_t slot) {
    return {k.time.ns, static_cast<std::uint64_t>(k.cls) << 32 | k.destination, k.counter, k.source,
            slot};
  }
  static EventKey unpack(const Entry& e) {
    return {Time{e.time}, static_cast<EventClass>(e.place >> 32),
            static_cast<std::uint32_t>(e.place), e.source, e.counter};
  }
  static bool before(const Entry& a, const Entry& b) {
    if (a.time != b.time) return a.time < b.time;
    if (a.place != b.place) return a.place < b.place;
    if (a.source != b.source) return a.source < b.source;
    return a.counter < b.counter;
  }

  void sift_up(std::size_t i) {
    const Entry entry = heap_[i];
    while (i > 0) {
      const std::size_t parent = (i - 1) / 4;
      if (!before(entry, heap_[parent])) break;
      heap_[i] = heap_[parent];
      i = parent;
    }
    heap_[i] = entry;
  }

  void sift_down(const Entry& entry) {
    std::size_t i = 0;
    for (;;) {
      const std::size_t first = 4 * i + 1;
      if (first >= heap_.size()) break;
      const std::size_t end = std::min(first + 4, heap_.size());
      std::size_t best = first;
      for (std::size_t child = first + 1; child < end; ++child) {
        if (before(heap_[child], heap_[best])) best = child;
      }
      if (!before(heap_[best], entry)) break;
      heap_[i] = heap_[best];
      i = best;
    }
    heap_[i] = entry;
  }

  std::vector<Entry> heap_;
  std::vector<Payload> pool_;
  std::vector<std::uint32_t> free_;
};

}  // namespace orrery::sim
