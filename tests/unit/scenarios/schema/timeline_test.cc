#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "scenarios/schema/describe.h"
#include "tests/unit/scenarios/schema/support.h"

namespace orrery::scenario {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// The one fault of a small scenario.
FaultSpec fault(const std::string& item) {
  LoadOptions with = options();
  with.overrides = {{"timeline", "[{at: t+1m, " + item + "}]"}, {"asserts", "[]"}};
  const LoadOutcome s = load_small("", with);
  EXPECT_TRUE(s) << all_messages(s);
  return s ? s->timeline.at(0) : FaultSpec{};
}

std::string refusal(const std::string& items) {
  LoadOptions with = options();
  with.overrides = {{"timeline", "[" + items + "]"}, {"asserts", "[]"}};
  return all_messages(load_small("", with));
}

TEST(Timeline, APartitionMayBeOneWay) {
  const FaultSpec f = fault("do: partition, from: boot-0, to: \"group(val)[0..1]\", for: 5s");
  EXPECT_THAT(f.from, ElementsAre(0));
  EXPECT_THAT(f.to, ElementsAre(1, 2));
  EXPECT_TRUE(f.sides.empty());
  EXPECT_EQ(effect(f), "nothing arrives");
}

TEST(Timeline, CrashesLoseWhatTheySay) {
  const std::pair<const char*, CrashDisk> kinds[] = {{"lose-unsynced", CrashDisk::kLoseUnsynced},
                                                     {"wipe", CrashDisk::kWipe},
                                                     {"keep-prefix", CrashDisk::kKeepPrefix},
                                                     {"keep-subset", CrashDisk::kKeepSubset},
                                                     {"torn", CrashDisk::kTorn}};
  for (const auto& [word, loss] : kinds) {
    EXPECT_EQ(fault(std::string("do: crash, targets: val-0, disk: ") + word).disk_loss, loss);
  }
  EXPECT_TRUE(fault("do: crash, targets: val-0, disk: torn, unnoticed: true").unnoticed);
}

TEST(Timeline, ClocksGoWrongInSixWays) {
  EXPECT_EQ(fault("do: clock, targets: val-0, offset: 5s").clock, ClockMode::kOffset);
  EXPECT_EQ(fault("do: clock, mode: step, targets: val-0, offset: -5s").offset,
            Duration::seconds(-5));
  const FaultSpec slew = fault("do: clock, mode: slew, targets: val-0, offset: 5s, for: 10s");
  EXPECT_EQ(slew.clock, ClockMode::kSlew);
  EXPECT_EQ(slew.duration, Duration::seconds(10));
  EXPECT_EQ(fault("do: clock, mode: drift, targets: val-0, drift: 1%").drift_ppb, 10'000'000);
  EXPECT_EQ(fault("do: clock, mode: ntp-loss, targets: val-0, drift: -50ppm").drift_ppb, -50'000);
  EXPECT_EQ(fault("do: clock, mode: claim, targets: val-0, error: 1us").error, Duration::micros(1));
}

TEST(Timeline, DisksGoWrongInSevenWays) {
  const FaultSpec rot = fault("do: disk, kind: rot, share: 5%, unnoticed: true, targets: val-0");
  EXPECT_EQ(rot.disk, DiskMode::kRot);
  EXPECT_EQ(rot.share_ppm, 50'000u);
  EXPECT_TRUE(rot.unnoticed);
  EXPECT_EQ(effect(rot), "rot, share 5%, unnoticed");
  const std::pair<const char*, DiskMode> kinds[] = {{"bad-sectors", DiskMode::kBadSectors},
                                                    {"lost-writes", DiskMode::kLostWrites},
                                                    {"misdirected", DiskMode::kMisdirected},
                                                    {"full", DiskMode::kFull},
                                                    {"sync-fails", DiskMode::kSyncFails}};
  for (const auto& [word, kind] : kinds) {
    EXPECT_EQ(fault(std::string("do: disk, targets: val-0, kind: ") + word).disk, kind);
  }
  const FaultSpec stall = fault("do: disk, kind: stall, delay: 2s, targets: val-0");
  EXPECT_EQ(stall.delay, Duration::seconds(2));
}

TEST(Timeline, LinksClogsAndChurn) {
  const FaultSpec link = fault(
      "do: link, targets: val-0, jitter: 5ms, reorder: 1%, reorder_window: 50ms, corrupt: 10ppm, "
      "rate: 8Mbps, queue: 4KiB");
  EXPECT_EQ(link.link.jitter, Duration::millis(5));
  EXPECT_EQ(link.link.reorder_ppm, 10'000u);
  EXPECT_EQ(link.link.reorder_window, Duration::millis(50));
  EXPECT_EQ(link.link.corrupt_ppm, 10u);
  EXPECT_EQ(link.link.bytes_per_second, 1'000'000u);
  EXPECT_EQ(link.link.queue_bytes, 4096u);
  EXPECT_EQ(link.link.latency.kind, DistributionKind::kLognormal) << "inherited";
  EXPECT_TRUE(fault("do: clog, targets: all, swizzle: true, for: 5s").swizzle);
  EXPECT_EQ(fault("do: reset, targets: val-0").kind, FaultKind::kReset);
  EXPECT_EQ(fault("do: half-open, targets: val-0").kind, FaultKind::kHalfOpen);
  const FaultSpec churn =
      fault("do: churn, targets: group(workers), every: 10m, away: \"uniform(5s, 20s)\"");
  EXPECT_EQ(churn.every, Duration::minutes(10));
  EXPECT_EQ(churn.away.b, Duration::seconds(20).ns);
}

TEST(Timeline, DamagedDisksAreCountedOverAllFaultsInForce) {
  // 21 nodes: 7 disks are spared.
  const std::string wipe = "{at: t+2m, do: crash, disk: wipe, targets: \"group(workers)[0..6]\"}";
  const std::string users = "do: disk, kind: rot, targets: group(users)";
  const std::string val = "do: disk, kind: lost-writes, targets: group(val)";
  EXPECT_EQ(refusal(wipe + ", {at: t+3m, " + users + "}"), "loaded without a complaint");
  EXPECT_THAT(refusal(wipe + ", {at: t+3m, " + users + "}, {at: t+4m, " + val + "}"),
              HasSubstr("17 of 21 disks would be damaged at t+4m: at least 7 must be whole"));
  EXPECT_EQ(refusal(wipe + ", {at: t+3m, for: 30s, " + users + "}, {at: t+4m, " + val + "}"),
            "loaded without a complaint")
      << "mended in time";
}

TEST(Timeline, DriftsAddUpToTenPercentAtMost) {
  std::string items;
  for (int i = 0; i < 10; ++i) {
    items += std::string(i == 0 ? "" : ", ") + "{at: t+" + std::to_string(i + 1) +
             "m, do: clock, mode: drift, drift: 1%, targets: val-0}";
  }
  LoadOptions with = options();
  with.overrides = {{"timeline", "[" + items + "]"}, {"asserts", "[]"}, {"until", "20m"}};
  EXPECT_EQ(all_messages(load_small("", with)), "loaded without a complaint");
  with.overrides[0].value.pop_back();
  with.overrides[0].value += ", {at: t+11m, do: clock, mode: drift, drift: 1%, targets: val-0}]";
  EXPECT_THAT(all_messages(load_small("", with)), HasSubstr("add up to more than 10 %"));
}

}  // namespace
}  // namespace orrery::scenario
