#include "harness/testnet/link_faults.h"

#include <gtest/gtest.h>

#include "harness/testnet/netns.h"

namespace orrery::testnet {
namespace {

using scenario::FaultKind;
using scenario::FaultSpec;

FaultSpec partition(std::uint32_t id, std::vector<std::vector<std::uint32_t>> sides) {
  FaultSpec fault{.id = id, .kind = FaultKind::kPartition};
  fault.sides = std::move(sides);
  return fault;
}

TEST(LinkFaults, APartitionBlocksBetweenItsSidesAlone) {
  LinkFaults faults(5);
  faults.begin(partition(1, {{0, 1}, {2}}));
  EXPECT_TRUE(faults.rules_of(0).at(2).blocked);
  EXPECT_TRUE(faults.rules_of(2).at(1).blocked);
  EXPECT_EQ(faults.rules_of(0).count(1), 0u);
  EXPECT_TRUE(faults.rules_of(3).empty()) << "a node on no side reaches everybody";
  faults.end(1);
  EXPECT_TRUE(faults.rules_of(0).empty());
}

TEST(LinkFaults, OverlappingPartitionsHealOneByOne) {
  LinkFaults faults(3);
  faults.begin(partition(1, {{0}, {1}}));
  faults.begin(partition(2, {{0}, {1, 2}}));
  faults.end(1);
  EXPECT_TRUE(faults.rules_of(0).at(1).blocked);
  EXPECT_TRUE(faults.rules_of(0).at(2).blocked);
}

TEST(LinkFaults, ASlowLinkDelaysBothWaysByItsMedian) {
  LinkFaults faults(3);
  FaultSpec slow{.id = 4, .kind = FaultKind::kLink, .targets = {1}};
  slow.link.latency = {.kind = DistributionKind::kUniform, .a = 10'000'000, .b = 30'000'000};
  slow.link.loss_ppm = 500;
  slow.link.bytes_per_second = 1000;
  faults.begin(slow);
  const live::LinkRule rule = faults.rules_of(0).at(1);
  EXPECT_NEAR(static_cast<double>(rule.delay.ns), 20e6, 1e5);
  EXPECT_EQ(rule.loss_ppm, 500u);
  EXPECT_EQ(rule.bytes_per_second, 1000u);
  EXPECT_EQ(faults.rules_of(1).size(), 2u);
  EXPECT_EQ(faults.rules_of(0).count(2), 0u);
}

TEST(Netns, ShapesEachRegionApart) {
  scenario::Scenario scenario;
  for (const char* region : {"eu", "eu", "us"}) {
    scenario.nodes.push_back({.name = region, .region = region});
  }
  scenario.network.link.latency = {.kind = DistributionKind::kConst, .a = 2'000'000};
  scenario.network.overrides.push_back({"us", "eu", {}});
  scenario.network.overrides[0].link.latency = {.kind = DistributionKind::kConst, .a = 45'000'000};
  scenario.network.overrides[0].link.loss_ppm = 10'000;
  NetworkFile network;
  for (const char* ip : {"10.1.0.1", "10.1.0.2", "10.1.0.3"}) {
    network.nodes.push_back({.name = ip, .ip = ip});
  }
  const std::string lines = shaping_lines(scenario, network, 0);
  EXPECT_NE(lines.find("parent 1:2 netem limit 100000 delay 2000us\n"), std::string::npos);
  EXPECT_NE(lines.find("parent 1:3 netem limit 100000 delay 45000us loss 1%\n"), std::string::npos);
  EXPECT_NE(lines.find("dst 10.1.0.2/32 flowid 1:2\n"), std::string::npos);
  EXPECT_NE(lines.find("dst 10.1.0.3/32 flowid 1:3\n"), std::string::npos);
  EXPECT_EQ(lines.find("10.1.0.1/32"), std::string::npos);
}

}  // namespace
}  // namespace orrery::testnet
