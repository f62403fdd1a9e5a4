// Gossip of blocks on the events of ns-3.   gossip_ns3 --nodes=N --blocks=B --scheduler=0..2
// Schedulers: 0 PriorityQueue, 1 Heap, 2 Map (ns-3's default).
#include <ns3/core-module.h>

#include <vector>

#include "tests/bench/measure.h"
#include "tests/bench/workload.h"

namespace orrery::bench {
namespace {

class World {
 public:
  explicit World(std::uint32_t nodes) : graph_(nodes), nodes_(nodes) {}

  void find(std::uint32_t index, std::int32_t block) {
    take(index, block, GossipGraph::kDegree);
    nodes_[index].asked = block;
  }

  GossipResult result() const {
    return gossip_result(graph_.nodes(),
                         [&](std::uint32_t i) -> const GossipNode& { return nodes_[i]; });
  }

 private:
  static std::int64_t now() { return ns3::Simulator::Now().GetNanoSeconds(); }

  void on(std::uint32_t index, GossipKind kind, std::int32_t block, std::uint32_t link) {
    GossipNode& node = nodes_[index];
    ++node.messages;
    if (kind == GossipKind::kAnnounce) {
      if (node.have >= block || node.asked >= block) return;
      node.asked = block;
      send(index, link, GossipKind::kRequest, block);
    } else if (kind == GossipKind::kRequest) {
      send(index, link, GossipKind::kBlock, block);
    } else if (node.have < block) {
      node.last_delivery = now();
      take(index, block, link);
    }
  }
  void take(std::uint32_t index, std::int32_t block, std::uint32_t from) {
    nodes_[index].have = block;
    ++nodes_[index].blocks;
    for (std::uint32_t i = 0; i < GossipGraph::kDegree; ++i) {
      if (i != from) send(index, i, GossipKind::kAnnounce, block);
    }
  }
  void send(std::uint32_t from, std::uint32_t i, GossipKind kind, std::int32_t block) {
    const GossipGraph::Link& link = graph_.link(from, i);
    std::int64_t& free = nodes_[from].uplink_free;
    free = std::max(free, now()) + gossip_bytes(kind) * kGossipNanosPerByte;
    ns3::Simulator::Schedule(ns3::NanoSeconds(free - now() + link.latency), &World::on, this,
                             link.to, kind, block, link.reverse);
  }

  GossipGraph graph_;
  std::vector<GossipNode> nodes_;
};

void run(int argc, char** argv) {
  const auto nodes = static_cast<std::uint32_t>(number_of(argc, argv, "nodes", 1000));
  const auto blocks = static_cast<std::uint32_t>(number_of(argc, argv, "blocks", 100));
  const char* const kSchedulers[] = {"PriorityQueue", "Heap", "Map"};
  ns3::ObjectFactory scheduler;
  scheduler.SetTypeId(std::string("ns3::") + kSchedulers[number_of(argc, argv, "scheduler", 0)] +
                      "Scheduler");
  ns3::Simulator::SetScheduler(scheduler);
  World world(nodes);
  for (std::uint32_t b = 0; b < blocks; ++b) {
    ns3::Simulator::Schedule(ns3::NanoSeconds(kGossipInterval * b), &World::find, &world,
                             gossip_finder(b, nodes), static_cast<std::int32_t>(b));
  }
  Measured m = timed([&] { ns3::Simulator::Run(); });
  const GossipResult result = world.result();
  m.events = result.messages;
  m.check = result.check();
  m.print();
}

}  // namespace
}  // namespace orrery::bench

int main(int argc, char** argv) {
  orrery::bench::run(argc, argv);
  std::fflush(stdout);
  std::_Exit(0);  // see phold_ns3.cc
}
