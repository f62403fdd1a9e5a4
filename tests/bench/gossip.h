// Gossip of blocks as a model of the kernel; see workload.h.
#pragma once

#include <algorithm>
#include <cstdint>

#include "engine/base/time.h"
#include "tests/bench/workload.h"

namespace orrery::bench {

struct Gossip {
  using Node = GossipNode;
  using Kind = GossipKind;

  const GossipGraph& graph;

  // A word is the number of the block, the kind, and the receiver's link that it came over.
  static constexpr std::uint32_t make_word(std::int32_t block, Kind kind, std::uint32_t link) {
    return static_cast<std::uint32_t>(block) << 5 | static_cast<std::uint32_t>(kind) << 3 | link;
  }
  static constexpr std::uint32_t kMaxBlocks = 1u << 27;

  template <class Self>
  void on(Self self, std::uint32_t word) const {
    Node& node = self.node();
    const auto block = static_cast<std::int32_t>(word >> 5);
    const auto kind = static_cast<Kind>(word >> 3 & 3);
    const std::uint32_t link = word & 7;
    if (kind == Kind::kFound) {
      node.asked = block;
      take(self, block, GossipGraph::kDegree);
      return;
    }
    ++node.messages;
    if (kind == Kind::kAnnounce) {
      if (node.have >= block || node.asked >= block) return;
      node.asked = block;
      transmit(self, link, Kind::kRequest, block);
    } else if (kind == Kind::kRequest) {
      transmit(self, link, Kind::kBlock, block);
    } else if (node.have < block) {
      node.last_delivery = self.now().ns;
      take(self, block, link);
    }
  }

 private:
  template <class Self>
  void take(Self self, std::int32_t block, std::uint32_t from) const {
    self.node().have = block;
    ++self.node().blocks;
    for (std::uint32_t i = 0; i < GossipGraph::kDegree; ++i) {
      if (i != from) transmit(self, i, Kind::kAnnounce, block);
    }
  }
  template <class Self>
  void transmit(Self self, std::uint32_t i, Kind kind, std::int32_t block) const {
    const GossipGraph::Link& link = graph.link(self.index(), i);
    std::int64_t& free = self.node().uplink_free;
    free = std::max(free, self.now().ns) + gossip_bytes(kind) * kGossipNanosPerByte;
    self.send(link.to, Duration{free - self.now().ns + link.latency},
              make_word(block, kind, link.reverse));
  }
};

}  // namespace orrery::bench
