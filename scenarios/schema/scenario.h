// A scenario as a plain value: what a file says after parsing, units, defaults, includes and
// selectors. harness/run builds a World from it and nothing else.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/distribution.h"
#include "engine/base/hash.h"
#include "engine/base/time.h"
#include "protocol/types/params.h"

namespace orrery::scenario {

enum class Role : std::uint8_t {
  kBootstrap,
  kValidator,
  kMiner,
  kUser,
  kFull
};  // a miner is also a worker

// `groups:` entry, expanded: one NodeSpec a node, in file order; names are <group>-<index>, and the
// index within the world is the position in Scenario::nodes.
struct NodeSpec {
  std::string name;
  std::string group;
  Role role = Role::kFull;
  chain::Amount stake = 0;     // bonded at genesis
  chain::Amount balance = 0;   // liquid at genesis
  std::string device = "cpu";  // name in Scenario::devices
  std::string region;          // free text, shown on the map
  Duration clock_offset{};     // error of wall time at start
  std::int64_t clock_drift_ppb = 0;
  std::uint64_t uplink_bytes_per_second = 0;  // 0: unlimited
  std::string behaviour = "honest";           // name of an adversary from the start
};

struct DeviceSpec {  // virtual time of compute jobs
  std::string name;
  Duration job_overhead = Duration::millis(50);
  std::uint64_t work_units_per_second = 2'000'000'000;
  // What the processor takes to handle an event; while it is busy, others wait. 0: no time.
  Duration cpu_message{};  // of each
  Duration cpu_byte{};     // and of each of its bytes
  Duration cpu_timer{};
  Duration cpu_request{};
  Duration cpu_completion{};  // of a sync or a job
  Duration cpu_session{};     // that comes up or goes down
};

struct ModelSpec {  // an artefact made from a seed, or a trained one (trained_models.h)
  std::string name;
  std::string generator = "seeded";
  std::uint64_t weights_seed = 1;
  std::uint32_t dim = 64;
  std::uint32_t hidden = 192;
  std::uint32_t layers = 2;
  std::uint32_t heads = 4;
  std::uint32_t context = 256;
  std::string owner = "model-owner";  // account that earns the model share
};

struct LinkSpec {
  DistributionSpec latency{.kind = DistributionKind::kConst, .a = 50'000'000};
  std::uint32_t loss_ppm = 0;       // datagrams lost; on reliable channels a retransmission delay
  std::uint32_t duplicate_ppm = 0;  // datagrams only
  std::uint64_t bytes_per_second = 0;  // 0: unlimited
  Duration jitter{};                   // uniform, added to the latency of each message
  std::uint32_t reorder_ppm = 0;       // datagrams held back by up to reorder_window
  Duration reorder_window{};
  std::uint32_t corrupt_ppm = 0;  // datagrams get a wrong bit; sessions break
  std::uint64_t queue_bytes = 0;  // 0: unlimited
  bool operator==(const LinkSpec&) const = default;
};

enum class TopologyKind : std::uint8_t {
  kComplete,       // every pair has a link of its own
  kRandomRegular,  // each node has `degree` neighbours, drawn
  kSmallWorld,     // Watts and Strogatz: a ring of `degree`, of which `rewire` goes elsewhere
  kScaleFree,      // Barabasi and Albert: each node joins `attach` others, popular ones first
  kGeographic,     // latencies between regions, from a table
  kFile,           // links from a file
};

// Who has a link to whom. Where there is none, messages take the shortest path.
struct TopologySpec {
  TopologyKind kind = TopologyKind::kComplete;
  std::uint32_t degree = 0;
  std::uint32_t rewire_ppm = 0;
  std::uint32_t attach = 0;
  struct Edge {  // directed
    std::uint32_t from = 0, to = 0;
    Duration latency{};
    bool operator==(const Edge&) const = default;
  };
  std::vector<Edge> edges;  // kFile
};

struct NetworkSpec {
  LinkSpec link;  // default of every directed pair
  struct Override {
    std::string from_region, to_region;  // both directions unless listed twice
    LinkSpec link;
  };
  std::vector<Override> overrides;
  TopologySpec topology;
};

struct LoadSpec {  // Poisson stream of requests from each of the users
  std::string name;
  std::vector<std::uint32_t> users;                // node indices
  std::string kind = "chat";                       // chat | transfer
  std::int64_t mean_interval_ns = 60'000'000'000;  // per user
  Time start{};
  Time stop = kNever;
  std::string model;  // chat
  DistributionSpec prompt_bytes{.a = 24};
  DistributionSpec output_tokens{.a = 16};
  std::uint8_t priority = 0;             // 0 high .. 3 background
  chain::Amount amount = chain::kToken;  // transfer
};

enum class FaultKind : std::uint8_t {
  kPartition = 1,  // sides cannot reach each other
  kCrash,          // targets stop, lose unsynced writes (or all), restart after `duration`
  kBehave,         // targets switch to `behaviour`
  kClock,          // targets' clocks go wrong as `clock` says
  kLink,           // links between `targets` and everyone take `link` for `duration`
  kDisk,           // targets' disks go wrong as `disk` says
  kClog,           // nothing moves between `targets` and everyone, and nothing is lost
  kReset,          // all sessions of targets are reset, at once
  kHalfOpen,       // targets forget their sessions while their peers believe in them, at once
  kChurn,          // targets leave and come back, again and again
};

// What a crash does to writes that no sync has confirmed (all but kWipe leave the others alone).
enum class CrashDisk : std::uint8_t { kLoseUnsynced, kWipe, kKeepPrefix, kKeepSubset, kTorn };

enum class ClockMode : std::uint8_t {
  kOffset,   // off by `offset` while it lasts
  kStep,     // jumps by `offset` and stays there
  kSlew,     // jumps by `offset` and is brought back evenly over `duration`
  kDrift,    // runs fast by `drift_ppb`
  kNtpLoss,  // the same, and the claimed error grows with it
  kClaim,    // the claimed error is `error`, whatever the truth
};

enum class DiskMode : std::uint8_t {
  kRot,          // a share of the sectors written so far goes bad; writing heals
  kBadSectors,   // a share of all sectors, whatever is written
  kLostWrites,   // a share of the writes is lost although syncs succeed
  kMisdirected,  // a share of the writes lands on another record
  kStall,        // syncs take `delay` longer
  kFull,         // no space left
  kSyncFails,    // syncs fail and forget
};

// One item of `timeline:`, with an id; each fault shows in the trace as begin and end.
struct FaultSpec {
  std::uint32_t id = 0;  // position in the file, from 1
  std::string name;      // given or "<do>-<id>"
  FaultKind kind = FaultKind::kPartition;
  Time at{};
  Duration duration{};                            // 0: until the end
  std::vector<std::uint32_t> targets;             // node indices
  std::vector<std::vector<std::uint32_t>> sides;  // kPartition
  // kPartition, in place of sides: what `from` sends does not reach `to`.
  std::vector<std::uint32_t> from, to;
  CrashDisk disk_loss = CrashDisk::kLoseUnsynced;  // kCrash
  std::string behaviour;                           // kBehave
  ClockMode clock = ClockMode::kOffset;            // kClock, with the three below
  Duration offset{};
  std::int64_t drift_ppb = 0;
  Duration error{};
  LinkSpec link;                        // kLink
  DiskMode disk = DiskMode::kRot;       // kDisk, with the three below
  std::uint32_t share_ppm = 1'000'000;  // of sectors or writes
  Duration delay{};
  bool unnoticed = false;   // kDisk, kCrash: checksums and syncs do not tell
  bool swizzle = false;     // kClog: one node after the other, in an order drawn, and free again
  Duration every{};         // kChurn: mean time up
  DistributionSpec away{};  // kChurn: time down, in ns
};

enum class AssertKind : std::uint8_t { kAlways, kNever, kEventually, kAtEnd };

// `asserts:` entry. The expression compares a metric with a number: see harness/run/asserts.
struct AssertSpec {
  std::string name;
  AssertKind kind = AssertKind::kAtEnd;
  std::string metric;  // name in the metric registry (reports/record/metrics.h)
  std::string op;      // < <= > >= == != increases
  std::string value;   // decimal, already in the metric's unit; empty for increases
  std::string text;    // as written
  Duration within{};   // kEventually; until the end of the run if the file gives none
  std::string after;  // kEventually: "", "<fault name>.begin", "<fault name>.end" or "t+<duration>"
  Time after_time{};  // kEventually: resolved instant of `after`
};

enum class LiveProvider : std::uint8_t { kProcess, kNetns };

struct LiveSpec {       // what only a live network heeds
  bool restart = true;  // nodes that end unasked
  LiveProvider provider = LiveProvider::kProcess;
  bool flight_log = true;
};

struct Scenario {
  std::string name;
  std::string about;
  std::uint64_t seed = 1;
  Time until{};
  chain::ChainParams chain;
  std::vector<ModelSpec> models;
  std::vector<DeviceSpec> devices;
  std::vector<NodeSpec> nodes;
  NetworkSpec network;
  std::vector<LoadSpec> load;
  std::vector<FaultSpec> timeline;
  std::vector<AssertSpec> asserts;
  Duration metrics_every = Duration::seconds(10);
  bool report_html = true;
  LiveSpec live;
  // How often nodes do what is rare but legal, at the points that the seed has chosen.
  std::uint32_t buggify_ppm = 0;
  std::string seeded_bug;  // only accepted by builds with ORRERY_SEEDED_BUGS

  std::string source_path;     // as given on the command line
  std::string canonical_json;  // resolved scenario, sorted keys, normalised units; seed included
  Hash256 hash;                // SHA-256 of canonical_json
};

}  // namespace orrery::scenario
