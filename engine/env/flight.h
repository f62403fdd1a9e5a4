// A life of a node as a log: every event it consumed, in order, with the instant and the values
// that the seam answered. From the log and the disk before it, the life can be executed again
// anywhere, bit for bit; the digest kept with each event says at which one a re-execution parts
// from it.
//
// A log is a sequence of records. One life: Boot, then for each event Heard and, when its handler
// has returned, Answered; Stop at the end of a clean one. A crash cuts the log after any record.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "engine/base/digest.h"
#include "engine/base/result.h"
#include "engine/env/env.h"

namespace orrery::env {

inline constexpr std::uint16_t kFlightVersion = 1;

struct FlightBoot {
  std::uint16_t version = kFlightVersion;
  std::uint32_t node = 0;  // index within the network
  std::uint64_t boot = 0;
  std::uint64_t random_seed = 0;     // of RandomStream(random_seed, boot, stream)
  std::uint64_t store_identity = 0;  // another one: the disk is new
  std::uint64_t store_sequence = 0;  // batches that the disk had at boot
  std::uint32_t device_class = 0;
  Duration wall_error{};
  std::string self;  // address
  Time mono{};
  Time wall{};
};
struct FlightHeard {
  Time mono{};
  Time wall{};
  Event event;
};
// What the handler did and was told. Only values that a re-execution cannot know.
struct FlightAnswered {
  std::vector<SendStatus> sends;      // of each send, in order
  std::vector<std::uint64_t> queued;  // of each queued(), in order
  Digest128 digest;                   // chain over all that went in and out of the node so far
};
struct FlightStop {};

using FlightRecord = std::variant<FlightBoot, FlightHeard, FlightAnswered, FlightStop>;

Bytes encode(const FlightRecord& record);
Result<FlightRecord> decode_flight(ByteView bytes);

Bytes encode(const Event& event);
Result<Event> decode_event(ByteView bytes);

}  // namespace orrery::env
