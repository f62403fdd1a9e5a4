#include "harness/threads/thread_crew.h"

#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>
#include <string>
#include <vector>

#include "engine/base/ensure.h"

namespace orrery::harness {
namespace {

TEST(ThreadCrew, EachMemberDoesEachJobOnceAndRunWaitsForAll) {
  for (const unsigned threads : {1u, 2u, 5u}) {
    ThreadCrew crew(threads);
    ASSERT_EQ(crew.size(), threads);
    std::vector<int> done(threads, 0);
    for (int round = 1; round <= 2000; ++round) {
      crew.run([&](unsigned i) { ++done[i]; });
      for (const int n : done) ASSERT_EQ(n, round);
    }
  }
}

TEST(ThreadCrew, MembersThatSleepWakeUp) {
  ThreadCrew crew(3);
  std::atomic<int> done{0};
  for (int round = 0; round < 3; ++round) {
    // Enough work outside that the others have gone to sleep.
    std::uint64_t sum = 0;
    for (std::uint64_t i = 0; i < 20'000'000; ++i) sum += i ^ sum << 1;
    crew.run([&](unsigned) { done += sum == 1 ? 2 : 1; });
  }
  EXPECT_EQ(done, 9);
}

TEST(ThreadCrew, ThrowsWhatTheFirstFailingMemberThrewAndGoesOn) {
  ThreadCrew crew(4);
  for (int round = 0; round < 50; ++round) {
    try {
      crew.run([](unsigned i) {
        if (i >= 1) throw std::runtime_error(std::to_string(i));
      });
      FAIL() << "nothing was thrown";
    } catch (const std::runtime_error& e) {
      EXPECT_STREQ(e.what(), "1");
    }
    int done = 0;
    crew.run([&](unsigned i) { done += i == 0 ? 1 : 0; });
    EXPECT_EQ(done, 1);
  }
}

TEST(ThreadCrew, RefusesNoThreads) { EXPECT_THROW(ThreadCrew(0), EnsureFailure); }

}  // namespace
}  // namespace orrery::harness
