#include "engine/base/digest_log.h"

#include <gtest/gtest.h>

namespace orrery {
namespace {

TEST(DigestLog, StaysBoundedAndKeepsMultiplesOfItsPeriod) {
  DigestLog log(10);
  for (std::uint64_t events = 1; events <= 100'000; ++events) {
    if (log.due(events)) log.add({.events = events});
  }
  EXPECT_LE(log.checkpoints().size(), DigestLog::kMaxCheckpoints);
  EXPECT_GE(log.checkpoints().size(), DigestLog::kMaxCheckpoints / 2 - 1);
  EXPECT_GT(log.period(), 10u);
  std::uint64_t last = 0;
  int odd = 0;  // the one whose addition made the log thin out stays until the next time
  for (const Checkpoint& c : log.checkpoints()) {
    EXPECT_GT(c.events, last);
    EXPECT_LE(c.events, last + log.period());
    last = c.events;
    odd += c.events % log.period() != 0 ? 1 : 0;
  }
  EXPECT_LE(odd, 1);
}

TEST(DigestLog, ASecondCheckpointAtTheSameEventReplacesTheFirst) {
  DigestLog log(10);
  log.add({.events = 3, .time = Time{1}});
  log.add({.events = 3, .time = Time{2}});
  ASSERT_EQ(log.checkpoints().size(), 1u);
  EXPECT_EQ(log.checkpoints()[0].time, Time{2});
}

}  // namespace
}  // namespace orrery
