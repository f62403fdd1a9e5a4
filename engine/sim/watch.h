// Looking over a world's shoulder: what nodes handle and what becomes of their messages, for the
// viewer's trace and for stops in a replay. A watcher changes nothing: digests are those of a run
// without it. While one watches, handlers run on one thread.
#pragma once

#include <cstdint>

#include "engine/env/events.h"
#include "engine/sim/event_queue.h"

namespace orrery::sim {

// A message that a node has handed to its transport. `from` and `number` name it: the event in
// which it is heard has them as source and counter.
struct Sent {
  static constexpr std::uint64_t kLostAtOnce = UINT64_MAX;  // a datagram that never left

  Time at{};
  std::uint32_t from = 0;
  std::uint32_t to = 0;
  std::uint64_t number = 0;
  env::Channel channel = env::Channel::kReliable;
  const Buffer& payload;
};

class Watcher {
 public:
  virtual ~Watcher() = default;
  // Also of each duplicate that a link makes of a datagram.
  virtual void on_sent(const Sent& sent) = 0;
  // It will not be heard. `now` may be long after it was sent.
  virtual void on_lost(Time now, std::uint32_t from, std::uint64_t number) = 0;
  // A datagram that a clogged link held goes on as `next`.
  virtual void on_renumbered(std::uint32_t from, std::uint64_t number, std::uint64_t next) = 0;
  // The node of `key` is about to handle `event`, which takes its processor `cost`; `key.time` is
  // when it arrived, which is before `now` if the processor was busy.
  virtual void on_handled(Time now, const EventKey& key, const env::Event& event,
                          Duration cost) = 0;
};

}  // namespace orrery::sim
