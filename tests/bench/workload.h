// The two workloads of the engine's benchmarks, as far as we share them with our peers: the same
// draws, delays, graph and states, so that every program handles the same events. C++17, because
// the headers of ns-3 3.37 are not valid C++20.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "engine/base/random.h"

namespace orrery::bench {

// PHOLD (Fujimoto, "Performance of Time Warp under synthetic workloads", 1990): each event of a
// node sends one to a node drawn uniformly, after 0.1 s + Exp(mean 0.9 s). Times in ns.
inline constexpr std::uint64_t kPholdSeed = 1;
inline constexpr std::int64_t kPholdLookahead = 100'000'000;
inline constexpr std::int64_t kPholdMean = 900'000'000;
// Before measuring: a node's first events are then in the past.
inline constexpr std::int64_t kPholdWarmUp = 1'000'000'000;

// Time in which `events` happen when `pending` are pending: the mean delay is 1 s.
std::int64_t phold_span(std::uint64_t events, std::uint64_t pending);

// Exp(kPholdMean) as a function of a uniform draw.
class PholdDelays {
 public:
  PholdDelays();
  ~PholdDelays();
  std::int64_t at(std::uint64_t draw) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// What runs agree in if they handled the same events: `handled(i)` by node.
template <class Handled>
std::uint64_t phold_check(std::uint32_t nodes, Handled handled) {
  std::uint64_t sum = 0;
  for (std::uint32_t i = 0; i < nodes; ++i) sum = mix64(sum, handled(i));
  return sum;
}

// Gossip of blocks: announcement, request, block, over a random graph; each node's messages queue
// for its uplink. A block is found every 10 s at a node that follows from its number.
enum class GossipKind : std::uint32_t { kAnnounce, kRequest, kBlock, kFound };

struct GossipNode {
  std::int32_t have = -1;  // the last block it has, and has asked for
  std::int32_t asked = -1;
  std::int64_t uplink_free = 0;
  std::int64_t last_delivery = 0;
  std::uint32_t messages = 0;  // received
  std::uint32_t blocks = 0;
};

inline constexpr std::int64_t kGossipInterval = 10'000'000'000;
inline constexpr std::int64_t gossip_bytes(GossipKind kind) {
  return kind == GossipKind::kBlock ? 1'000'000 : 61;
}
inline constexpr std::int64_t kGossipNanosPerByte = 80;  // 100 Mbit/s
inline constexpr std::uint32_t gossip_finder(std::uint32_t block, std::uint32_t nodes) {
  return (17u * 2654435761u + block * 40503u) % nodes;
}

// A random graph in which each node has 8 links: the union of four random rings. Latencies are
// lognormal with median 86.6 ms and sigma 0.33: nine of ten take 50 to 150 ms.
class GossipGraph {
 public:
  static constexpr std::uint32_t kDegree = 8;
  struct Link {
    std::uint32_t to;
    std::uint32_t reverse;  // the same link, counted at `to`
    std::int64_t latency;   // one way, the same both ways
  };

  explicit GossipGraph(std::uint32_t nodes);  // 3 or more
  std::uint32_t nodes() const { return static_cast<std::uint32_t>(links_.size() / kDegree); }
  const Link& link(std::uint32_t node, std::uint32_t i) const {
    return links_[std::size_t{node} * kDegree + i];
  }
  std::int64_t least_latency() const { return least_latency_; }

 private:
  std::vector<Link> links_;
  std::int64_t least_latency_ = INT64_MAX;
};

// What a run of the gossip ends in.
struct GossipResult {
  std::uint64_t messages = 0;
  std::uint64_t blocks = 0;  // of all nodes
  std::int64_t last_delivery = 0;
  std::uint64_t check() const { return mix64(blocks, static_cast<std::uint64_t>(last_delivery)); }
};
template <class NodeOf>
GossipResult gossip_result(std::uint32_t nodes, NodeOf node_of) {
  GossipResult r;
  for (std::uint32_t i = 0; i < nodes; ++i) {
    const GossipNode& node = node_of(i);
    r.messages += node.messages;
    r.blocks += node.blocks;
    if (node.last_delivery > r.last_delivery) r.last_delivery = node.last_delivery;
  }
  return r;
}

}  // namespace orrery::bench
