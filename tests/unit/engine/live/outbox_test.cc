#include "engine/live/outbox.h"

#include <gtest/gtest.h>

namespace orrery::live {
namespace {

using env::Channel;
using env::SendStatus;

constexpr Time kStart{1'000'000'000};

class OutboxTest : public testing::Test {
 protected:
  SendStatus push(Channel channel, std::size_t size, Time now = kStart) {
    return outbox_.push(channel, Buffer(Bytes(size)), now);
  }
  // Sizes of the payloads that leave at `now`, in one write.
  std::size_t take(Time now) {
    Bytes out;
    const std::uint64_t before = counters_.messages_sent;
    outbox_.take(now, sealer_, out);
    return counters_.messages_sent - before;
  }

  TransportCounters counters_;
  Outbox outbox_{RandomStream(1, 2, 3), counters_};
  FrameSealer sealer_{SessionKey{}};
};

TEST_F(OutboxTest, WithoutARuleAllLeavesAtOnce) {
  push(Channel::kReliable, 100);
  push(Channel::kDatagram, 50);
  EXPECT_EQ(outbox_.queued(Channel::kReliable), 100u);
  EXPECT_EQ(outbox_.queued(Channel::kDatagram), 50u);
  EXPECT_EQ(take(kStart), 2u);
  EXPECT_EQ(outbox_.queued(Channel::kReliable), 100u);  // being written
  outbox_.written();
  EXPECT_EQ(outbox_.queued(Channel::kReliable), 0u);
  EXPECT_EQ(outbox_.next_release(), kNever);
}

TEST_F(OutboxTest, AReliableQueueIsBoundedInBytes) {
  for (int i = 0; i < 8; ++i) EXPECT_EQ(push(Channel::kReliable, 2 << 20), SendStatus::kQueued);
  EXPECT_EQ(push(Channel::kReliable, 1), SendStatus::kQueueFull);
  EXPECT_EQ(push(Channel::kReliable, 0), SendStatus::kQueued);
  take(kStart);
  outbox_.written();
  EXPECT_EQ(push(Channel::kReliable, 1), SendStatus::kQueued);
}

TEST_F(OutboxTest, AReliableQueueIsBoundedInFrames) {
  for (std::size_t i = 0; i < Outbox::kMaxFrames; ++i) {
    ASSERT_EQ(push(Channel::kReliable, 0), SendStatus::kQueued);
  }
  EXPECT_EQ(push(Channel::kReliable, 0), SendStatus::kQueueFull);
}

TEST_F(OutboxTest, LateDatagramsAreDroppedAndCounted) {
  push(Channel::kDatagram, Outbox::kMaxDatagramBytes + 1);
  EXPECT_EQ(push(Channel::kDatagram, 1), SendStatus::kQueued);
  EXPECT_EQ(counters_.messages_lost, 1u);
  EXPECT_EQ(push(Channel::kReliable, 1), SendStatus::kQueued);
  EXPECT_EQ(outbox_.frames(), 2u);
}

TEST_F(OutboxTest, ADelayHoldsEachFrame) {
  outbox_.set_rule({.delay = Duration::millis(30)}, kStart);
  push(Channel::kReliable, 1);
  push(Channel::kDatagram, 1, kStart + Duration::millis(10));
  EXPECT_EQ(take(kStart + Duration::millis(29)), 0u);
  EXPECT_EQ(outbox_.next_release(), kStart + Duration::millis(30));
  EXPECT_EQ(take(kStart + Duration::millis(30)), 1u);
  EXPECT_EQ(take(kStart + Duration::millis(40)), 1u);
}

TEST_F(OutboxTest, ARateSpacesFramesByTheirSizeOnTheWire) {
  outbox_.set_rule({.bytes_per_second = 1000 + kFrameOverhead}, kStart);
  for (int i = 0; i < 3; ++i) push(Channel::kReliable, 1000);
  for (int second = 1; second <= 3; ++second) {
    EXPECT_EQ(take(kStart + Duration::seconds(second) - Duration::nanos(1)), 0u);
    EXPECT_EQ(take(kStart + Duration::seconds(second)), 1u);
  }
}

TEST_F(OutboxTest, LostDatagramsVanishAndLostReliableFramesComeLateInOrder) {
  outbox_.set_rule({.loss_ppm = 300'000}, kStart);
  for (int i = 0; i < 1000; ++i) push(Channel::kDatagram, 1);
  EXPECT_NEAR(static_cast<double>(counters_.messages_lost), 300, 75);
  for (int i = 0; i < 1000; ++i) push(Channel::kReliable, 1);
  EXPECT_EQ(outbox_.frames(), 2000 - counters_.messages_lost);
  const std::uint64_t kept = 1000 - counters_.messages_lost;
  std::size_t at_once = take(kStart) - kept;
  EXPECT_LT(at_once, 60u);  // 0.7^60: the first loss holds up all that follow
  EXPECT_GE(outbox_.next_release(), kStart + Outbox::kResend);
  EXPECT_EQ(at_once + take(kStart + Outbox::kResend * 64), 1000u);
}

TEST_F(OutboxTest, AllLostStillArrivesAfterTheLastResend) {
  outbox_.set_rule({.loss_ppm = 1'000'000}, kStart);
  push(Channel::kReliable, 1);
  EXPECT_EQ(outbox_.next_release(), kStart + Outbox::kResend * 63);
  push(Channel::kDatagram, 1);
  EXPECT_EQ(counters_.messages_lost, 1u);
}

TEST_F(OutboxTest, ALiftedRuleLetsGoWhatWaits) {
  outbox_.set_rule({.delay = Duration::seconds(9), .bytes_per_second = 1}, kStart);
  push(Channel::kReliable, 1000);
  EXPECT_EQ(take(kStart + Duration::seconds(60)), 0u);
  outbox_.set_rule({}, kStart + Duration::seconds(60));
  EXPECT_EQ(take(kStart + Duration::seconds(60)), 1u);
}

TEST_F(OutboxTest, OneWriteGathersFramesUpToItsBound) {
  for (int i = 0; i < 3000; ++i) push(Channel::kReliable, 200);
  const std::size_t first = take(kStart);
  EXPECT_GE(first * (200 + kFrameOverhead), Outbox::kBatch);
  EXPECT_LT((first - 1) * (200 + kFrameOverhead), Outbox::kBatch);
}

}  // namespace
}  // namespace orrery::live
