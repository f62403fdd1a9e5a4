// What a simulated world is made of, as plain data.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/base/distribution.h"
#include "engine/base/integer.h"
#include "engine/base/time.h"
#include "engine/env/env.h"

namespace orrery::sim {

// One directed link. Latency is one way, in nanoseconds; samples below kMinLatency are raised to
// it, so that nothing arrives at the instant it was sent.
struct LinkModel {
  DistributionSpec latency{.kind = DistributionKind::kConst, .a = 50'000'000};
  std::uint32_t loss_ppm = 0;          // datagrams vanish; a reliable message waits for its resend
  std::uint32_t duplicate_ppm = 0;     // datagrams only
  std::uint64_t bytes_per_second = 0;  // 0: unlimited
  Duration jitter{};                   // uniform, on top of the latency of each message
  std::uint32_t reorder_ppm = 0;       // datagrams that are held back by up to `reorder_window`
  Duration reorder_window{};
  // A bit is flipped: a datagram arrives so; a session notices (its frames are authenticated), and
  // both ends lose it.
  std::uint32_t corrupt_ppm = 0;
  // Of the link's own rate: what a datagram finds full it does not enter; streams wait at the
  // sender. 0: unlimited.
  std::uint64_t queue_bytes = 0;
  bool operator==(const LinkModel&) const = default;
};

// Virtual time of compute jobs: overhead + ceil(work units / rate), one job after the other.
struct DeviceProfile {
  Duration overhead = Duration::millis(50);
  std::uint64_t work_units_per_second = 2'000'000'000;  // above 0
  std::uint32_t device_class = 0;                       // what Compute::device_class() answers
};

// Virtual time that a node's processor takes to handle an event, by its kind; while it is busy,
// what arrives waits its turn. All zero: it takes no time.
struct CpuProfile {
  Duration message{};       // of each
  Duration message_byte{};  // and of each of its bytes
  Duration timer{};
  Duration request{};
  Duration completion{};  // of a sync or a job
  Duration session{};     // a session that comes up or goes down, a dial that failed
  bool operator==(const CpuProfile&) const = default;
};

struct NodeOptions {
  std::string name;
  env::NodeKey key{};                          // shown to peers in PeerUp
  std::uint32_t region = 0;                    // see Simulator::set_region_link
  Duration clock_offset{};                     // error of the wall clock
  std::int64_t clock_drift_ppb = 0;            // both clocks run by this much fast; |drift| <= 1e8
  Duration wall_error = Duration::millis(50);  // the claim, true or not
  std::uint64_t uplink_bytes_per_second = 0;   // shared by all peers; 0: unlimited
  DeviceProfile device;
  CpuProfile cpu;
};

// The log of a world, for people. Nothing comes back from it.
using LogFunction =
    std::function<void(Time now, std::uint32_t node, env::LogLevel level, std::string_view line)>;

struct SimOptions {
  std::uint64_t seed = 1;
  bool memo = true;
  std::size_t memo_capacity = env::Memo::kDefaultCapacity;
  LinkModel default_link;
  Duration sync_latency = Duration::millis(4);  // of Store::sync, above 0
  std::uint64_t checkpoint_events = 4096;       // least period of DigestLog
  std::uint64_t interrupt_events = 1024;        // how often `interrupt` is asked
  // Chance that a node does what is rare at one of its points (env::Random::rare). Half of the
  // points, drawn for the world, are never taken: what is always on hides what would need it off.
  std::uint32_t rare_ppm = 0;
  std::function<bool()> interrupt;              // true: run_until returns kInterrupted
  LogFunction log;
  env::LogLevel log_level = env::LogLevel::kWarn;
};

// An item of the scenario's timeline: id and kind appear in kFaultBegin and kFaultEnd. Begin is
// traced when the first effect of an id starts, end when its last one stops.
struct Fault {
  std::uint32_t id = 0;
  std::uint32_t kind = 0;
  bool operator==(const Fault&) const = default;
};

// Directed: from, to.
using Edges = std::vector<std::pair<std::uint32_t, std::uint32_t>>;

// A timer that a node has armed, for observers.
struct PendingTimer {
  Time due{};  // virtual, if the node's clock goes on as it does
  env::Cookie cookie;
};

struct NodeCounters {
  std::uint64_t boots = 0;
  std::uint64_t events = 0;
  std::uint64_t messages_sent = 0;
  std::uint64_t bytes_sent = 0;
  std::uint64_t messages_received = 0;
  std::uint64_t bytes_received = 0;
  std::uint64_t messages_lost = 0;  // sent by this node, never to arrive
  std::uint64_t requests_lost = 0;  // came while the node was down
  bool operator==(const NodeCounters&) const = default;
};

// Bounds of the model, with their reasons.
inline constexpr Duration kMinLatency = Duration::micros(1);    // no loop without passing of time
inline constexpr Duration kDialTimeout = Duration::seconds(5);  // a second of SYN tries and some
inline constexpr Duration kSessionTimeout =
    Duration::seconds(20);                                      // TCP_USER_TIMEOUT as commonly set
inline constexpr Duration kRetransmit = Duration::millis(200);  // Linux's least RTO; doubles
inline constexpr std::uint32_t kMaxRetransmits = 6;             // 0.2 s x (2^6 - 1) = 12.6 s
inline constexpr std::size_t kMaxQueuedBytes = 16 << 20;        // a peer and channel: 8 full frames
inline constexpr std::size_t kMaxHeldDatagrams = 1 << 20;       // on clogged links, of one world
inline constexpr std::uint64_t kCheckpointEventsPerNode =
    16;                                             // a checkpoint costs each node a fold
inline constexpr std::size_t kMaxTimers = 1 << 16;  // pending of one node
inline constexpr std::size_t kMaxInbox = 1 << 20;   // events that wait for one processor
inline constexpr std::size_t kMaxJobs = 1 << 12;    // pending of one device
// Time that `bytes` take at `bytes_per_second` > 0, rounded up to a nanosecond.
inline Duration serialisation(std::uint64_t bytes, std::uint64_t bytes_per_second) {
  const u128 ns = mul_div_ceil(bytes, 1'000'000'000, bytes_per_second);
  ENSURE(ns <= static_cast<u128>(INT64_MAX), "a rate too low to simulate");
  return Duration{static_cast<std::int64_t>(ns)};
}

// 2026-01-01T00:00:00Z, the wall time of virtual time 0, in nanoseconds since the Unix epoch.
inline constexpr std::int64_t kWallOrigin = 1'767'225'600'000'000'000;

}  // namespace orrery::sim
