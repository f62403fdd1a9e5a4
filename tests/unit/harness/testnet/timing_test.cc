#include "harness/testnet/timing.h"

#include <gtest/gtest.h>

#include "protocol/types/trace_kinds.h"

namespace orrery::testnet {
namespace {

TEST(KsDistance, IsTheLargestGapBetweenTheDistributionFunctions) {
  EXPECT_DOUBLE_EQ(ks_distance({1, 2, 3}, {3, 2, 1}), 0);
  EXPECT_DOUBLE_EQ(ks_distance({1, 2}, {3, 4}), 1);
  // F1 jumps to 1/2 at 1, F2 is 0 until 2: the gap is 1/2 there and 1/4 at 3.
  EXPECT_DOUBLE_EQ(ks_distance({1, 3}, {2, 2, 2, 4}), 0.5);
  EXPECT_DOUBLE_EQ(ks_distance({1, 1, 1, 2}, {1, 2, 2, 2}), 0.5);
}

TEST(KsDistance, OfNothing) {
  EXPECT_DOUBLE_EQ(ks_distance({}, {}), 0);
  EXPECT_DOUBLE_EQ(ks_distance({1}, {}), 1);
}

TEST(Quantile, InterpolatesBetweenSamples) {
  EXPECT_DOUBLE_EQ(quantile({3, 1, 2}, 0.5), 2);
  EXPECT_DOUBLE_EQ(quantile({1, 2}, 0.75), 1.75);
  EXPECT_DOUBLE_EQ(quantile({5}, 0.99), 5);
  EXPECT_DOUBLE_EQ(quantile({}, 0.5), 0);
}

Time at(double s) { return Time{static_cast<std::int64_t>(s * 1e9)}; }
Hash256 hash(std::uint8_t n) {
  Hash256 h;
  h.bytes[0] = n;
  return h;
}
env::TraceEvent executed(std::uint8_t block, std::uint64_t height, std::uint64_t slot) {
  return {.kind = chain::kTraceExecuted, .n = {height, slot}, .a = hash(block)};
}

TEST(Timing, MeasuresIntervalsPropagationAndFinality) {
  Timing timing(at(10), Duration::seconds(2));
  timing.on_trace(at(14), 0, executed(1, 1, 2));
  timing.on_trace(at(14.25), 1, executed(1, 1, 2));
  timing.on_trace(at(15), 1, executed(2, 2, 3));
  timing.on_trace(at(15.5), 0, executed(2, 2, 3));
  timing.on_trace(at(17), 0, {.kind = chain::kTraceFinalized, .n = {1, 1}, .a = hash(1)});
  EXPECT_EQ(timing.block_interval_s(), (Samples{1}));
  EXPECT_EQ(timing.propagation_s(), (Samples{0.25, 0.5}));
  EXPECT_EQ(timing.finality_latency_s(), (Samples{3}));  // slot 2 began at 10 + 2 * 2
}

TEST(Timing, KeepsWhatFollowedWhatOnEachNode) {
  Timing timing(Time{}, Duration::seconds(1));
  timing.on_trace(at(1), 0, {.kind = chain::kTraceHead});
  timing.on_trace(at(1), 1, {.kind = chain::kTraceVoteSent});
  timing.on_trace(at(2), 0, {.kind = chain::kTraceFinalized});
  timing.on_trace(at(3), env::TraceSink::kWorld, {.kind = env::kFaultBegin});
  timing.on_trace(at(3), 1, {.kind = env::kStoreSynced});
  ASSERT_EQ(timing.transitions().size(), 1u);
  EXPECT_EQ(*timing.transitions().begin(),
            (std::pair<env::TraceKind, env::TraceKind>{chain::kTraceHead, chain::kTraceFinalized}));
}

}  // namespace
}  // namespace orrery::testnet
