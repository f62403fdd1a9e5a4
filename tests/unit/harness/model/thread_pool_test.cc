#include "harness/model/thread_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <vector>

#include "engine/base/ensure.h"

namespace orrery::model {
namespace {

TEST(ThreadPool, RunsEachPartOnceAndSeesWhatItWrote) {
  for (const std::uint32_t width : {1u, 2u, 5u}) {
    ThreadPool pool(width);
    std::vector<std::uint32_t> written(width);
    for (std::uint32_t round = 1; round <= 2000; ++round) {
      pool.each_part([&](std::uint32_t part) { written[part] += part + 1; });
      for (std::uint32_t part = 0; part < width; ++part) {
        ASSERT_EQ(written[part], round * (part + 1));
      }
    }
  }
}

TEST(ThreadPool, WakesThreadsThatHaveGoneToSleep) {
  ThreadPool pool(3);
  std::atomic<int> done = 0;
  for (int round = 0; round < 3; ++round) {
    std::uint64_t spin = 0;  // far longer than a thread waits awake
    for (int i = 0; i < 20'000'000; ++i) spin += static_cast<std::uint64_t>(i) ^ spin << 1;
    pool.each_part([&](std::uint32_t) { done += spin == 1 ? 2 : 1; });
  }
  EXPECT_EQ(done, 9);
}

TEST(ThreadPool, HasAtLeastOneThread) { EXPECT_THROW(ThreadPool(0), EnsureFailure); }

}  // namespace
}  // namespace orrery::model
