#include "engine/live/transport.h"

#include "tests/unit/engine/live/transport_rig.h"

namespace orrery::live {
namespace {

TEST(Transport, BothSidesHearOfASessionWithKeyAndAddress) {
  Loop loop;
  Peer a(loop, 1), b(loop, 2);
  ASSERT_TRUE(join(loop, a, b));
  loop.until([&] { return a.count<env::PeerUp>() + b.count<env::PeerUp>() == 2; });
  const auto up_a = a.heard<env::PeerUp>().at(0), up_b = b.heard<env::PeerUp>().at(0);
  EXPECT_EQ(up_a.key, b.transport->key());
  EXPECT_EQ(up_b.key, a.transport->key());
  EXPECT_EQ(up_a.address, b.at());
  EXPECT_EQ(up_b.address, a.at());
  EXPECT_TRUE(up_a.outbound);
  EXPECT_FALSE(up_b.outbound);
}

TEST(Transport, LargeMessagesPassBothWaysAtOnceUnchanged) {
  Loop loop;
  Peer a(loop, 1), b(loop, 2);
  ASSERT_TRUE(join(loop, a, b));
  std::vector<Buffer> sent;
  for (std::uint8_t i = 0; i < 4; ++i) {
    Bytes bytes(env::Transport::kMaxMessage);
    for (std::size_t j = 0; j < bytes.size(); ++j)
      bytes[j] = static_cast<std::uint8_t>(i + j % 251);
    sent.emplace_back(std::move(bytes));
  }
  for (Peer* peer : {&a, &b}) {
    for (const Buffer& payload : sent) {
      EXPECT_EQ(peer->transport->send(peer->peer(), Channel::kReliable, payload),
                SendStatus::kQueued);
    }
    EXPECT_EQ(peer->transport->queued(peer->peer(), Channel::kReliable), 4 * sent[0].size());
  }
  ASSERT_TRUE(loop.until([&] {
    return a.count<env::MessageIn>() == sent.size() && b.count<env::MessageIn>() == sent.size();
  }));
  for (Peer* peer : {&a, &b}) {
    const auto messages = peer->heard<env::MessageIn>();
    for (std::size_t i = 0; i < sent.size(); ++i) EXPECT_EQ(messages[i].payload, sent[i]);
  }
  ASSERT_TRUE(loop.until([&] { return a.transport->queued(a.peer(), Channel::kReliable) == 0; }));
  EXPECT_EQ(a.transport->counters().bytes_sent, 4 * sent[0].size());
  EXPECT_EQ(b.transport->counters().bytes_received, 4 * sent[0].size());
}

TEST(Transport, MessagesKeepTheirOrder) {
  Loop loop;
  Peer a(loop, 1), b(loop, 2);
  ASSERT_TRUE(join(loop, a, b));
  for (int i = 0; i < 5000; ++i) a.send(std::to_string(i));
  ASSERT_TRUE(loop.until([&] { return b.count<env::MessageIn>() == 5000; }));
  const auto messages = b.heard<env::MessageIn>();
  for (int i = 0; i < 5000; ++i) {
    ASSERT_EQ(as_text(messages[i].payload.view()), std::to_string(i));
    ASSERT_EQ(messages[i].channel, Channel::kReliable);
  }
}

TEST(Transport, DatagramsArriveOnTheirChannel) {
  Loop loop;
  Peer a(loop, 1), b(loop, 2);
  ASSERT_TRUE(join(loop, a, b));
  a.send("quick", Channel::kDatagram);
  ASSERT_TRUE(loop.until([&] { return b.got("quick"); }));
  EXPECT_EQ(b.heard<env::MessageIn>()[0].channel, Channel::kDatagram);
}

TEST(Transport, EventsNeverComeFromInsideACall) {
  Loop loop;
  Peer a(loop, 1), b(loop, 2);
  ASSERT_TRUE(join(loop, a, b));
  loop.until([&] { return a.count<env::PeerUp>() == 1; });
  const std::size_t before = a.events.size();
  a.transport->dial({"nonsense"});
  a.transport->drop(a.peer());
  EXPECT_EQ(a.events.size(), before);
  ASSERT_TRUE(loop.until([&] { return a.events.size() == before + 2; }));
  EXPECT_EQ(a.story(), "up, dial failed, down closed by us");
}

TEST(Transport, ASendIsRefusedWithTheReason) {
  Loop loop;
  Peer a(loop, 1), b(loop, 2);
  ASSERT_TRUE(join(loop, a, b));
  const Buffer large(Bytes(env::Transport::kMaxMessage + 1)), small(Bytes(1));
  EXPECT_EQ(a.transport->send(a.peer(), Channel::kReliable, large), SendStatus::kTooLarge);
  EXPECT_EQ(a.transport->send(env::PeerId{77}, Channel::kReliable, small),
            SendStatus::kNotConnected);
  EXPECT_EQ(a.transport->queued(env::PeerId{77}, Channel::kReliable), 0u);
}

TEST(Transport, ASessionBetweenNetworksDoesNotComeAbout) {
  Loop loop;
  TransportOptions other;
  other.network = "other";
  other.timing.dial = Duration::millis(100);
  Peer a(loop, 1), b(loop, 2, other);
  b.transport->dial(a.at());
  ASSERT_TRUE(loop.until([&] { return b.count<env::DialFailed>() == 1; }));
  EXPECT_EQ(a.events.size(), 0u);
  EXPECT_GT(a.transport->counters().handshakes_failed, 0u);
}

TEST(Transport, GarbageFromAStrangerHurtsNoSession) {
  Loop loop;
  Peer a(loop, 1), b(loop, 2);
  ASSERT_TRUE(join(loop, a, b));
  Stranger stranger(loop, a.transport->port());
  stranger.say(Bytes(4096, 0x55));
  ASSERT_TRUE(loop.until([&] { return stranger.is_closed(); }));
  EXPECT_EQ(a.transport->counters().handshakes_failed, 1u);
  b.send("still here");
  EXPECT_TRUE(loop.until([&] { return a.got("still here"); }));
}

TEST(Transport, APortThatIsTakenIsAnErrorThatNamesIt) {
  Loop loop;
  tcp::acceptor taken(loop.context(), tcp::endpoint(boost::asio::ip::address_v4::loopback(), 0));
  TransportOptions options;
  options.port = taken.local_endpoint().port();
  const auto made = TcpTransport::listen(loop.context(), options, [](env::Event) {});
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code, ErrorCode::kIo);
  EXPECT_NE(made.error().message.find(std::to_string(options.port)), std::string::npos);
  options.ip = "not an address";
  EXPECT_FALSE(TcpTransport::listen(loop.context(), options, [](env::Event) {}));
}

TEST(Transport, NothingIsHeardAfterClose) {
  Loop loop;
  Peer a(loop, 1), b(loop, 2);
  ASSERT_TRUE(join(loop, a, b));
  loop.until([&] { return a.count<env::PeerUp>() == 1 && b.count<env::PeerUp>() == 1; });
  for (int i = 0; i < 10; ++i) b.send("late");
  a.on_event = [&](const env::Event&) { a.transport->close(); };
  ASSERT_TRUE(loop.until([&] { return b.count<env::PeerDown>() == 1; }));
  EXPECT_EQ(a.story(), "up, message");
  EXPECT_TRUE(a.transport->peers().empty());
}

TEST(Transport, ADestroyedTransportLeavesNoHandlerThatHurts) {
  Loop loop;
  auto a = std::make_unique<Peer>(loop, 1);
  Peer b(loop, 2);
  ASSERT_TRUE(join(loop, *a, b));
  b.send("on its way");
  a->send("too");
  a.reset();
  EXPECT_TRUE(loop.until([&] { return b.count<env::PeerDown>() == 1; }));
}

}  // namespace
}  // namespace orrery::live
