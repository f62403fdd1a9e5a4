#include "engine/sim/network.h"

#include <gtest/gtest.h>

#include "tests/unit/engine/sim/script_node.h"

namespace orrery::sim {
namespace {

using env::Channel;
using env::DownReason;
using env::SendStatus;

Time at(Duration d) { return Time{d.ns}; }

// Node 1 dials node 0 over links of 10 ms each way.
struct Pair : TestWorld {
  explicit Pair(SimOptions options = {.default_link = constant_link(Duration::millis(10))})
      : TestWorld(std::move(options)) {
    add({}, {.key = {7}});
    add(dials("sim/0"), {.key = {8}});
  }
  void send(std::uint32_t from, std::string_view text, Channel channel = Channel::kReliable) {
    EXPECT_EQ(env(from).transport.send({1 - from}, channel, buffer(text)), SendStatus::kQueued);
  }
};

TEST(Network, AHandshakeTakesOneRoundTripAndShowsKeyAndAddress) {
  Pair world;
  world.run(Duration::seconds(1));
  const auto dialled = world.all<env::PeerUp>(1);
  const auto accepted = world.all<env::PeerUp>(0);
  ASSERT_EQ(dialled.size(), 1u);
  ASSERT_EQ(accepted.size(), 1u);
  EXPECT_EQ(dialled[0].first, at(Duration::millis(20)));
  EXPECT_TRUE(dialled[0].second.outbound);
  EXPECT_EQ(dialled[0].second.key[0], 7);
  EXPECT_EQ(dialled[0].second.address.text, "sim/0");
  EXPECT_FALSE(accepted[0].second.outbound);
  EXPECT_EQ(accepted[0].second.peer.value, 1u);
  EXPECT_EQ(world.simulator->peers(0), std::vector<std::uint32_t>{1});
}

TEST(Network, DiallingAConnectedPeerIsANoOp) {
  Pair world;
  world.run(Duration::seconds(1));
  world.env(0).transport.dial({"sim/1"});
  world.env(1).transport.dial({"sim/0"});
  world.run(Duration::seconds(20));
  EXPECT_EQ(world.heard[0]->size(), 1u);
  EXPECT_EQ(world.heard[1]->size(), 1u);
}

TEST(Network, DiallingEachOtherAtOnceMakesOneSession) {
  TestWorld world;
  world.add(dials("sim/1"));
  world.add(dials("sim/0"));
  world.run(Duration::seconds(20));
  EXPECT_EQ(world.all<env::PeerUp>(0).size(), 1u);
  EXPECT_EQ(world.all<env::PeerUp>(1).size(), 1u);
  EXPECT_EQ(world.heard[0]->size() + world.heard[1]->size(), 2u);
}

TEST(Network, ADialFailsAfterATimeoutIfNobodyIsThere) {
  TestWorld world;
  world.add(dials("sim/1"));
  world.add({});
  world.add(dials("sim/77"));
  world.add(dials("/ip4/127.0.0.1/tcp/1"));
  world.add(dials("sim/4"));
  world.simulator->crash({1, 1}, 1);
  world.run(Duration::seconds(20));
  for (const std::uint32_t node : {0u, 2u, 3u, 4u}) {
    ASSERT_EQ(world.heard[node]->size(), 1u) << node;
    EXPECT_EQ(world.all<env::DialFailed>(node).at(0).first, at(kDialTimeout));
  }
  EXPECT_EQ(world.all<env::DialFailed>(3).at(0).second.address.text, "/ip4/127.0.0.1/tcp/1");
}

TEST(Network, ADialIntoAPartitionFails) {
  Pair world;
  world.simulator->begin_partition({1, 1}, {{0}, {1}});
  world.run(Duration::seconds(20));
  EXPECT_EQ(world.all<env::DialFailed>(1).size(), 1u);
  EXPECT_TRUE(world.heard[0]->empty());
}

TEST(Network, ADialWhoseAnswerIsCutOffLeavesNoHalfOpenSession) {
  Pair world;
  world.simulator->begin_cut({1, 1}, {{0, 1}});
  world.run(Duration::seconds(60));
  EXPECT_EQ(world.all<env::DialFailed>(1).size(), 1u);
  EXPECT_EQ(world.all<env::PeerUp>(0).size(), 1u);
  EXPECT_EQ(world.all<env::PeerDown>(0).size(), 1u);
  EXPECT_TRUE(world.simulator->peers(0).empty());
}

TEST(Network, AReliableChannelKeepsOrderOverRandomLatencyAndLoss) {
  Pair world({.default_link = {
                  .latency = {.kind = DistributionKind::kUniform, .a = 1'000'000, .b = 300'000'000},
                  .loss_ppm = 100'000}});
  world.run(Duration::seconds(5));
  std::vector<std::string> sent;
  for (int i = 0; i < 300; ++i) {
    sent.push_back(std::to_string(i));
    world.send(0, sent.back());
    world.run(Duration::seconds(5) + Duration::millis(i));
  }
  world.run(Duration::seconds(60));
  EXPECT_EQ(world.messages(1), sent);
}

TEST(Network, ALostReliableMessageCostsResendTime) {
  Pair world({.default_link = {.latency = {.a = 10'000'000}, .loss_ppm = 300'000}});
  world.run(Duration::seconds(10));
  const Time sent = world.simulator->now();
  int late = 0;
  for (int i = 0; i < 200; ++i) {
    world.send(0, "x");
    const Time start = world.simulator->now();
    world.run(Duration{start.ns} + Duration::seconds(13));
    const Duration took = world.all<env::MessageIn>(1).back().first - start - Duration::millis(10);
    EXPECT_EQ(took.ns % kRetransmit.ns, 0);
    if (took > Duration{}) ++late;
  }
  EXPECT_GT(world.simulator->now(), sent);
  EXPECT_NEAR(late, 60, 20);
}

TEST(Network, APartitionHoldsReliableMessagesUntilItHealsAndKeepsTheirOrder) {
  Pair world;
  world.run(Duration::seconds(1));
  Simulator& s = *world.simulator;
  world.send(0, "in flight");
  s.begin_partition({1, 1}, {{0}, {1}});
  world.send(0, "one");
  world.run(Duration::seconds(3));
  world.send(0, "two");
  EXPECT_GT(world.env(0).transport.queued({1}, Channel::kReliable), 0u);
  world.run(Duration::seconds(10));
  EXPECT_TRUE(world.messages(1).empty());
  s.end_partition({1, 1});
  world.send(0, "three");
  world.run(Duration::seconds(20));
  EXPECT_EQ(world.messages(1), (std::vector<std::string>{"in flight", "one", "two", "three"}));
  EXPECT_EQ(world.all<env::MessageIn>(1).at(0).first, at(Duration::millis(10'010)));
  EXPECT_TRUE(world.all<env::PeerDown>(0).empty());
}

TEST(Network, AShortCutIsNotSlippedThroughByAMessageSentInIt) {
  Pair world;
  world.run(Duration::seconds(1));
  world.simulator->begin_partition({1, 1}, {{0}, {1}});
  world.send(0, "held");
  world.run(Duration::millis(1005));
  world.simulator->end_partition({1, 1});
  world.run(Duration::seconds(2));
  EXPECT_EQ(world.all<env::MessageIn>(1).at(0).first, at(Duration::millis(1015)));
}

struct LostCounter : env::TraceSink {
  void on_trace(Time, std::uint32_t node, const env::TraceEvent& event) override {
    if (event.kind == env::kMessageLost) lost.emplace_back(node, event.n[1]);
  }
  std::vector<std::pair<std::uint32_t, std::uint64_t>> lost;
};

TEST(Network, ALongStallKillsTheSessionAtBothEndsAndItsMessages) {
  Pair world;
  LostCounter sink;
  world.simulator->add_trace_sink(sink);
  world.run(Duration::seconds(1));
  world.simulator->begin_partition({1, 1}, {{0}, {1}});
  world.send(0, "doomed");
  world.run(Duration::seconds(40));
  for (const std::uint32_t node : {0u, 1u}) {
    const auto downs = world.all<env::PeerDown>(node);
    ASSERT_EQ(downs.size(), 1u);
    EXPECT_EQ(downs[0].first, at(Duration::seconds(1) + kSessionTimeout));
    EXPECT_EQ(downs[0].second.reason, DownReason::kUnreachable);
  }
  ASSERT_EQ(sink.lost.size(), 1u);
  EXPECT_EQ(sink.lost[0], std::pair(0u, std::uint64_t{6}));
  world.simulator->end_partition({1, 1});
  world.run(Duration::seconds(60));
  EXPECT_TRUE(world.messages(1).empty());
  EXPECT_EQ(world.env(0).transport.send({1}, Channel::kReliable, buffer("x")),
            SendStatus::kNotConnected);
}

TEST(Network, OverlappingPartitionsCutUntilTheLastOneEnds) {
  Pair world;
  Simulator& s = *world.simulator;
  world.run(Duration::seconds(1));
  s.begin_partition({1, 1}, {{0}, {1}});
  s.begin_cut({2, 1}, {{0, 1}});
  world.send(0, "a");
  world.send(1, "b");
  s.end_partition({1, 1});
  world.run(Duration::seconds(2));
  EXPECT_TRUE(world.messages(1).empty());
  EXPECT_EQ(world.messages(0), std::vector<std::string>{"b"});
  s.end_partition({2, 1});
  world.run(Duration::seconds(3));
  EXPECT_EQ(world.messages(1), std::vector<std::string>{"a"});
}

TEST(Network, ADropDeliversWhatWasSentBeforeItAndTellsBothEnds) {
  Pair world;
  world.run(Duration::seconds(1));
  world.send(0, "last words");
  world.env(0).transport.drop({1});
  EXPECT_EQ(world.env(0).transport.send({1}, Channel::kReliable, buffer("x")),
            SendStatus::kNotConnected);
  world.run(Duration::seconds(2));
  EXPECT_EQ(world.messages(1), std::vector<std::string>{"last words"});
  EXPECT_EQ(world.all<env::PeerDown>(0).at(0).second.reason, DownReason::kClosedByUs);
  EXPECT_EQ(world.all<env::PeerDown>(1).at(0).second.reason, DownReason::kClosedByRemote);
  world.env(1).transport.dial({"sim/0"});
  world.run(Duration::seconds(3));
  EXPECT_EQ(world.all<env::PeerUp>(0).size(), 2u);
}

TEST(Network, ACrashResetsItsPeersAndARestartedNodeCanBeReached) {
  Pair world;
  world.run(Duration::seconds(1));
  world.simulator->crash({1, 2}, 0);
  world.send(1, "to a dead node");
  world.run(Duration::seconds(2));
  ASSERT_EQ(world.all<env::PeerDown>(1).size(), 1u);
  EXPECT_EQ(world.all<env::PeerDown>(1).at(0).first, at(Duration::millis(1010)));
  EXPECT_EQ(world.all<env::PeerDown>(1).at(0).second.reason, DownReason::kReset);
  EXPECT_TRUE(world.messages(0).empty());
  EXPECT_EQ(world.simulator->counters(1).messages_lost, 1u);
  world.simulator->restart({1, 2}, 0);
  world.env(1).transport.dial({"sim/0"});
  world.run(Duration::seconds(3));
  EXPECT_EQ(world.all<env::PeerUp>(1).size(), 2u);
}

TEST(Network, ACrashBehindAPartitionShowsAfterTheSessionTimeout) {
  Pair world;
  world.run(Duration::seconds(1));
  world.simulator->begin_partition({1, 1}, {{0}, {1}});
  world.simulator->crash({2, 2}, 0);
  world.run(Duration::seconds(40));
  const auto downs = world.all<env::PeerDown>(1);
  ASSERT_EQ(downs.size(), 1u);
  EXPECT_EQ(downs[0].first, at(Duration::seconds(1) + kSessionTimeout));
  EXPECT_EQ(downs[0].second.reason, DownReason::kUnreachable);
}

TEST(Network, ARestartedNodeThatDialsReplacesTheSessionItForgot) {
  Pair world;
  world.run(Duration::seconds(1));
  world.simulator->begin_cut({1, 1}, {{1, 0}});
  world.simulator->crash({2, 2}, 1);  // the reset is held up by the cut
  world.simulator->restart({2, 2}, 1);
  world.run(Duration::seconds(8));
  ASSERT_EQ(world.all<env::DialFailed>(1).size(), 1u);
  must(world.simulator->set_link(1, 0, constant_link(Duration::millis(1))));
  world.simulator->end_partition({1, 1});
  world.env(1).transport.dial({"sim/0"});  // overtakes the reset
  world.run(Duration::seconds(40));
  ASSERT_EQ(world.all<env::PeerDown>(0).size(), 1u);
  EXPECT_EQ(world.all<env::PeerDown>(0).at(0).first, at(Duration::millis(8001)));
  EXPECT_EQ(world.all<env::PeerUp>(0).size(), 2u);
  EXPECT_EQ(world.simulator->peers(0), std::vector<std::uint32_t>{1});
}

TEST(Network, DatagramsAreLostAndDoubledAtTheStatedRates) {
  Pair world({.default_link = {
                  .latency = {.a = 10'000'000}, .loss_ppm = 100'000, .duplicate_ppm = 50'000}});
  world.run(Duration::seconds(20));
  constexpr int kSent = 20'000;
  for (int i = 0; i < kSent; ++i) world.send(0, "d", Channel::kDatagram);
  world.run(Duration::seconds(40));
  const double lost = static_cast<double>(world.simulator->counters(0).messages_lost);
  const double got = static_cast<double>(world.messages(1).size());
  EXPECT_NEAR(lost / kSent, 0.10, 4 * 0.0021);  // 4 sigma of sqrt(p q / n)
  EXPECT_NEAR(got / (kSent - lost), 1.05, 4 * 0.0017);
}

TEST(Network, DatagramsOvertakeEachOther) {
  Pair world(
      {.default_link = {
           .latency = {.kind = DistributionKind::kUniform, .a = 1'000'000, .b = 100'000'000}}});
  world.run(Duration::seconds(1));
  for (char c = 'a'; c <= 'z'; ++c) world.send(0, std::string(1, c), Channel::kDatagram);
  world.run(Duration::seconds(2));
  const auto got = world.messages(1);
  EXPECT_EQ(got.size(), 26u);
  EXPECT_FALSE(std::is_sorted(got.begin(), got.end()));
}

TEST(Network, AnUplinkDelaysBySizeAndIsSharedByAllPeers) {
  TestWorld world;
  world.add({}, {.uplink_bytes_per_second = 1'000'000});
  world.add(dials("sim/0"));
  world.add(dials("sim/0"));
  world.run(Duration::seconds(1));
  const Buffer big(Bytes(100'000));  // 100 ms
  env::Transport& transport = world.env(0).transport;
  transport.send({1}, Channel::kReliable, big);
  transport.send({2}, Channel::kReliable, big);
  EXPECT_EQ(transport.queued({1}, Channel::kReliable), 100'000u);
  world.run(Duration::millis(1150));
  EXPECT_EQ(transport.queued({1}, Channel::kReliable), 0u);
  EXPECT_EQ(transport.queued({2}, Channel::kReliable), 100'000u);
  world.run(Duration::seconds(2));
  EXPECT_EQ(world.all<env::MessageIn>(1).at(0).first, at(Duration::millis(1110)));
  EXPECT_EQ(world.all<env::MessageIn>(2).at(0).first, at(Duration::millis(1210)));
}

TEST(Network, ALinksOwnRateDelaysOnlyThatLink) {
  Pair world;
  LinkModel slow = constant_link(Duration::millis(10));
  slow.bytes_per_second = 1'000'000;
  must(world.simulator->set_link(0, 1, slow));
  world.run(Duration::seconds(1));
  world.env(0).transport.send({1}, Channel::kReliable, Buffer(Bytes(50'000)));
  world.env(1).transport.send({0}, Channel::kReliable, Buffer(Bytes(50'000)));
  world.run(Duration::seconds(2));
  EXPECT_EQ(world.all<env::MessageIn>(1).at(0).first, at(Duration::millis(1060)));
  EXPECT_EQ(world.all<env::MessageIn>(0).at(0).first, at(Duration::millis(1010)));
}

TEST(Network, ASendIsRefusedWhenTheQueueIsFullOrTheMessageTooLarge) {
  TestWorld world;
  world.add({}, {.uplink_bytes_per_second = 1000});
  world.add(dials("sim/0"));
  world.run(Duration::seconds(1));
  env::Transport& transport = world.env(0).transport;
  const Buffer full{Bytes(env::Transport::kMaxMessage)};
  for (std::size_t sent = 0; sent + full.size() <= kMaxQueuedBytes; sent += full.size()) {
    EXPECT_EQ(transport.send({1}, Channel::kReliable, full), SendStatus::kQueued);
  }
  EXPECT_EQ(transport.send({1}, Channel::kReliable, full), SendStatus::kQueueFull);
  EXPECT_EQ(transport.send({1}, Channel::kReliable, Buffer(Bytes(full.size() + 1))),
            SendStatus::kTooLarge);
  EXPECT_EQ(transport.send({9}, Channel::kReliable, buffer("x")), SendStatus::kNotConnected);
}

TEST(Network, ALinkFaultChangesLatencyWhileItLasts) {
  Pair world;
  Simulator& s = *world.simulator;
  world.run(Duration::seconds(1));
  must(s.begin_link({1, 5}, {{0, 1}}, constant_link(Duration::millis(500))));
  world.send(0, "slow");
  world.send(1, "fast");
  world.run(Duration::seconds(2));
  s.end_link({1, 5});
  world.send(0, "normal");
  world.run(Duration::seconds(3));
  EXPECT_EQ(world.all<env::MessageIn>(0).at(0).first, at(Duration::millis(1010)));
  EXPECT_EQ(world.all<env::MessageIn>(1).at(0).first, at(Duration::millis(1500)));
  EXPECT_EQ(world.all<env::MessageIn>(1).at(1).first, at(Duration::millis(2010)));
}

TEST(Network, ThePairBeatsTheRegionAndTheRegionTheDefault) {
  TestWorld world;
  world.add({}, {.region = 1});
  world.add(dials("sim/0"), {.region = 2});
  world.add(dials("sim/0"), {.region = 2});
  world.add(dials("sim/0"), {.region = 3});
  Simulator& s = *world.simulator;
  must(s.set_region_link(2, 1, constant_link(Duration::millis(100))));
  must(s.set_link(2, 0, constant_link(Duration::millis(200))));
  world.run(Duration::seconds(1));
  const auto ups = world.all<env::PeerUp>(0);
  ASSERT_EQ(ups.size(), 3u);
  EXPECT_EQ(ups[0].first, at(Duration::millis(10)));   // node 3: default
  EXPECT_EQ(ups[1].first, at(Duration::millis(100)));  // node 1: region
  EXPECT_EQ(ups[2].first, at(Duration::millis(200)));  // node 2: pair
}

TEST(Network, AnInvalidLinkIsRefused) {
  TestWorld world;
  EXPECT_FALSE(world.simulator->set_default_link({.loss_ppm = 1'000'001}));
  EXPECT_FALSE(world.simulator->set_default_link({.latency = {.min = 2, .max = 1}}));
}

}  // namespace
}  // namespace orrery::sim
