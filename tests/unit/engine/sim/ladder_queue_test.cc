#include "engine/sim/ladder_queue.h"

#include <gtest/gtest.h>

#include <queue>

#include "engine/base/random.h"
#include "engine/sim/pending_events.h"

namespace orrery::sim {
namespace {

using Heap = std::priority_queue<Entry, std::vector<Entry>, std::greater<>>;

Entry entry(std::uint64_t time, std::uint64_t rest) {
  return static_cast<Entry>(time) << 64 | rest;
}

// How far ahead of the popped entry's time the next one is pushed.
using Delay = std::uint64_t (*)(RandomStream&);

// Keeps `pending` entries in both queues and compares what they pop.
void hold(std::size_t pending, std::size_t rounds, Delay delay) {
  RandomStream random(7, pending, stream_id("ladder_test"));
  LadderQueue<> ladder;
  Heap heap;
  std::uint64_t rest = 0;
  const auto push = [&](std::uint64_t now) {
    const Entry e = entry(now + delay(random), mix64(1, rest++));
    ladder.push(e);
    heap.push(e);
  };
  for (std::size_t i = 0; i < pending; ++i) push(0);
  for (std::size_t i = 0; i < rounds && !heap.empty(); ++i) {
    ASSERT_TRUE(ladder.min() == heap.top()) << "at " << i;
    ASSERT_TRUE(ladder.pop() == heap.top()) << "at " << i;
    const std::uint64_t now = time_of(heap.top());
    heap.pop();
    for (std::uint64_t n = random.below(3); n > 0 && heap.size() < 2 * pending; --n) push(now);
    if (heap.empty()) push(now);
    ASSERT_EQ(ladder.size(), heap.size());
  }
  for (; !heap.empty(); heap.pop()) ASSERT_TRUE(ladder.pop() == heap.top());
  EXPECT_TRUE(ladder.empty());
}

TEST(LadderQueue, PopsWhatAHeapPopsWhateverTheSpreadOfTimes) {
  const Delay delays[] = {
      [](RandomStream& r) { return r.below(1'000'000'000); },
      [](RandomStream& r) { return r.below(3); },             // nearly all at one time
      [](RandomStream&) { return std::uint64_t{0}; },         // all at one time
      [](RandomStream& r) { return 1 + r.below(100) * 50; },  // many equal times
      // Ten orders of magnitude: buckets of very unequal size.
      [](RandomStream& r) { return r.below(std::uint64_t{1} << (1 + r.below(40))); },
      // A burst soon, and something in an hour.
      [](RandomStream& r) { return r.below(50) == 0 ? 3'600'000'000'000u : r.below(2000); },
  };
  for (const Delay delay : delays) {
    for (const std::size_t pending : {1, 2, 30, 49, 500, 20'000}) hold(pending, 60'000, delay);
  }
}

TEST(LadderQueue, TakesFloodsBetweenEntriesThatAreSortedAlready) {
  LadderQueue<> ladder;
  Heap heap;
  RandomStream random(8, 0, stream_id("ladder_test"));
  const auto push = [&](Entry e) {
    ladder.push(e);
    heap.push(e);
  };
  for (std::uint64_t i = 0; i < 40; ++i) push(entry(1'000'000 + i * 1000, i));
  for (std::uint64_t round = 0; round < 20; ++round) {
    ASSERT_TRUE(ladder.pop() == heap.top());
    const std::uint64_t now = time_of(heap.top());
    heap.pop();
    for (std::uint64_t i = 0; i < 2000; ++i) {
      push(entry(now + random.below(30'000), 100 + round * 2000 + i));
    }
  }
  for (; !heap.empty(); heap.pop()) ASSERT_TRUE(ladder.pop() == heap.top());
  EXPECT_TRUE(ladder.empty());
}

TEST(LadderQueue, AnEmptyQueueHasNoNextEntry) {
  LadderQueue<> ladder;
  EXPECT_THROW(ladder.pop(), EnsureFailure);
  EXPECT_THROW(ladder.min(), EnsureFailure);
}

TEST(PendingEvents, PopTheKeysAndPayloadsThatTheHeapPops) {
  for (const std::uint64_t spread : {1u, 20u, 5'000u, 1'000'000u}) {
    RandomStream random(9, spread, stream_id("ladder_test"));
    PendingEvents<std::uint64_t> ladder;
    EventQueue<std::uint64_t> heap;
    Time now{};
    for (std::uint64_t i = 0; i < 100'000; ++i) {
      // Two pushes for each pop at first, then the other way round.
      if (heap.empty() || random.below(3) < (i < 50'000 ? 2u : 1u)) {
        const auto below = [&](std::uint64_t n) {
          return static_cast<std::uint32_t>(random.below(n));
        };
        const EventKey key{Time{now.ns + static_cast<std::int64_t>(random.below(spread))},
                           static_cast<EventClass>(random.below(7)),
                           random.below(9) == 0 ? kOutside : below(4), below(3), i};
        ladder.push(key, i * 3);
        heap.push(key, i * 3);
      } else {
        ASSERT_EQ(ladder.next(), heap.next());
        const auto popped = heap.pop();
        ASSERT_EQ(ladder.pop(), popped);
        now = popped.first.time;
      }
      ASSERT_EQ(ladder.size(), heap.size());
    }
  }
}

TEST(PendingEvents, RefuseTimesBeforeTheBeginning) {
  PendingEvents<int> queue;
  EXPECT_THROW(queue.push({Time{-1}, EventClass::kTimer, 0, 0, 0}, 0), EnsureFailure);
  EXPECT_THROW(queue.next(), EnsureFailure);
}

}  // namespace
}  // namespace orrery::sim
