// The pending events of a simulated world on a ladder queue: the same order as EventQueue, which is
// the plain heap that it is tested against, in constant time instead of logarithmic.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "engine/base/ensure.h"
#include "engine/sim/event_queue.h"
#include "engine/sim/ladder_queue.h"

namespace orrery::sim {

// An entry is time (64 bits), class (4), destination (32) and the slot of the pool (26) that holds
// source, counter and payload. Entries that agree in all but the slot, which are few, are compared
// by what the slots hold. Owned by one world.
template <class Payload>
class PendingEvents {
 public:
  // A world that passes this is in a livelock (10,000 nodes with 6,000 messages each in flight).
  static constexpr std::size_t kMaxPending = std::size_t{1} << 26;

  PendingEvents() : queue_(ByKey{&pool_}) {}
  PendingEvents(const PendingEvents&) = delete;  // the queue looks into the pool
  PendingEvents& operator=(const PendingEvents&) = delete;

  bool empty() const { return queue_.empty(); }
  std::size_t size() const { return queue_.size(); }
  // ENSUREs that the queue is not empty, as pop() does.
  EventKey next() const { return key_of(queue_.min()); }
  const Payload& next_payload() const { return pool_[slot_of(queue_.min())].payload; }

  // The time must not be negative.
  void push(const EventKey& key, Payload payload) {
    ENSURE(size() < kMaxPending, "too many pending events");
    ENSURE(key.time.ns >= 0, "virtual time begins at 0");
    std::uint32_t slot = 0;
    if (free_.empty()) {
      slot = static_cast<std::uint32_t>(pool_.size());
      pool_.push_back({key.counter, key.source, std::move(payload)});
    } else {
      slot = free_.back();
      free_.pop_back();
      pool_[slot] = {key.counter, key.source, std::move(payload)};
    }
    const std::uint64_t place = static_cast<std::uint64_t>(key.cls) << 32 | key.destination;
    queue_.push(static_cast<Entry>(key.time.ns) << 64 | static_cast<Entry>(place) << kSlotBits |
                slot);
  }

  std::pair<EventKey, Payload> pop() {
    const Entry entry = queue_.pop();
    const std::uint32_t slot = slot_of(entry);
    free_.push_back(slot);
    return {key_of(entry), std::exchange(pool_[slot].payload, Payload{})};
  }

 private:
  static constexpr int kSlotBits = 26;
  static_assert(kMaxPending == std::size_t{1} << kSlotBits);

  struct Slot {
    std::uint64_t counter;
    std::uint32_t source;
    Payload payload;
  };
  struct ByKey {
    const std::vector<Slot>* pool;
    bool operator()(Entry a, Entry b) const {
      if ((a ^ b) >> kSlotBits != 0) return a < b;
      const Slot& x = (*pool)[slot_of(a)];
      const Slot& y = (*pool)[slot_of(b)];
      return x.source != y.source ? x.source < y.source : x.counter < y.counter;
    }
  };
  static std::uint32_t slot_of(Entry entry) {
    return static_cast<std::uint32_t>(entry) & ((1u << kSlotBits) - 1);
  }
  EventKey key_of(Entry entry) const {
    const Slot& slot = pool_[slot_of(entry)];
    const auto place = static_cast<std::uint64_t>(entry) >> kSlotBits;
    return {Time{static_cast<std::int64_t>(time_of(entry))}, static_cast<EventClass>(place >> 32),
            static_cast<std::uint32_t>(place), slot.source, slot.counter};
  }

  std::vector<Slot> pool_;
  std::vector<std::uint32_t> free_;
  mutable LadderQueue<ByKey> queue_;  // looking at the next event may sort a bucket
};

}  // namespace orrery::sim
