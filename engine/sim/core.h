// What the parts of one simulated world share: virtual time, the event queue, counters of sources,
// digests and trace. Owned by the Simulator; internal to engine/sim.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "engine/base/digest_log.h"
#include "engine/env/digest_chain.h"
#include "engine/env/env.h"
#include "engine/sim/options.h"
#include "engine/sim/pending_events.h"
#include "engine/sim/watch.h"

namespace orrery::sim {

// A session in the pool of sessions; the generation tells a reused place from the one meant.
struct SessionRef {
  std::uint32_t slot = 0;
  std::uint32_t generation = 0;
  bool operator==(const SessionRef&) const = default;
};

// What waits in the queue. Large or rare content is kept by its owner, so that a payload stays
// small. `boot` fields tell events of a former life of the node, which are ignored.
namespace pending {
struct Nothing {};
struct Boot {
  std::uint64_t boot;
};
struct Syn {
  SessionRef session;
};
struct DialTimeout {
  SessionRef session;
};
struct BadDial {  // of an address that names no other node
  std::uint64_t boot;
  std::string address;
};
struct Frame {  // the oldest message of a session's direction
  SessionRef session;
  std::uint32_t direction;
  std::uint64_t message;  // its counter
};
struct Datagram {
  SessionRef session;
  std::uint32_t direction;
  Buffer payload;
};
struct StallTimeout {
  SessionRef session;
  std::uint32_t direction;
  std::uint32_t stall;
};
struct Down {
  std::uint64_t boot;
  std::uint32_t peer;
  env::DownReason reason;
};
struct Synced {
  std::uint64_t boot;
  std::uint64_t sequence;
  env::Cookie cookie;
};
struct Job {
  std::uint64_t boot;
  std::uint64_t job;
};
struct Timer {
  std::uint64_t boot;
  std::uint64_t timer;
  env::Cookie cookie;
};
struct Request {
  std::uint64_t id;
  Buffer body;
};
struct Admin {
  Buffer body;
};
struct Call {
  std::function<void()> function;
};
struct CpuFree {  // the processor takes the next event from its inbox
  std::uint64_t boot;
};
}  // namespace pending

using Payload =
    std::variant<pending::Nothing, pending::Boot, pending::Syn, pending::DialTimeout,
                 pending::BadDial, pending::Frame, pending::Datagram, pending::StallTimeout,
                 pending::Down, pending::Synced, pending::Job, pending::Timer, pending::Request,
                 pending::Admin, pending::Call, pending::CpuFree>;
static_assert(sizeof(Payload) <= 56, "a pending event is meant to be small");

struct Core {
  explicit Core(SimOptions o) : options(std::move(o)), memo(options.memo, options.memo_capacity) {}
  Core(const Core&) = delete;
  Core& operator=(const Core&) = delete;

  // The next key of `source`; the counter of a source rises by one with each event it causes. The
  // outside counts for each destination apart: what it does to one node, or calls that only look,
  // must not show in the digests of others.
  EventKey make_key(Time at, EventClass cls, std::uint32_t destination, std::uint32_t source) {
    return {std::max(at, now), cls, destination, source, counter_of(destination, source)++};
  }
  std::uint64_t& counter_of(std::uint32_t destination, std::uint32_t source) {
    if (source != kOutside) return counters[source];
    return destination == kOutside ? outside_counter : outside_counters[destination];
  }
  void schedule(Time at, EventClass cls, std::uint32_t destination, std::uint32_t source,
                Payload payload) {
    queue.push(make_key(at, cls, destination, source), std::move(payload));
  }
  env::DigestChain& chain_of(std::uint32_t node) {
    return node == env::TraceSink::kWorld ? world_chain : chains[node];
  }
  // Digests a trace event of `node` (or kWorld) and hands it to the sinks.
  void trace(std::uint32_t node, const env::TraceEvent& event);

  SimOptions options;
  Time now{};
  PendingEvents<Payload> queue;
  std::vector<std::uint64_t> counters;          // by node
  std::vector<std::uint64_t> outside_counters;  // of the outside, by the node it acts on
  std::uint64_t outside_counter = 0;            // of the outside's own calls
  std::vector<env::DigestChain> chains;         // by node
  env::DigestChain world_chain;
  std::vector<NodeCounters> stats;  // by node
  std::vector<env::TraceSink*> sinks;
#ifdef ORRERY_NO_WATCHER  // only to measure what asking for one costs: tests/bench
  static constexpr Watcher* watcher = nullptr;
  void watch(Watcher*) {}
#else
  Watcher* watcher = nullptr;
  void watch(Watcher* w) { watcher = w; }
#endif
  env::Memo memo;
};

}  // namespace orrery::sim
