#include "engine/sim/event_queue.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "engine/base/random.h"

namespace orrery::sim {
namespace {

EventKey key(std::int64_t time, EventClass cls, std::uint32_t destination, std::uint32_t source,
             std::uint64_t counter) {
  return {Time{time}, cls, destination, source, counter};
}

std::vector<EventKey> drain(EventQueue<int>& queue) {
  std::vector<EventKey> keys;
  while (!queue.empty()) keys.push_back(queue.pop().first);
  return keys;
}

TEST(EventQueue, PopsByTimeThenClassThenDestinationThenSourceThenCounter) {
  const std::vector<EventKey> wanted = {key(1, EventClass::kWorld, kOutside, kOutside, 9),
                                        key(2, EventClass::kDeliver, 3, 3, 9),
                                        key(2, EventClass::kSynced, 1, 9, 9),
                                        key(2, EventClass::kSynced, 2, 1, 9),
                                        key(2, EventClass::kSynced, 2, 2, 7),
                                        key(2, EventClass::kSynced, 2, 2, 8),
                                        key(2, EventClass::kTimer, 0, 0, 0),
                                        key(3, EventClass::kDeliver, 0, 0, 0)};
  std::vector<EventKey> order = wanted;
  std::sort(order.begin(), order.end(), std::greater<>());
  EventQueue<int> queue;
  for (const EventKey& k : order) queue.push(k, 0);
  EXPECT_EQ(drain(queue), wanted);
}

TEST(EventQueue, OrderDoesNotDependOnTheOrderOfInsertion) {
  RandomStream random(5, 0, stream_id("queue_test"));
  std::vector<EventKey> keys;
  for (std::uint64_t i = 0; i < 5000; ++i) {
    keys.push_back(key(static_cast<std::int64_t>(random.below(50)),
                       static_cast<EventClass>(random.below(7)),
                       static_cast<std::uint32_t>(random.below(5)),
                       static_cast<std::uint32_t>(random.below(5)), i));
  }
  std::vector<EventKey> sorted = keys;
  std::sort(sorted.begin(), sorted.end());
  for (int round = 0; round < 3; ++round) {
    for (std::size_t i = keys.size(); i-- > 1;) std::swap(keys[i], keys[random.below(i + 1)]);
    EventQueue<int> queue;
    for (const EventKey& k : keys) queue.push(k, 0);
    EXPECT_EQ(drain(queue), sorted);
  }
}

TEST(EventQueue, GivesBackThePayloadThatWasPushedWithTheKey) {
  RandomStream random(6, 0, stream_id("queue_test"));
  EventQueue<std::uint64_t> queue;
  std::uint64_t pushed = 0;
  Time last{};
  for (int i = 0; i < 20000; ++i) {
    if (queue.empty() || random.below(5) < 3) {
      const Time at{last.ns + static_cast<std::int64_t>(random.below(100))};
      queue.push({at, EventClass::kTimer, 1, 1, pushed}, pushed * 7);
      ++pushed;
    } else {
      const auto [k, payload] = queue.pop();
      EXPECT_EQ(payload, k.counter * 7);
      EXPECT_GE(k.time, last);
      last = k.time;
    }
  }
}

TEST(EventQueue, AnEmptyQueueHasNoNextEvent) {
  EventQueue<int> queue;
  EXPECT_THROW(queue.pop(), EnsureFailure);
  EXPECT_THROW(queue.next(), EnsureFailure);
}

}  // namespace
}  // namespace orrery::sim
