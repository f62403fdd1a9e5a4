// What a node hears. Plain values; a world can hash, record, replay and fork them.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <variant>

#include "engine/base/bytes.h"
#include "engine/base/time.h"

namespace orrery::env {

// A handle the environment gives to one remote node; stable while the node lives. In simulation it
// is the remote's index, live it is assigned at the first handshake.
struct PeerId {
  std::uint32_t value = 0;
  auto operator<=>(const PeerId&) const = default;
};

// Where a node can be dialled: "sim/<index>" or "/ip4/127.0.0.1/tcp/4000".
struct Address {
  std::string text;
  auto operator<=>(const Address&) const = default;
};

// The node's identity key (Ed25519 public key); the transport has proven that the remote holds it.
using NodeKey = std::array<std::uint8_t, 32>;

enum class Channel : std::uint8_t {
  kReliable,  // ordered, never loses one middle message; may stall, and dies as a whole (PeerDown)
  kDatagram,  // may lose, duplicate, reorder
};

// Plain data that comes back with a timer, a sync or a job: what it was for.
struct Cookie {
  std::uint32_t kind = 0;
  std::uint64_t a = 0;
  std::uint64_t b = 0;
  bool operator==(const Cookie&) const = default;
};

enum class DownReason : std::uint8_t { kClosedByUs, kClosedByRemote, kReset, kUnreachable };

enum class JobStatus : std::uint8_t { kDone, kUnknownModel, kRefused, kFailed };

struct JobResult {
  JobStatus status = JobStatus::kFailed;
  Buffer output;                 // encoded by the backend (gpu/api/inference.h for inference)
  std::uint64_t work_units = 0;  // integer operations really executed
};

struct MessageIn {
  PeerId from;
  Channel channel = Channel::kReliable;
  Buffer payload;
};
struct TimerFired {
  std::uint64_t timer = 0;
  Cookie cookie;
};
// Answers Store::sync; ok = false: the disk refused, nothing may be assumed durable.
struct Synced {
  std::uint64_t sequence = 0;
  Cookie cookie;
  bool ok = true;
};
struct JobDone {
  std::uint64_t job = 0;
  Cookie cookie;
  JobResult result;
};
struct PeerUp {
  PeerId peer;
  Address address;  // where the remote accepts connections
  NodeKey key{};
  bool outbound = false;  // we dialled
};
struct PeerDown {
  PeerId peer;
  DownReason reason = DownReason::kReset;
};
struct DialFailed {
  Address address;
};
struct Request {  // from a user of this node (RPC, or the scenario's load); answered by Replies
  std::uint64_t id = 0;
  Buffer body;
};
struct Admin {  // from the operator
  Buffer body;
};

using Event = std::variant<MessageIn, TimerFired, Synced, JobDone, PeerUp, PeerDown, DialFailed,
                           Request, Admin>;

}  // namespace orrery::env
