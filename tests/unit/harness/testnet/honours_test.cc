#include "harness/testnet/honours.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace orrery::testnet {
namespace {

using scenario::FaultKind;
using scenario::FaultSpec;
using testing::HasSubstr;

std::string refusal(FaultSpec fault) {
  fault.name = "it";
  const Status can = can_honour(fault);
  if (can) return "can";
  EXPECT_EQ(can.error().code, ErrorCode::kUnsupported);
  return can.error().message;
}

TEST(Honours, WhatALiveNetworkCanDoPasses) {
  EXPECT_EQ(refusal({.kind = FaultKind::kPartition}), "can");
  EXPECT_EQ(refusal({.kind = FaultKind::kBehave}), "can");
  EXPECT_EQ(refusal({.kind = FaultKind::kCrash}), "can");
  EXPECT_EQ(refusal({.kind = FaultKind::kCrash, .disk_loss = scenario::CrashDisk::kWipe}), "can");
  EXPECT_EQ(refusal({.kind = FaultKind::kClock}), "can");
  EXPECT_EQ(refusal({.kind = FaultKind::kClock, .clock = scenario::ClockMode::kStep}), "can");
  EXPECT_EQ(refusal({.kind = FaultKind::kLink, .link = {.loss_ppm = 5}}), "can");
}

TEST(Honours, WhatItCannotDoIsRefusedWithTheKey) {
  const std::pair<FaultSpec, const char*> cases[] = {
      {{.kind = FaultKind::kDisk}, "timeline.it.do"},
      {{.kind = FaultKind::kClog}, "timeline.it.do"},
      {{.kind = FaultKind::kReset}, "timeline.it.do"},
      {{.kind = FaultKind::kHalfOpen}, "timeline.it.do"},
      {{.kind = FaultKind::kChurn}, "timeline.it.do"},
      {{.kind = FaultKind::kCrash, .disk_loss = scenario::CrashDisk::kTorn}, "timeline.it.disk"},
      {{.kind = FaultKind::kClock, .clock = scenario::ClockMode::kDrift}, "timeline.it.mode"},
      {{.kind = FaultKind::kLink, .link = {.duplicate_ppm = 1}}, "timeline.it.duplicate"},
      {{.kind = FaultKind::kLink, .link = {.jitter = Duration{1}}}, "timeline.it.jitter"},
      {{.kind = FaultKind::kLink, .link = {.reorder_ppm = 1}}, "timeline.it.reorder"},
      {{.kind = FaultKind::kLink, .link = {.corrupt_ppm = 1}}, "timeline.it.corrupt"},
      {{.kind = FaultKind::kLink, .link = {.queue_bytes = 1}}, "timeline.it.queue"},
  };
  for (const auto& [fault, key] : cases) EXPECT_THAT(refusal(fault), HasSubstr(key));
}

TEST(Honours, AScenarioIsLookedAtAsAWhole) {
  scenario::Scenario s;
  EXPECT_TRUE(can_honour(s, true));
  s.timeline.push_back({.name = "it", .kind = FaultKind::kDisk});
  EXPECT_FALSE(can_honour(s, true));
  EXPECT_TRUE(can_honour(s, false));
  s.devices.push_back({.name = "slow", .cpu_timer = Duration::millis(1)});
  EXPECT_THAT(can_honour(s, false).error().message, HasSubstr("devices.slow.cpu_timer"));
  s.devices.clear();
  s.network.topology.kind = scenario::TopologyKind::kSmallWorld;
  EXPECT_THAT(can_honour(s, false).error().message, HasSubstr("network.topology"));
  s.network.topology.kind = scenario::TopologyKind::kGeographic;
  s.network.link.jitter = Duration::millis(1);
  EXPECT_TRUE(can_honour(s, false)) << "plain processes take the network as it is";
  s.live.provider = scenario::LiveProvider::kNetns;
  EXPECT_THAT(can_honour(s, false).error().message, HasSubstr("network.jitter"));
}

}  // namespace
}  // namespace orrery::testnet
