// What the timeline does to links, on real sockets.
#include "engine/live/transport.h"
#include "tests/unit/engine/live/transport_rig.h"

namespace orrery::live {
namespace {

using std::chrono::milliseconds;

class LinkRulesTest : public testing::Test {
 protected:
  static TransportOptions options() {
    TransportOptions options;
    options.timing = {.dial = Duration::millis(200),
                      .handshake = Duration::millis(60),
                      .ping = Duration::millis(25),
                      .silence = Duration::millis(200),
                      .linger = Duration::millis(20),
                      .first_retry = Duration::millis(5),
                      .max_retry = Duration::millis(20)};
    return options;
  }
  void rule(Peer& at, const Peer& towards, LinkRule rule) {
    at.transport->set_rules({{towards.transport->key(), rule}});
  }

  Loop loop_;
  Peer a_{loop_, 1, options()}, b_{loop_, 2, options()};
};

TEST_F(LinkRulesTest, ABlockedSessionStallsAndGoesOnWhenTheRuleLifts) {
  ASSERT_TRUE(join(loop_, a_, b_));
  rule(a_, b_, {.blocked = true});
  a_.send("out");
  b_.send("in");
  loop_.spin(milliseconds(80));
  EXPECT_EQ(a_.story(), "up");
  EXPECT_EQ(b_.story(), "up");
  EXPECT_EQ(a_.transport->queued(a_.peer(), Channel::kReliable), 3u);
  a_.transport->set_rules({});
  ASSERT_TRUE(loop_.until([&] { return b_.got("out") && a_.got("in"); }));
  loop_.spin(milliseconds(250));
  EXPECT_EQ(a_.story(), "up, message");
  EXPECT_EQ(b_.story(), "up, message");
}

TEST_F(LinkRulesTest, ABlockedSessionDiesOfSilenceAtBothEnds) {
  ASSERT_TRUE(join(loop_, a_, b_));
  rule(a_, b_, {.blocked = true});
  a_.send("lost");
  ASSERT_TRUE(
      loop_.until([&] { return a_.count<env::PeerDown>() + b_.count<env::PeerDown>() == 2; }));
  EXPECT_EQ(a_.story(), "up, down unreachable");
  EXPECT_EQ(b_.story(), "up, down unreachable");
}

TEST_F(LinkRulesTest, ADeathOfSilenceBehindABlockedLinkIsNotHeard) {
  TransportOptions hasty = options();
  hasty.timing.silence = Duration::millis(120);
  Peer c(loop_, 3, hasty);
  ASSERT_TRUE(join(loop_, c, b_));
  rule(c, b_, {.blocked = true});
  ASSERT_TRUE(loop_.until([&] { return b_.count<env::PeerDown>() == 1; }));
  EXPECT_EQ(c.story(), "up, down unreachable");
  EXPECT_EQ(b_.story(), "up, down unreachable");
}

TEST_F(LinkRulesTest, ADropBehindABlockedLinkIsNotHeard) {
  ASSERT_TRUE(join(loop_, a_, b_));
  rule(a_, b_, {.blocked = true});
  a_.transport->drop(a_.peer());
  ASSERT_TRUE(loop_.until([&] { return b_.count<env::PeerDown>() == 1; }));
  EXPECT_EQ(b_.story(), "up, down unreachable");
}

TEST_F(LinkRulesTest, NoSessionComesAboutOverABlockedLinkFromEitherSide) {
  rule(a_, b_, {.blocked = true});
  a_.transport->dial(b_.at());
  b_.transport->dial(a_.at());
  ASSERT_TRUE(loop_.until(
      [&] { return a_.count<env::DialFailed>() == 1 && b_.count<env::DialFailed>() == 1; }));
  EXPECT_EQ(a_.story(), "dial failed");
  EXPECT_EQ(b_.story(), "dial failed");
  a_.transport->set_rules({});
  EXPECT_TRUE(join(loop_, a_, b_));
}

TEST_F(LinkRulesTest, ARuleHoldsForSessionsThatComeLater) {
  rule(a_, b_, {.delay = Duration::millis(80)});
  ASSERT_TRUE(join(loop_, a_, b_));
  const auto begin = std::chrono::steady_clock::now();
  a_.send("late");
  ASSERT_TRUE(loop_.until([&] { return b_.got("late"); }));
  EXPECT_GE(std::chrono::steady_clock::now() - begin, milliseconds(80));
}

TEST_F(LinkRulesTest, ADelayIsOfOneDirectionAndOnePeer) {
  Peer c(loop_, 3, options());
  a_.transport->dial(b_.at());
  a_.transport->dial(c.at());
  ASSERT_TRUE(
      loop_.until([&] { return a_.count<env::PeerUp>() == 2 && b_.connected() && c.connected(); }));
  rule(a_, b_, {.delay = Duration::millis(100)});
  for (const PeerInfo& peer : a_.transport->peers()) {
    a_.transport->send(peer.peer, Channel::kReliable, Buffer(Bytes{'x'}));
  }
  b_.send("back");
  ASSERT_TRUE(loop_.until([&] { return c.got("x") && a_.got("back"); }));
  EXPECT_FALSE(b_.got("x"));
  ASSERT_TRUE(loop_.until([&] { return b_.got("x"); }));
}

TEST_F(LinkRulesTest, ARateLimitsWhatLeaves) {
  ASSERT_TRUE(join(loop_, a_, b_));
  rule(a_, b_, {.bytes_per_second = 100'000});
  const auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < 10; ++i) {
    a_.transport->send(a_.peer(), Channel::kReliable, Buffer(Bytes(1000)));
  }
  ASSERT_TRUE(loop_.until([&] { return b_.count<env::MessageIn>() == 10; }));
  const auto took = std::chrono::steady_clock::now() - begin;
  EXPECT_GE(took, milliseconds(100));
  EXPECT_LT(took, milliseconds(1000));
}

// The rate makes one frame take longer than the silence that kills: pings pass it.
TEST_F(LinkRulesTest, ASlowLinkIsNotADeadOne) {
  ASSERT_TRUE(join(loop_, a_, b_));
  rule(a_, b_, {.bytes_per_second = 25'000});
  a_.transport->send(a_.peer(), Channel::kReliable, Buffer(Bytes(6000)));
  ASSERT_TRUE(loop_.until([&] { return b_.count<env::MessageIn>() == 1; }));
  EXPECT_EQ(b_.story(), "up, message");
}

TEST_F(LinkRulesTest, LossTakesDatagramsOnly) {
  ASSERT_TRUE(join(loop_, a_, b_));
  rule(a_, b_, {.loss_ppm = 500'000});
  for (int i = 0; i < 400; ++i) a_.send("gone?", Channel::kDatagram);
  a_.transport->set_rules({});
  a_.send("last");
  ASSERT_TRUE(loop_.until([&] { return b_.got("last"); }));
  const std::uint64_t lost = a_.transport->counters().messages_lost;
  EXPECT_EQ(b_.count<env::MessageIn>(), 401 - lost);
  EXPECT_GT(lost, 120u);
  EXPECT_LT(lost, 280u);
}

}  // namespace
}  // namespace orrery::live
