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
};

struct ModelSpec {  // a model artefact made by the seeded generator (or, later, a file)
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
  bool operator==(const LinkSpec&) const = default;
};

struct NetworkSpec {
  LinkSpec link;  // default of every directed pair
  struct Override {
    std::string from_region, to_region;  // both directions unless listed twice
    LinkSpec link;
  };
  std::vector<Override> overrides;
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
  kClockOffset,    // targets' wall clocks move by `offset`
  kLink,           // links between `targets` and everyone take `link` for `duration`
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
  bool wipe_disk = false;  // kCrash: lose everything, not only unsynced writes
  std::string behaviour;   // kBehave
  Duration offset{};       // kClockOffset
  LinkSpec link;           // kLink
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

struct LiveSpec {  // what only a live network heeds
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
  std::string seeded_bug;  // only accepted by builds with ORRERY_SEEDED_BUGS

  std::string source_path;     // as given on the command line
  std::string canonical_json;  // resolved scenario, sorted keys, normalised units; seed included
  Hash256 hash;                // SHA-256 of canonical_json
};

}  // namespace orrery::scenario
