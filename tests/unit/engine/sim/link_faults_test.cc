// What links do beyond delaying and losing: jitter, reordering, corruption, finite queues, clogs,
// resets and half-open sessions.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "tests/unit/engine/sim/script_node.h"

namespace orrery::sim {
namespace {

using env::Channel;
using env::DownReason;
using env::SendStatus;

Time at(Duration d) { return Time{d.ns}; }

LinkModel link_of(LinkModel model) {
  model.latency = {.kind = DistributionKind::kConst, .a = Duration::millis(10).ns};
  return model;
}

// Node 1 dials node 0; the session is up when the constructor returns.
struct Pair : TestWorld {
  Pair() {
    add({});
    add(dials("sim/0"));
    run(Duration::seconds(1));
  }
  void use(LinkModel model) { must(simulator->set_default_link(link_of(model))); }
  void send(std::uint32_t from, std::string_view text, Channel channel) {
    EXPECT_EQ(env(from).transport.send({1 - from}, channel, buffer(text)), SendStatus::kQueued);
  }
  // Milliseconds that each text took that node 0 heard, all sent at `sent`.
  std::map<std::string, double> delays(Time sent) const {
    std::map<std::string, double> found;
    for (const auto& [time, message] : all<env::MessageIn>(0)) {
      found[std::string(as_text(message.payload.view()))] =
          static_cast<double>((time - sent).ns) / 1e6;
    }
    return found;
  }
};

TEST(LinkFaults, JitterIsUniformOnTopOfTheLatency) {
  Pair world;
  world.use({.jitter = Duration::millis(40)});
  for (int i = 0; i < 2000; ++i) world.send(1, std::to_string(i), Channel::kDatagram);
  world.run(Duration::seconds(2));
  double sum = 0;
  const auto delays = world.delays(at(Duration::seconds(1)));
  ASSERT_EQ(delays.size(), 2000u);
  for (const auto& [text, delay] : delays) {
    EXPECT_GE(delay, 10);
    EXPECT_LT(delay, 50);
    sum += delay;
  }
  EXPECT_NEAR(sum / 2000, 30, 1.3);  // 5 sigma
}

TEST(LinkFaults, ReorderedDatagramsAreHeldBackWithinTheWindowAndStreamsAreNot) {
  Pair world;
  world.use({.reorder_ppm = 250'000, .reorder_window = Duration::millis(100)});
  for (int i = 0; i < 1000; ++i) world.send(1, "d" + std::to_string(i), Channel::kDatagram);
  for (int i = 0; i < 100; ++i) world.send(1, "s" + std::to_string(i), Channel::kReliable);
  world.run(Duration::seconds(2));
  int late = 0, above_half = 0;
  for (const auto& [text, delay] : world.delays(at(Duration::seconds(1)))) {
    EXPECT_TRUE(text[0] == 'd' || delay == 10) << text;
    EXPECT_LE(delay, 110);
    late += delay > 10 ? 1 : 0;
    above_half += delay > 60 ? 1 : 0;
  }
  EXPECT_NEAR(late, 250, 70);
  EXPECT_NEAR(above_half, 125, 55);
  std::vector<std::string> order = world.messages(0);
  std::erase_if(order, [](const std::string& text) { return text[0] == 's'; });
  EXPECT_NE(order[0] + order[1] + order[2] + order[3] + order[4] + order[5] + order[6] + order[7],
            "d0d1d2d3d4d5d6d7");
}

TEST(LinkFaults, ACorruptDatagramArrivesWithOneBitTurned) {
  Pair world;
  world.use({.corrupt_ppm = 500'000});
  const std::string text(100, 'a');
  for (int i = 0; i < 200; ++i) world.send(1, text, Channel::kDatagram);
  world.run(Duration::seconds(2));
  int corrupt = 0;
  std::set<std::string> kinds;
  for (const std::string& heard : world.messages(0)) {
    ASSERT_EQ(heard.size(), text.size());
    int bits = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
      bits += __builtin_popcount(static_cast<unsigned char>(heard[i] ^ text[i]));
    }
    EXPECT_LE(bits, 1);
    corrupt += bits;
    kinds.insert(heard);
  }
  EXPECT_NEAR(corrupt, 100, 36);
  EXPECT_GT(kinds.size(), 50u);
}

TEST(LinkFaults, ACorruptFrameCostsBothEndsTheSession) {
  Pair world;
  world.use({.corrupt_ppm = 1'000'000});
  world.send(1, "spoilt", Channel::kReliable);
  world.send(1, "behind it", Channel::kReliable);
  world.use({});
  world.run(Duration::seconds(2));
  EXPECT_TRUE(world.messages(0).empty());
  ASSERT_EQ(world.all<env::PeerDown>(0).size(), 1u);
  EXPECT_EQ(world.all<env::PeerDown>(0)[0].second.reason, DownReason::kReset);
  ASSERT_EQ(world.all<env::PeerDown>(1).size(), 1u);
  EXPECT_EQ(world.all<env::PeerDown>(1)[0].second.reason, DownReason::kReset);
  EXPECT_EQ(world.simulator->counters(1).messages_lost, 2u);
  world.env(1).transport.dial({"sim/0"});
  world.run(Duration::seconds(4));
  world.send(1, "afresh", Channel::kReliable);
  world.run(Duration::seconds(5));
  EXPECT_EQ(world.messages(0), std::vector<std::string>{"afresh"});
}

TEST(LinkFaults, NoSessionComesUpOverALinkThatSpoilsEverything) {
  TestWorld world({.default_link = link_of({.corrupt_ppm = 1'000'000})});
  world.add({});
  world.add(dials("sim/0"));
  world.run(Duration::seconds(30));
  EXPECT_EQ(world.all<env::DialFailed>(1).size(), 1u);
  EXPECT_TRUE(world.all<env::PeerUp>(1).empty());
  EXPECT_TRUE(world.simulator->peers(0).empty());
}

TEST(LinkFaults, AGreetingThatIsSpoiltFailsTheDialAtBothEnds) {
  TestWorld world({.default_link = link_of({})});
  world.add({});
  world.add(dials("sim/0"));
  must(world.simulator->set_link(0, 1, link_of({.corrupt_ppm = 1'000'000})));
  world.run(Duration::seconds(30));
  EXPECT_EQ(world.all<env::PeerUp>(0).size(), 1u);
  EXPECT_EQ(world.all<env::PeerDown>(0).size(), 1u);
  EXPECT_EQ(world.all<env::DialFailed>(1).size(), 1u);
  EXPECT_TRUE(world.simulator->peers(0).empty());
}

TEST(LinkFaults, AFullQueueDropsDatagramsAndStreamsWait) {
  Pair world;
  world.use({.bytes_per_second = 10'000, .queue_bytes = 3'000});
  for (int i = 0; i < 10; ++i) {  // the first is under way while three wait
    world.send(1, std::to_string(i) + std::string(999, '.'), Channel::kDatagram);
  }
  EXPECT_EQ(world.simulator->counters(1).messages_lost, 7u);
  for (int i = 0; i < 10; ++i) world.send(1, std::string(1000, 's'), Channel::kReliable);
  world.run(Duration::seconds(10));
  EXPECT_EQ(world.messages(0).size(), 13u);
  EXPECT_EQ(world.simulator->counters(1).messages_lost, 7u);
}

TEST(LinkFaults, AQueueNeedsARate) {
  Pair world;
  EXPECT_FALSE(world.simulator->set_default_link(link_of({.queue_bytes = 3'000})));
}

TEST(LinkFaults, AClogHoldsEverythingAndLosesNothing) {
  Pair world;
  world.send(1, "on its way", Channel::kDatagram);
  world.simulator->begin_clog({1, 7}, 0, {{1, 0}});
  world.send(1, "stream", Channel::kReliable);
  world.send(1, "datagram", Channel::kDatagram);
  world.send(0, "the other way", Channel::kDatagram);
  world.run(Duration::seconds(5));
  EXPECT_TRUE(world.messages(0).empty());
  EXPECT_EQ(world.messages(1), std::vector<std::string>{"the other way"});
  world.simulator->end_clog({1, 7}, 0);
  world.run(Duration::seconds(6));
  std::vector<std::string> heard = world.messages(0);
  std::sort(heard.begin(), heard.end());
  EXPECT_EQ(heard, (std::vector<std::string>{"datagram", "on its way", "stream"}));
  EXPECT_EQ(world.simulator->counters(1).messages_lost, 0u);
  EXPECT_TRUE(world.all<env::PeerDown>(0).empty());
}

TEST(LinkFaults, PartsOfAClogEndOneByOne) {
  Pair world;
  world.simulator->begin_clog({1, 7}, 0, {{1, 0}});
  world.simulator->begin_clog({1, 7}, 1, {{0, 1}});
  world.send(1, "down", Channel::kReliable);
  world.send(0, "up", Channel::kReliable);
  world.simulator->end_clog({1, 7}, 1);
  world.run(Duration::seconds(2));
  EXPECT_TRUE(world.messages(0).empty());
  EXPECT_EQ(world.messages(1), std::vector<std::string>{"up"});
  world.simulator->end_clog({1, 7}, 0);
  world.run(Duration::seconds(3));
  EXPECT_EQ(world.messages(0), std::vector<std::string>{"down"});
}

TEST(LinkFaults, AResetIsHeardAtBothEndsAtOnce) {
  Pair world;
  world.simulator->reset_sessions({1, 8}, {{0, 1}, {1, 0}});
  world.run(Duration::millis(1001));
  for (const std::uint32_t node : {0u, 1u}) {
    ASSERT_EQ(world.all<env::PeerDown>(node).size(), 1u);
    EXPECT_EQ(world.all<env::PeerDown>(node)[0].second.reason, DownReason::kReset);
    EXPECT_TRUE(world.simulator->peers(node).empty());
  }
}

TEST(LinkFaults, AHalfOpenSessionSwallowsWhatTheRemoteSendsUntilItIsDialledAnew) {
  Pair world;
  world.simulator->half_open({1, 9}, 1);
  world.run(Duration::seconds(2));
  EXPECT_EQ(world.all<env::PeerDown>(1).size(), 1u);
  EXPECT_TRUE(world.all<env::PeerDown>(0).empty());
  EXPECT_EQ(world.simulator->peers(0), std::vector<std::uint32_t>{1});
  world.send(0, "into nothing", Channel::kReliable);
  world.run(Duration::seconds(60));
  EXPECT_TRUE(world.messages(1).empty());
  EXPECT_TRUE(world.all<env::PeerDown>(0).empty());
  EXPECT_EQ(world.simulator->counters(0).messages_lost, 1u);
  world.env(1).transport.dial({"sim/0"});
  world.run(Duration::seconds(62));
  EXPECT_EQ(world.all<env::PeerDown>(0).size(), 1u);
  world.send(0, "heard", Channel::kReliable);
  world.run(Duration::seconds(63));
  EXPECT_EQ(world.messages(1), std::vector<std::string>{"heard"});
}

TEST(LinkFaults, ADirectedCutStopsOneDirectionOnly) {
  Pair world;
  world.simulator->begin_cut({1, 1}, {{1, 0}});
  world.send(1, "never", Channel::kDatagram);
  world.send(0, "heard", Channel::kDatagram);
  world.run(Duration::seconds(2));
  EXPECT_TRUE(world.messages(0).empty());
  EXPECT_EQ(world.messages(1), std::vector<std::string>{"heard"});
}

TEST(LinkFaults, DrawsOfOneFaultMoveNoOtherDraw) {
  // With and without jitter: which datagrams are lost stays the same.
  std::vector<std::string> heard[2];
  for (const bool jitter : {false, true}) {
    Pair world;
    world.use({.loss_ppm = 300'000, .jitter = Duration::millis(jitter ? 5 : 0)});
    for (int i = 0; i < 200; ++i) world.send(1, std::to_string(i), Channel::kDatagram);
    world.run(Duration::seconds(2));
    heard[jitter] = world.messages(0);
    std::sort(heard[jitter].begin(), heard[jitter].end());
  }
  EXPECT_EQ(heard[0], heard[1]);
  EXPECT_LT(heard[0].size(), 180u);
}

}  // namespace
}  // namespace orrery::sim
