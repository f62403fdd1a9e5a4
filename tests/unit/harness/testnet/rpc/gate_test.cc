#include "harness/testnet/rpc/gate.h"

#include <gtest/gtest.h>

namespace orrery::testnet {
namespace {

TEST(Gate, TakesNumbersAndLocalhostForHosts) {
  for (const char* host : {"127.0.0.1", "127.0.0.1:8545", "localhost", "localhost:80", "[::1]",
                           "[::1]:9", "10.0.0.7:1"}) {
    EXPECT_TRUE(host_allowed(host)) << host;
  }
  for (const char* host : {"", "evil.example", "127.0.0.1.evil.example", "localhost.evil.example",
                           "localhost:", "127.0.0.1:80x", "1.2.3", "1.2.3.4.5", "[evil]", "::1"}) {
    EXPECT_FALSE(host_allowed(host)) << host;
  }
}

TEST(Gate, TakesNoOriginOrOurOwn) {
  EXPECT_TRUE(origin_allowed("", "127.0.0.1:1"));
  EXPECT_TRUE(origin_allowed("http://127.0.0.1:1", "127.0.0.1:1"));
  for (const char* origin : {"null", "http://127.0.0.1:2", "http://evil.example", "file://",
                             "http://127.0.0.1:1.evil.example"}) {
    EXPECT_FALSE(origin_allowed(origin, "127.0.0.1:1")) << origin;
  }
}

TEST(RateLimiter, GivesEachAddressItsRate) {
  RateLimiter limiter(10);
  const Time start = Time{} + Duration::seconds(5);
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(limiter.allow("a", start));
  EXPECT_FALSE(limiter.allow("a", start));
  EXPECT_TRUE(limiter.allow("b", start));
  EXPECT_TRUE(limiter.allow("a", start + Duration::millis(150)));
  EXPECT_FALSE(limiter.allow("a", start + Duration::millis(150)));
}

TEST(RateLimiter, MakesABatchPayForAllItsCalls) {
  RateLimiter limiter(10);
  EXPECT_TRUE(limiter.allow("a", Time{}));
  limiter.charge("a", 199);
  EXPECT_FALSE(limiter.allow("a", Time{} + Duration::seconds(18)));
  EXPECT_TRUE(limiter.allow("a", Time{} + Duration::seconds(20)));
}

TEST(RateLimiter, RemembersABoundedNumberOfAddresses) {
  RateLimiter limiter(10);
  for (int i = 0; i < 100'000; ++i) {
    limiter.allow(std::to_string(i), Time{} + Duration::micros(i));
    ASSERT_LE(limiter.addresses(), RateLimiter::kMaxAddresses);
  }
}

}  // namespace
}  // namespace orrery::testnet
