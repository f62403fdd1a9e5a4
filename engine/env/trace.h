// Typed trace events: they feed digests, checkers, the viewer and the comparison of simulated with
// live runs. One fixed shape, no strings; the meaning of the fields is given at each kind.
#pragma once

#include <array>
#include <cstdint>

#include "engine/base/codec.h"
#include "engine/base/hash.h"
#include "engine/base/time.h"

namespace orrery::env {

// Kinds 1..255 belong to the engine, 256.. to the protocol (protocol/types/trace_kinds.h).
using TraceKind = std::uint16_t;

enum EngineTrace : TraceKind {
  kNodeBoot = 1,       // n0 boot number
  kNodeCrash = 2,      // n0 writes lost, n1 1 if the disk was wiped, 2 if it is damaged
  kStoreSynced = 3,    // n0 sequence now durable, n1 1 if ok
  kFaultBegin = 4,     // n0 fault id, n1 fault kind     (emitted for node kWorld)
  kFaultEnd = 5,       // n0 fault id, n1 fault kind     (emitted for node kWorld)
  kSessionUp = 6,      // n0 peer
  kSessionDown = 7,    // n0 peer, n1 reason
  kMessageLost = 8,    // n0 receiver, n1 bytes (datagram lost, queue overflow or dead session)
  kStoreFailed = 9,    // n0 why: 1 a read, 2 no space, 3 a sync; the node stops
  kRareTaken = 10,     // n0 the point: a node does something rare (Random::rare)
};

struct TraceEvent {
  TraceKind kind = 0;
  std::array<std::uint64_t, 4> n{};
  Hash256 a{};
  Hash256 b{};

  bool operator==(const TraceEvent&) const = default;
};

inline void encode(Writer& out, const TraceEvent& event) {
  out.u16(event.kind);
  for (std::uint64_t v : event.n) out.u64(v);
  out.hash(event.a).hash(event.b);
}

// Receives what nodes and the environment emit. Implementations live outside protocol/.
class TraceSink {
 public:
  virtual ~TraceSink() = default;
  // `node` is the emitting node's index, or kWorld for the environment itself.
  static constexpr std::uint32_t kWorld = UINT32_MAX;
  virtual void on_trace(Time now, std::uint32_t node, const TraceEvent& event) = 0;
};

}  // namespace orrery::env
