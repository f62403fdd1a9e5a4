// Peers that come, go, crash, stall and misbehave.
#include "engine/live/session.h"
#include "engine/live/transport.h"
#include "tests/unit/engine/live/raw_session.h"
#include "tests/unit/engine/live/transport_rig.h"

namespace orrery::live {
namespace {

using std::chrono::milliseconds;

TransportOptions quick() {
  TransportOptions options;
  options.timing = {.dial = Duration::millis(200),
                    .handshake = Duration::millis(100),
                    .ping = Duration::millis(20),
                    .silence = Duration::millis(120),
                    .linger = Duration::millis(100),
                    .first_retry = Duration::millis(5),
                    .max_retry = Duration::millis(20)};
  return options;
}

TransportOptions patient() {  // nothing times out within a test
  TransportOptions options;
  options.timing.first_retry = Duration::millis(5);
  options.timing.max_retry = Duration::millis(20);
  return options;
}

// --- dials ---

std::uint16_t free_port(Loop& loop) {
  const tcp::acceptor probe(loop.context(),
                            tcp::endpoint(boost::asio::ip::address_v4::loopback(), 0));
  return probe.local_endpoint().port();
}

TEST(Dial, SucceedsWhenTheOtherStartsLater) {
  Loop loop;
  TransportOptions later = patient();
  later.port = free_port(loop);
  Peer a(loop, 1, patient());
  a.transport->dial(to_address({"127.0.0.1", later.port}));
  loop.spin(milliseconds(30));
  EXPECT_EQ(a.story(), "");
  Peer b(loop, 2, later);
  EXPECT_TRUE(loop.until([&] { return a.story() == "up" && b.story() == "up"; }));
}

TEST(Dial, FailsOnceAfterItsTime) {
  Loop loop;
  Peer a(loop, 1, quick());
  const env::Address nobody = to_address({"127.0.0.1", free_port(loop)});
  const auto begin = std::chrono::steady_clock::now();
  a.transport->dial(nobody);
  a.transport->dial(nobody);
  ASSERT_TRUE(loop.until([&] { return a.count<env::DialFailed>() == 1; }));
  EXPECT_GE(std::chrono::steady_clock::now() - begin, milliseconds(170));
  EXPECT_EQ(a.heard<env::DialFailed>()[0].address, nobody);
  loop.spin(milliseconds(50));
  EXPECT_EQ(a.story(), "dial failed");
}

TEST(Dial, OfItselfOrOfNoAddressFails) {
  Loop loop;
  Peer a(loop, 1);
  a.transport->dial(a.at());
  a.transport->dial({"/ip4/1.2.3/tcp/4"});
  EXPECT_TRUE(loop.until([&] { return a.story() == "dial failed, dial failed"; }));
  EXPECT_EQ(a.transport->counters().handshakes_failed, 0u);  // it was not even tried
}

TEST(Dial, OfAnAddressThatIsBeingDialledDoesNothing) {
  Loop loop;
  tcp::acceptor mute(loop.context(), tcp::endpoint(boost::asio::ip::address_v4::loopback(), 0));
  mute.non_blocking(true);
  const env::Address address = to_address({"127.0.0.1", mute.local_endpoint().port()});
  std::vector<tcp::socket> accepted;
  const auto accept = [&] {
    boost::system::error_code none;
    tcp::socket socket = mute.accept(none);
    if (!none) accepted.push_back(std::move(socket));
    return !accepted.empty();
  };
  Peer a(loop, 1, patient());
  a.transport->dial(address);
  ASSERT_TRUE(loop.until(accept));
  a.transport->dial(address);
  loop.spin(milliseconds(20));
  accept();
  EXPECT_EQ(accepted.size(), 1u);
}

// Addresses differ, so the second dial goes out; which session stays depends on the keys alone.
TEST(Dial, OfAConnectedPeerAtAnotherAddressKeepsTheSessionOfTheSmallerKey) {
  for (const bool smaller_first : {true, false}) {
    Loop loop;
    TransportOptions anywhere = patient();
    anywhere.ip = "0.0.0.0";
    Peer one(loop, 1, anywhere), two(loop, 2, anywhere);
    const bool one_smaller = one.transport->key() < two.transport->key();
    Peer& first = one_smaller == smaller_first ? one : two;
    Peer& second = one_smaller == smaller_first ? two : one;
    first.transport->dial(to_address({"127.0.0.1", second.transport->port()}));
    ASSERT_TRUE(loop.until([&] { return first.story() == "up" && second.story() == "up"; }));
    second.transport->dial(to_address({"127.0.0.2", first.transport->port()}));
    const std::string story = smaller_first ? "up" : "up, down reset, up";
    ASSERT_TRUE(loop.until([&] { return first.story() == story && second.story() == story; }));
    loop.spin(milliseconds(30));
    EXPECT_EQ(first.story(), story);
    EXPECT_EQ(second.story(), story);
    EXPECT_TRUE(first.connected() && second.connected());
  }
}

TEST(Dial, OfAConnectedAddressDoesNothing) {
  Loop loop;
  Peer a(loop, 1), b(loop, 2);
  ASSERT_TRUE(join(loop, a, b));
  a.transport->dial(b.at());
  b.transport->dial(a.at());
  loop.spin(milliseconds(30));
  EXPECT_EQ(a.story(), "up");
  EXPECT_EQ(b.story(), "up");
}

TEST(Dial, OfBothAtOnceLeavesTheSessionOfTheSmallerKey) {
  for (std::uint8_t round = 1; round <= 6; ++round) {
    Loop loop;
    Peer a(loop, round, patient()), b(loop, 100, patient());
    a.transport->dial(b.at());
    b.transport->dial(a.at());
    ASSERT_TRUE(loop.until([&] { return a.connected() && b.connected(); }));
    loop.spin(milliseconds(30));
    ASSERT_TRUE(a.connected() && b.connected());
    const bool a_smaller = a.transport->key() < b.transport->key();
    EXPECT_EQ(a.transport->peers()[0].outbound, a_smaller);
    EXPECT_EQ(b.transport->peers()[0].outbound, !a_smaller);
    a.send("over");
    b.send("and out");
    EXPECT_TRUE(loop.until([&] { return b.got("over") && a.got("and out"); }));
    EXPECT_EQ(a.count<env::DialFailed>() + b.count<env::DialFailed>(), 0u);
    EXPECT_EQ(a.count<env::PeerUp>(), 1u);  // and none came up to go down again
    EXPECT_EQ(b.count<env::PeerUp>(), 1u);
  }
}

// The remote is not who it was: the same key with another process behind it, while the old session
// still looks alive here.
TEST(Peers, ARestartedPeerReplacesItsOldSessionUnderTheSameNumber) {
  for (const int variant : {0, 1, 2, 3}) {
    const bool dialled_by_us = variant % 2 == 1;
    const auto key = static_cast<std::uint8_t>(1 + variant / 2);  // the smaller one and the larger
    const auto other = static_cast<std::uint8_t>(3 - key);
    Loop loop;
    Peer a(loop, key, patient());
    auto b = std::make_unique<Peer>(loop, other, patient());
    ASSERT_TRUE(dialled_by_us ? join(loop, a, *b) : join(loop, *b, a));
    Peer again(loop, other, patient());  // the old process hangs and has not gone
    again.transport->dial(a.at());
    ASSERT_TRUE(loop.until([&] { return a.count<env::PeerUp>() == 2; }));
    EXPECT_EQ(a.story(), "up, down reset, up");
    const auto ups = a.heard<env::PeerUp>();
    EXPECT_EQ(ups[0].peer, ups[1].peer);
    EXPECT_EQ(a.heard<env::PeerDown>()[0].peer, ups[0].peer);
    again.send("I am new");
    EXPECT_TRUE(loop.until([&] { return a.got("I am new"); }));
    EXPECT_TRUE(loop.until([&] { return b->count<env::PeerDown>() == 1; }));
  }
}

TEST(Peers, NumbersAreOneForEachKey) {
  Loop loop;
  Peer a(loop, 1, patient()), b(loop, 2, patient()), c(loop, 3, patient());
  a.transport->dial(b.at());
  a.transport->dial(c.at());
  ASSERT_TRUE(loop.until([&] { return a.count<env::PeerUp>() == 2; }));
  const auto ups = a.heard<env::PeerUp>();
  EXPECT_NE(ups[0].peer, ups[1].peer);
  a.transport->drop(ups[0].peer);
  ASSERT_TRUE(loop.until([&] { return a.count<env::PeerDown>() == 1; }));
  a.transport->dial(ups[0].address);
  ASSERT_TRUE(loop.until([&] { return a.count<env::PeerUp>() == 3; }));
  EXPECT_EQ(a.heard<env::PeerUp>()[2].peer, ups[0].peer);
}

// --- ends ---

TEST(Peers, ADropTellsBothSidesAndLosesNothingSentBefore) {
  Loop loop;
  Peer a(loop, 1, patient()), b(loop, 2, patient());
  ASSERT_TRUE(join(loop, a, b));
  const Buffer large(Bytes(env::Transport::kMaxMessage));
  for (int i = 0; i < 3; ++i) a.transport->send(a.peer(), Channel::kReliable, large);
  a.send("farewell");
  a.transport->drop(a.peer());
  EXPECT_TRUE(a.transport->peers().empty());
  ASSERT_TRUE(loop.until([&] { return b.count<env::PeerDown>() == 1; }));
  EXPECT_EQ(a.story(), "up, down closed by us");
  EXPECT_EQ(b.story(), "up, message, message, message, message, down closed by remote");
  EXPECT_TRUE(b.got("farewell"));
}

TEST(Peers, APeerThatDiesIsReset) {
  Loop loop;
  Peer a(loop, 1, patient());
  // Closed while a write is under way, so that it cannot say so, as when its process dies.
  auto b = std::make_unique<Peer>(loop, 2, patient());
  ASSERT_TRUE(join(loop, a, *b));
  const Buffer large(Bytes(env::Transport::kMaxMessage));
  for (int i = 0; i < 7; ++i) b->transport->send(b->peer(), Channel::kReliable, large);
  ASSERT_TRUE(loop.until([&] { return b->transport->counters().messages_sent > 0; }));
  b->transport->close();
  ASSERT_TRUE(loop.until([&] { return a.count<env::PeerDown>() == 1; }));
  EXPECT_EQ(a.heard<env::PeerDown>()[0].reason, DownReason::kReset);
}

TEST(Peers, PingsKeepAnIdleSession) {
  Loop loop;
  Peer a(loop, 1, quick()), b(loop, 2, quick());
  ASSERT_TRUE(join(loop, a, b));
  loop.spin(milliseconds(300));
  EXPECT_EQ(a.story(), "up");
  EXPECT_EQ(b.story(), "up");
}

TEST(Peers, ASilentPeerIsUnreachable) {
  Loop loop;
  TransportOptions mute = quick();
  mute.timing.ping = Duration::seconds(60);
  mute.timing.silence = Duration::seconds(60);
  Peer a(loop, 1, quick()), b(loop, 2, mute);
  ASSERT_TRUE(join(loop, a, b));
  ASSERT_TRUE(loop.until([&] { return a.count<env::PeerDown>() == 1; }));
  EXPECT_EQ(a.story(), "up, down unreachable");
}

// A peer with a key of its own that finishes the handshake, then sends frames that are none.
TEST(Peers, AForgedFrameEndsTheSessionAtOnce) {
  const Bytes four_gib = {0xff, 0xff, 0xff, 0xff};
  const Bytes forged = [] {
    Bytes bytes(40, 0x55);
    bytes[0] = 36;
    bytes[1] = bytes[2] = bytes[3] = 0;
    return bytes;
  }();
  for (const Bytes& frame : {four_gib, forged}) {
    Loop loop;
    Peer a(loop, 1, patient());
    Stranger stranger(loop, a.transport->port());
    const Identity identity({7});
    RawSession raw(true);
    stranger.say(raw.hello());
    Bytes answer = stranger.read(loop, Handshake::kHello + Handshake::kAuth);
    raw.hear(ByteView(answer).first(Handshake::kHello));
    const auto said = raw.open(Bytes(answer.begin() + Handshake::kHello, answer.end()));
    stranger.say(raw.auth(identity.key(), identity.sign(raw.text("initiator", said.key))));
    stranger.read(loop, Handshake::kReady);
    ASSERT_TRUE(loop.until([&] { return a.connected(); }));
    Bytes good;
    raw.sealer->seal(FrameKind::kReliable, Bytes{'h', 'i'}, good);
    stranger.say(good);
    ASSERT_TRUE(loop.until([&] { return a.got("hi"); }));
    stranger.say(frame);
    ASSERT_TRUE(loop.until([&] { return stranger.is_closed(); }));
    ASSERT_TRUE(loop.until([&] { return a.count<env::PeerDown>() == 1; }));
    EXPECT_EQ(a.story(), "up, message, down reset");
    EXPECT_EQ(a.transport->counters().frames_refused, 1u);
  }
}

// --- bounds ---

// A peer that holds a session and never reads.
TEST(Bounds, APeerThatNeverReadsFillsItsQueueAndNoMore) {
  Loop loop;
  Peer a(loop, 1, patient()), b(loop, 2, patient());
  ASSERT_TRUE(join(loop, a, b));
  b.transport->set_rules({{a.transport->key(), {.blocked = true}}});  // reads nothing
  const Buffer large(Bytes(1 << 20));
  std::size_t queued = 0;
  SendStatus status = SendStatus::kQueued;
  for (int i = 0; i < 200 && status == SendStatus::kQueued; ++i) {
    status = a.transport->send(a.peer(), Channel::kReliable, large);
    if (status == SendStatus::kQueued) queued += large.size();
    loop.spin(milliseconds(1));
  }
  EXPECT_EQ(status, SendStatus::kQueueFull);
  EXPECT_LE(a.transport->queued(a.peer(), Channel::kReliable), TcpTransport::kMaxQueuedBytes);
  EXPECT_LE(queued, TcpTransport::kMaxQueuedBytes + (16 << 20));  // and what the kernel took
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(a.transport->send(a.peer(), Channel::kDatagram, large), SendStatus::kQueued);
  }
  EXPECT_LE(a.transport->queued(a.peer(), Channel::kDatagram), 2 * large.size());
  EXPECT_GE(a.transport->counters().messages_lost, 98u);
}

TEST(Bounds, ConnectionsAboveTheBoundAreClosedAndCounted) {
  Loop loop;
  TransportOptions few = patient();
  few.max_sessions = 2;
  Peer a(loop, 1, few), b(loop, 2), c(loop, 3), d(loop, 4, quick());
  b.transport->dial(a.at());
  c.transport->dial(a.at());
  ASSERT_TRUE(loop.until([&] { return a.count<env::PeerUp>() == 2; }));
  d.transport->dial(a.at());
  ASSERT_TRUE(loop.until([&] { return d.count<env::DialFailed>() == 1; }));
  EXPECT_GT(a.transport->counters().connections_refused, 0u);
  EXPECT_EQ(a.story(), "up, up");
}

TEST(Bounds, AFloodOfConnectionsDoesNotKeepAnHonestPeerOut) {
  Loop loop;
  TransportOptions few = patient();
  few.max_sessions = 8;
  Peer a(loop, 1, few), b(loop, 2, patient());
  std::vector<std::unique_ptr<Stranger>> flood;
  for (int i = 0; i < 30; ++i) {
    flood.push_back(std::make_unique<Stranger>(loop, a.transport->port()));
    loop.spin(milliseconds(1));
  }
  EXPECT_GE(a.transport->counters().handshakes_failed, 20u);  // the oldest made room
  b.transport->dial(a.at());
  ASSERT_TRUE(loop.until([&] { return b.connected() && a.connected(); }));
  for (int i = 0; i < 30; ++i) {
    flood.push_back(std::make_unique<Stranger>(loop, a.transport->port()));
    loop.spin(milliseconds(1));
  }
  EXPECT_EQ(a.story(), "up");  // sessions do not make room
}

TEST(Bounds, AHandshakeThatDripsIsCutOff) {
  Loop loop;
  Peer a(loop, 1, quick());
  Stranger slow(loop, a.transport->port());
  Handshake hello({Handshake::Role::kInitiator,
                   std::make_shared<Identity>(std::array<std::uint8_t, 32>{9}),
                   "net",
                   {},
                   fresh_ephemeral()});
  const Bytes bytes = hello.start();
  const auto begin = std::chrono::steady_clock::now();
  for (std::size_t i = 0; i < bytes.size() && !slow.is_closed(); ++i) {
    slow.say(ByteView(bytes).subspan(i, 1));
    loop.spin(milliseconds(20));
  }
  ASSERT_TRUE(loop.until([&] { return slow.is_closed(); }));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, milliseconds(700));
  EXPECT_EQ(a.transport->counters().handshakes_failed, 1u);
  EXPECT_EQ(a.story(), "");
}

}  // namespace
}  // namespace orrery::live
