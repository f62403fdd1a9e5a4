#include "engine/live/session.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

#include "engine/base/random.h"
#include "tests/unit/engine/live/raw_session.h"

namespace orrery::live {
namespace {

using Role = Handshake::Role;

std::shared_ptr<Identity> identity(std::uint8_t seed) {
  std::array<std::uint8_t, 32> bytes{};
  bytes[0] = seed;
  return std::make_shared<Identity>(bytes);
}

struct Side {
  std::shared_ptr<Identity> identity;
  std::string network = "net";
  Claims claims;
};

Handshake::Options options(Role role, const Side& side) {
  return {role, side.identity, side.network, side.claims, fresh_ephemeral()};
}

// The messages of a handshake in their order: hello, hello + auth, auth, ready.
constexpr int kMessages = 4;
using Tamper = std::function<void(int message, Bytes& bytes)>;

struct Outcome {
  Status initiator, responder;
  bool initiator_done = false, responder_done = false;
};

// Runs a handshake to its end or its first error; `tamper` sees each message on its way.
Outcome run(Handshake& initiator, Handshake& responder, const Tamper& tamper = {}) {
  Outcome outcome;
  Bytes message = initiator.start();
  EXPECT_TRUE(responder.start().empty());
  for (int i = 0; i < kMessages; ++i) {
    if (tamper) tamper(i, message);
    const bool to_responder = i % 2 == 0;
    auto answer = (to_responder ? responder : initiator).receive(message);
    if (!answer) {
      (to_responder ? outcome.responder : outcome.initiator) = tl::unexpected(answer.error());
      break;
    }
    message = *answer;
  }
  outcome.initiator_done = initiator.is_done();
  outcome.responder_done = responder.is_done();
  return outcome;
}

class SessionTest : public testing::Test {
 protected:
  Side a_{identity(1), "net", {4001, 11}};
  Side b_{identity(2), "net", {4002, 22}};
};

TEST_F(SessionTest, BothSidesLearnTheOthersKeyAndClaims) {
  Handshake a(options(Role::kInitiator, a_)), b(options(Role::kResponder, b_));
  const Outcome outcome = run(a, b);
  ASSERT_TRUE(outcome.initiator && outcome.responder);
  ASSERT_TRUE(outcome.initiator_done && outcome.responder_done);
  EXPECT_EQ(a.remote().key, b_.identity->key());
  EXPECT_EQ(b.remote().key, a_.identity->key());
  EXPECT_EQ(a.remote().claims, b_.claims);
  EXPECT_EQ(b.remote().claims, a_.claims);
  EXPECT_EQ(a.expects(), 0u);
  EXPECT_EQ(b.expects(), 0u);
}

TEST_F(SessionTest, TheInitiatorIsNotDoneBeforeTheResponderHasAccepted) {
  Handshake a(options(Role::kInitiator, a_)), b(options(Role::kResponder, b_));
  Bytes message = a.start();
  message = *b.receive(message);
  EXPECT_FALSE(b.is_proven());
  message = *a.receive(message);
  EXPECT_TRUE(a.is_proven());
  EXPECT_FALSE(a.is_done());
}

// Flips each bit position 0 and 7 of each byte of each message: the receiver may only notice at the
// next message, but never do both sides finish, nor the one whose message was changed.
TEST_F(SessionTest, EachTamperedByteOfEachMessageIsRefused) {
  const std::size_t sizes[kMessages] = {Handshake::kHello, Handshake::kHello + Handshake::kAuth,
                                        Handshake::kAuth, Handshake::kReady};
  for (int message = 0; message < kMessages; ++message) {
    for (std::size_t byte = 0; byte < sizes[message]; ++byte) {
      const std::uint8_t bit = byte % 2 == 0 ? 0x80 : 0x01;
      Handshake a(options(Role::kInitiator, a_)), b(options(Role::kResponder, b_));
      const Outcome outcome = run(a, b, [&](int i, Bytes& bytes) {
        if (i == message) bytes[byte] ^= bit;
      });
      EXPECT_FALSE(outcome.initiator_done) << "message " << message << " byte " << byte;
      EXPECT_EQ(outcome.responder_done, message == 3);
      const Status& refusal = outcome.initiator ? outcome.responder : outcome.initiator;
      ASSERT_FALSE(refusal) << "message " << message << " byte " << byte;
      EXPECT_FALSE(refusal.error().message.empty());
    }
  }
}

TEST_F(SessionTest, TruncatedAndOversizedMessagesAreRefused) {
  for (int message = 0; message < kMessages; ++message) {
    for (const int change : {-1, 1}) {
      Handshake a(options(Role::kInitiator, a_)), b(options(Role::kResponder, b_));
      const Outcome outcome = run(a, b, [&](int i, Bytes& bytes) {
        if (i == message) bytes.resize(bytes.size() + change);
      });
      const Status& refusal = message % 2 == 0 ? outcome.responder : outcome.initiator;
      ASSERT_FALSE(refusal);
      EXPECT_EQ(refusal.error().code, ErrorCode::kMalformed);
    }
  }
}

TEST_F(SessionTest, AnotherNetworkIsRefusedByName) {
  b_.network = "other";
  Handshake a(options(Role::kInitiator, a_)), b(options(Role::kResponder, b_));
  const Outcome outcome = run(a, b);
  ASSERT_FALSE(outcome.responder);
  EXPECT_EQ(outcome.responder.error().code, ErrorCode::kRefused);
  EXPECT_NE(outcome.responder.error().message.find("network"), std::string::npos);
}

TEST_F(SessionTest, ANetworkTagThatLiesFailsAtTheTranscript) {
  b_.network = "other";
  Handshake probe(options(Role::kInitiator, b_));
  const Bytes theirs = probe.start();
  Handshake a(options(Role::kInitiator, a_)), b(options(Role::kResponder, b_));
  Handshake ours(options(Role::kInitiator, a_));
  const Bytes own = ours.start();
  const Outcome outcome = run(a, b, [&](int i, Bytes& bytes) {
    const Bytes& tag = i == 0 ? theirs : own;
    if (i < 2) std::copy(tag.begin() + 8, tag.begin() + 16, bytes.begin() + 8);
  });
  EXPECT_FALSE(outcome.initiator);
  EXPECT_FALSE(outcome.responder_done);
}

TEST_F(SessionTest, AnotherVersionIsUnsupported) {
  Handshake a(options(Role::kInitiator, a_)), b(options(Role::kResponder, b_));
  const Outcome outcome = run(a, b, [](int i, Bytes& bytes) {
    if (i == 0) bytes[7] = 9;
  });
  ASSERT_FALSE(outcome.responder);
  EXPECT_EQ(outcome.responder.error().code, ErrorCode::kUnsupported);
  EXPECT_NE(outcome.responder.error().message.find("version 9"), std::string::npos);
}

TEST_F(SessionTest, OurOwnKeyIsRefused) {
  b_.identity = a_.identity;
  Handshake a(options(Role::kInitiator, a_)), b(options(Role::kResponder, b_));
  const Outcome outcome = run(a, b);
  ASSERT_FALSE(outcome.initiator);
  EXPECT_NE(outcome.initiator.error().message.find("own key"), std::string::npos);
}

TEST_F(SessionTest, AFreshKeyOfSmallOrderIsRefused) {
  for (const int first : {0, 1}) {  // two points whose shared secret is always zero
    Handshake a(options(Role::kInitiator, a_)), b(options(Role::kResponder, b_));
    const Outcome outcome = run(a, b, [&](int i, Bytes& bytes) {
      if (i != 0) return;
      std::fill(bytes.begin() + 16, bytes.end(), 0);
      bytes[16] = static_cast<std::uint8_t>(first);
    });
    ASSERT_FALSE(outcome.responder);
    EXPECT_NE(outcome.responder.error().message.find("small order"), std::string::npos);
  }
}

Bytes joined(const Bytes& a, const Bytes& b) {
  Bytes both = a;
  both.insert(both.end(), b.begin(), b.end());
  return both;
}
// What `responder` answers to a hello: its own, and its auth frame.
struct Answer {
  Bytes hello, auth;
};
Answer answer_to(Handshake& responder, Bytes hello) {
  const Bytes both = *responder.receive(hello);
  return {Bytes(both.begin(), both.begin() + Handshake::kHello),
          Bytes(both.begin() + Handshake::kHello, both.end())};
}

TEST_F(SessionTest, AnotherImplementationOfTheDescriptionIsWelcome) {
  Handshake b(options(Role::kResponder, b_));
  RawSession raw(true);
  const Answer answer = answer_to(b, raw.hello());
  raw.hear(answer.hello);
  const auto said = raw.open(answer.auth);
  EXPECT_EQ(said.key, b_.identity->key());
  Bytes auth = raw.auth(a_.identity->key(), a_.identity->sign(raw.text("initiator", said.key)));
  ASSERT_TRUE(b.receive(auth));
  EXPECT_EQ(b.remote().key, a_.identity->key());
}

// One in the middle has an exchange of its own with each side, opens what they say, and seals it
// for the other: the signature inside is about the transcript of another exchange.
TEST_F(SessionTest, AManInTheMiddleCannotPassForTheResponder) {
  Handshake a(options(Role::kInitiator, a_)), b(options(Role::kResponder, b_));
  RawSession to_b(true), to_a(false);
  const Answer answer = answer_to(b, to_b.hello());
  to_b.hear(answer.hello);
  const auto said = to_b.open(answer.auth);
  to_a.hear(a.start());
  Bytes forged = joined(to_a.hello(), to_a.auth(said.key, said.signature));
  const auto outcome = a.receive(forged);
  ASSERT_FALSE(outcome);
  EXPECT_NE(outcome.error().message.find("did not sign"), std::string::npos);
  // Passing on what B sealed, unopened, is no better.
  Handshake again(options(Role::kInitiator, a_));
  again.start();
  Bytes passed = joined(answer.hello, answer.auth);
  EXPECT_FALSE(again.receive(passed));
}

TEST_F(SessionTest, AManInTheMiddleCannotPassForTheInitiator) {
  const Side m{identity(3), "net", {}};
  Handshake a(options(Role::kInitiator, a_)), b(options(Role::kResponder, b_));
  RawSession to_b(true), to_a(false);
  to_a.hear(a.start());  // A dials M, who is a node like others
  Bytes own = joined(to_a.hello(),
                     to_a.auth(m.identity->key(), m.identity->sign(to_a.text("responder", {}))));
  const auto said = to_a.open(*a.receive(own));
  to_b.hear(answer_to(b, to_b.hello()).hello);
  Bytes forged = to_b.auth(said.key, said.signature);
  const auto outcome = b.receive(forged);
  ASSERT_FALSE(outcome);
  EXPECT_NE(outcome.error().message.find("did not sign"), std::string::npos);
}

TEST_F(SessionTest, ASignatureIsOfItsRoleAndNamesTheResponder) {
  const auto accepted = [&](auto&& text) {
    Handshake b(options(Role::kResponder, b_));
    RawSession raw(true);
    raw.hear(answer_to(b, raw.hello()).hello);
    Bytes auth = raw.auth(a_.identity->key(), a_.identity->sign(text(raw)));
    return b.receive(auth).has_value();
  };
  const env::NodeKey b_key = b_.identity->key(), a_key = a_.identity->key();
  EXPECT_TRUE(accepted([&](RawSession& raw) { return raw.text("initiator", b_key); }));
  EXPECT_FALSE(accepted([&](RawSession& raw) { return raw.text("initiator", a_key); }));
  EXPECT_FALSE(accepted([&](RawSession& raw) { return raw.text("initiator", {}); }));
  EXPECT_FALSE(accepted([&](RawSession& raw) { return raw.text("responder", b_key); }));
  EXPECT_FALSE(accepted([&](RawSession&) { return RawSession(true).text("initiator", b_key); }));
}

TEST_F(SessionTest, AReplayedSessionIsRefused) {
  Handshake a(options(Role::kInitiator, a_)), b(options(Role::kResponder, b_));
  Bytes sent[kMessages];
  ASSERT_TRUE(run(a, b, [&](int i, Bytes& bytes) { sent[i] = bytes; }).responder_done);
  Handshake second(options(Role::kResponder, b_));
  ASSERT_TRUE(second.receive(sent[0]));
  const auto answer = second.receive(sent[2]);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ErrorCode::kRefused);
  EXPECT_FALSE(second.is_done());
  Handshake third(options(Role::kInitiator, a_));
  third.start();
  EXPECT_FALSE(third.receive(sent[1]));
}

TEST_F(SessionTest, AReflectedSessionIsRefused) {
  Handshake a(options(Role::kInitiator, a_)), mirror(options(Role::kResponder, a_));
  Bytes hello = a.start();
  Bytes echoed = hello;
  echoed.resize(Handshake::kHello + Handshake::kAuth);
  EXPECT_FALSE(a.receive(echoed));
}

TEST_F(SessionTest, RandomBytesAreRefusedAtEachStep) {
  RandomStream random(1, 2, stream_id("garbage"));
  for (int round = 0; round < 50; ++round) {
    for (int message = 0; message < kMessages; ++message) {
      Handshake a(options(Role::kInitiator, a_)), b(options(Role::kResponder, b_));
      const Outcome outcome = run(a, b, [&](int i, Bytes& bytes) {
        if (i != message) return;
        for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(random.next());
      });
      EXPECT_FALSE(outcome.initiator_done);
    }
  }
}

TEST_F(SessionTest, NoStepCanBeTriedTwice) {
  Handshake b(options(Role::kResponder, b_));
  Bytes garbage(b.expects());
  EXPECT_FALSE(b.receive(garbage));
  EXPECT_EQ(b.expects(), 0u);
  Handshake a(options(Role::kInitiator, a_));
  Bytes hello = a.start();
  EXPECT_FALSE(b.receive(hello));
}

TEST_F(SessionTest, TheSessionsKeysDifferByDirectionAndGoOnAfterTheHandshake) {
  Handshake a(options(Role::kInitiator, a_)), b(options(Role::kResponder, b_));
  ASSERT_TRUE(run(a, b).initiator_done);
  FrameSealer from_a = a.sealer(), from_b = b.sealer();
  FrameReader at_b(b.opener()), at_a(a.opener()), wrong(a.opener());
  const Bytes payload = {1, 2, 3};
  const auto deliver = [&](FrameSealer& sealer, FrameReader& reader) {
    Bytes wire;
    sealer.seal(FrameKind::kReliable, payload, wire);
    std::ranges::copy(wire, reader.space().begin());
    reader.filled(wire.size());
    return reader.next();
  };
  auto frame = deliver(from_a, at_b);
  ASSERT_TRUE(frame && *frame);
  EXPECT_TRUE(std::ranges::equal((*frame)->payload, payload));
  frame = deliver(from_b, at_a);
  ASSERT_TRUE(frame && *frame);
  EXPECT_FALSE(deliver(from_a, wrong));  // what A sealed cannot come back to A
}

}  // namespace
}  // namespace orrery::live
