// What a file says, typed but not yet resolved: selectors are text, groups are not expanded.
// `read` fills these from the tree by the table of fields; `resolve` turns them into a Scenario.
// Default member values are the defaults of the language.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "scenarios/schema/document.h"
#include "scenarios/schema/scenario.h"

namespace orrery::scenario {

// Where a draft came from: for messages of later checks. The tree outlives the drafts.
struct Located {
  const Node* node = nullptr;
  std::string path;
};

struct ModelDraft : ModelSpec, Located {};
struct DeviceDraft : DeviceSpec, Located {};

// A fixed region, or weighted alternatives drawn for each node.
struct RegionDraft {
  std::vector<std::pair<std::string, std::uint64_t>> weights;
};

struct ClockDraft {
  Duration offset{};
  std::int64_t drift_ppb = 0;
};

struct GroupDraft : Located {
  std::string name;
  Role role = Role::kFull;
  std::uint32_t count = 1;
  chain::Amount stake = 0;
  chain::Amount balance = 0;
  std::string device = "cpu";
  RegionDraft region;
  ClockDraft clock;
  std::uint64_t uplink = 0;
  std::string behaviour = "honest";
};

struct BetweenDraft : Located {
  std::string from, to;
  LinkSpec link;
};

struct TopologyDraft : TopologySpec {
  std::string file;
  std::string content;
};

struct NetworkDraft {
  LinkSpec link;
  std::vector<BetweenDraft> between;
  TopologyDraft topology;
};

struct LoadDraft : Located {
  std::string name;
  std::string users;
  std::string kind = "chat";
  std::int64_t mean_interval_ns = 60'000'000'000;
  Time start{};
  Time stop = kNever;
  std::string model;
  DistributionSpec prompt{.a = 24, .min = 1};
  DistributionSpec output{.a = 16, .min = 1};
  std::uint8_t priority = 0;
  chain::Amount amount = chain::kToken;
};

// Resolved as they stand: the keys of FaultSpec that no node list or other key bears on.
struct FaultDraft : Located {
  std::uint8_t action = 0;  // index among the choices of `do`; FaultKind less one
  std::string targets;
  std::vector<std::string> sides;
  std::string from, to;
  Duration restart_after{};
  FaultSpec spec;
};

struct AssertDraft : Located {
  std::string name;
  std::string always, never, eventually, at_end;
  Duration within{};
  std::string after;
};

struct MetricsDraft {
  Duration every = Duration::seconds(10);
};
struct ReportDraft {
  bool html = true;
};
struct DebugDraft {
  std::uint32_t buggify_ppm = 0;
  std::string seeded_bug;
};

struct ScenarioDraft {
  std::uint32_t orrery = 0;
  std::string name;
  std::string about;
  std::uint64_t seed = 1;
  Duration until{};
  chain::ChainParams chain;
  std::vector<ModelDraft> models;
  std::vector<DeviceDraft> devices;
  std::vector<GroupDraft> groups;
  NetworkDraft network;
  std::vector<LoadDraft> load;
  std::vector<FaultDraft> timeline;
  std::vector<AssertDraft> asserts;
  MetricsDraft metrics;
  ReportDraft report;
  LiveSpec live;
  DebugDraft debug;
};

}  // namespace orrery::scenario
