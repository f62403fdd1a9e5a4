// What waits to leave for one peer: two bounded queues, and the rule of the link, which is played
// here as a shaped interface would. Pure; times come from the connection that owns it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>

#include "engine/base/bytes.h"
#include "engine/base/random.h"
#include "engine/base/time.h"
#include "engine/env/env.h"
#include "engine/live/frames.h"
#include "engine/live/transport.h"

namespace orrery::live {

class Outbox {
 public:
  // Frames gathered into one write: enough to make the system calls cheap beside the sealing.
  static constexpr std::size_t kBatch = 128 << 10;
  // Frames a channel beside the bound in bytes: empty messages cost memory too.
  static constexpr std::size_t kMaxFrames = 1 << 16;
  // A datagram is dropped when more than this waits already: late ones are of no use.
  static constexpr std::size_t kMaxDatagramBytes = 512 << 10;
  // A lost reliable frame: Linux's least timeout, doubling, so 0.2 s x (2^6 - 1) = 12.6 s at most.
  static constexpr Duration kResend = Duration::millis(200);
  static constexpr std::uint32_t kMaxResends = 6;

  // `counters` outlive this object.
  Outbox(RandomStream draws, TransportCounters& counters) : draws_(draws), counters_(&counters) {}

  // Frames that wait already are timed again as if pushed at `now`.
  void set_rule(const LinkRule& rule, Time now);
  const LinkRule& rule() const { return rule_; }

  // kQueued or kQueueFull. A datagram that is dropped counts as queued, and as lost.
  env::SendStatus push(env::Channel channel, const Buffer& payload, Time now);
  // Seals what may leave at `now`, about kBatch bytes; true if `out` has grown.
  bool take(Time now, FrameSealer& sealer, Bytes& out);
  // All that was taken has been written.
  void written();
  // When the next frame may leave; kNever: nothing waits.
  Time next_release() const;

  // Payload bytes that wait or are being written.
  std::size_t queued(env::Channel channel) const { return lane(channel).bytes; }
  // Waiting, both channels.
  std::size_t frames() const { return lanes_[0].frames.size() + lanes_[1].frames.size(); }

 private:
  struct Waiting {
    Buffer payload;
    Time release;
  };
  struct Lane {
    std::deque<Waiting> frames;
    std::size_t bytes = 0;    // of frames and of what is being written
    std::size_t writing = 0;  // of them, being written
  };

  const Lane& lane(env::Channel channel) const { return lanes_[static_cast<int>(channel)]; }
  Time release_of(env::Channel channel, std::size_t bytes, Time now);
  std::uint32_t losses();

  LinkRule rule_;
  RandomStream draws_;
  TransportCounters* counters_;
  Time line_free_{};  // of the link's rate
  Lane lanes_[2];  // by channel
};

}  // namespace orrery::live
