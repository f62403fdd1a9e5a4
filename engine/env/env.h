// THE SEAM. A node reaches the world through these interfaces and nothing else; engine/sim and
// engine/live are the only implementers, and nothing here tells which one a node is in.
//
// A node is a state machine, run to completion on one thread: boot once a start, then on(event)
// for each event. It never blocks. All references stay valid while the node lives.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/bytes.h"
#include "engine/base/hash.h"
#include "engine/base/random.h"
#include "engine/base/time.h"
#include "engine/env/events.h"
#include "engine/env/memo.h"
#include "engine/env/trace.h"

namespace orrery::env {

class Clock {
 public:
  virtual ~Clock() = default;
  // Never goes back while the node lives; restarts at an arbitrary value after a crash.
  virtual Time mono() const = 0;
  // Belief about UTC since the Unix epoch: may jump, may be wrong.
  virtual Time wall() const = 0;
  // Claimed bound on |wall - UTC|; the claim may be a lie.
  virtual Duration wall_error() const = 0;
};

class Timers {
 public:
  virtual ~Timers() = default;
  // Fires at or after `at` (monotonic), never before. Returns the timer's id, unique per boot.
  virtual std::uint64_t arm(Time at, Cookie cookie) = 0;
  // No effect if it has fired. A cancelled timer never fires.
  virtual void cancel(std::uint64_t timer) = 0;
};

class Random {
 public:
  virtual ~Random() = default;
  // Next value of the named stream of this node and boot; `stream` is stream_id("purpose").
  virtual std::uint64_t u64(std::uint64_t stream) = 0;
  // Whether to do something rare but legal at the place called `point`, a stream_id of its name.
  // No, but for worlds that look for bugs.
  virtual bool rare(std::uint64_t point) {
    (void)point;
    return false;
  }
};

enum class SendStatus : std::uint8_t { kQueued, kQueueFull, kNotConnected, kTooLarge };

class Transport {
 public:
  // Frames above this are refused (kTooLarge): one block of 1 MB and its envelope fit.
  static constexpr std::size_t kMaxMessage = 2 << 20;

  virtual ~Transport() = default;
  virtual Address self() const = 0;
  virtual SendStatus send(PeerId peer, Channel channel, const Buffer& payload) = 0;
  // Answered by PeerUp or DialFailed. Dialling a connected address is a no-op.
  virtual void dial(const Address& address) = 0;
  // Closes the session; PeerDown{kClosedByUs} follows.
  virtual void drop(PeerId peer) = 0;
  // Bytes waiting to leave for `peer`.
  virtual std::size_t queued(PeerId peer, Channel channel) const = 0;
};

// One atomic write. An absent value deletes.
struct WriteOp {
  Bytes key;
  std::optional<Buffer> value;
};
using WriteBatch = std::vector<WriteOp>;

struct KeyValue {
  Bytes key;
  Buffer value;
};

// A read that the disk could not answer (a bad sector, a wrong checksum) ends the node there and
// then: the read does not return, nothing is done on what was not read, and the host stops the node
// with what() as the reason. Nodes neither throw nor catch it.
class StoreFailed : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Ordered key-value store; keys compare as byte strings. A batch or a sync that fails stops the
// node, too, but after its handler: nothing that waits for a Synced with ok has happened by then.
// Reads throw StoreFailed.
class Store {
 public:
  virtual ~Store() = default;
  // Visible at once, NOT durable: a crash may lose it. Returns a sequence number, rising by one.
  virtual std::uint64_t apply(WriteBatch batch) = 0;
  // Asks that everything up to `sequence` be durable; answered by Synced.
  virtual void sync(std::uint64_t sequence, Cookie cookie) = 0;
  virtual std::optional<Buffer> get(ByteView key) const = 0;
  // Pairs with begin <= key < end, ascending, at most `limit`.
  virtual std::vector<KeyValue> scan(ByteView begin, ByteView end, std::size_t limit) const = 0;
  // Freezes the present content for reads; must be released.
  virtual std::uint64_t snapshot() = 0;
  virtual std::optional<Buffer> get_at(std::uint64_t snapshot, ByteView key) const = 0;
  virtual void release(std::uint64_t snapshot) = 0;
};

enum class NumericClass : std::uint8_t {
  kExact,      // E: bit-identical everywhere; verified by comparing hashes
  kTolerance,  // T: compared within a declared band
  kRecorded,   // R: opaque, the answer is an input
};

struct JobSpec {
  Hash256 model;         // content hash of the model artefact
  Buffer input;          // prompt bytes
  Buffer parameters;     // encoded sampling parameters and limits
  std::uint64_t sampling_seed = 0;
  NumericClass numeric = NumericClass::kExact;
  std::uint64_t max_work = 0;  // work units after which the device gives up; 0: device's limit
};

class Compute {
 public:
  virtual ~Compute() = default;
  // Answered by JobDone with the same cookie. Jobs of one device run in order of submission.
  virtual std::uint64_t submit(const JobSpec& spec, Cookie cookie) = 0;
  virtual void cancel(std::uint64_t job) = 0;
  // Declared device class (a name in the scenario), not probed.
  virtual std::uint32_t device_class() const = 0;
};

class Trace {
 public:
  virtual ~Trace() = default;
  virtual void emit(const TraceEvent& event) = 0;
};

// Answers to Request events; one reply a request.
class Replies {
 public:
  virtual ~Replies() = default;
  virtual void reply(std::uint64_t request, Buffer body) = 0;
};

enum class LogLevel : std::uint8_t { kDebug, kInfo, kWarn, kError };

// For people. Write-only: nothing can be read back, so logs cannot change behaviour.
class Log {
 public:
  virtual ~Log() = default;
  virtual void write(LogLevel level, std::string_view line) = 0;
};

struct Env {
  Clock& clock;
  Timers& timers;
  Random& random;
  Transport& transport;
  Store& store;
  Compute& compute;
  Trace& trace;
  Replies& replies;
  Log& log;
  Memo& memo;
};

struct BootInfo {
  std::uint64_t boot = 0;  // 0 at first start, +1 at each restart
};

class Node {
 public:
  virtual ~Node() = default;
  virtual void boot(Env& env, const BootInfo& info) = 0;
  virtual void on(Env& env, const Event& event) = 0;
  // Folds a canonical summary of the node's state into `digest` (called at checkpoints, so it may
  // cost what a state root costs, not what the whole state costs).
  virtual Digest128 fold(Digest128 digest) const = 0;
};

}  // namespace orrery::env
