// PHOLD on the events of ns-3.   phold_ns3 --nodes=N --each=E --events=M --scheduler=0..2
// Schedulers: 0 PriorityQueue, 1 Heap, 2 Map (ns-3's default).
#include <ns3/core-module.h>

#include <vector>

#include "tests/bench/measure.h"
#include "tests/bench/workload.h"

namespace orrery::bench {
namespace {

// As large as ours: one cache line.
struct alignas(64) Node {
  std::uint64_t draws;
  std::uint64_t handled;
};

struct World {
  explicit World(std::uint32_t n) : size(n) {}

  std::uint32_t size;
  PholdDelays delays;
  std::vector<Node> nodes;
  std::uint64_t events = 0;

  std::uint64_t draw(Node& node) { return mix64(kPholdSeed, node.draws++); }
  void send(Node& from, std::uint32_t to) {
    const std::int64_t delay = kPholdLookahead + delays.at(draw(from));
    ns3::Simulator::Schedule(ns3::NanoSeconds(delay), &World::on, this, to);
  }
  void on(std::uint32_t index) {
    Node& node = nodes[index];
    ++node.handled;
    ++events;
    const auto to = static_cast<std::uint32_t>((draw(node) >> 32) * size >> 32);
    send(node, to);
  }
  void run(std::int64_t span) {
    ns3::Simulator::Stop(ns3::NanoSeconds(span));
    ns3::Simulator::Run();
  }
};

void run(int argc, char** argv) {
  const auto nodes = static_cast<std::uint32_t>(number_of(argc, argv, "nodes", 1000));
  const std::uint64_t each = number_of(argc, argv, "each", 1);
  const std::uint64_t pending = nodes * each;
  const char* const kSchedulers[] = {"PriorityQueue", "Heap", "Map"};
  ns3::ObjectFactory scheduler;
  scheduler.SetTypeId(std::string("ns3::") + kSchedulers[number_of(argc, argv, "scheduler", 0)] +
                      "Scheduler");
  ns3::Simulator::SetScheduler(scheduler);

  World world(nodes);
  world.nodes.reserve(nodes);
  for (std::uint64_t i = 0; i < nodes; ++i) world.nodes.push_back({i << 32, 0});
  const std::uint64_t before = memory_bytes("VmRSS:");
  for (std::uint32_t i = 0; i < nodes; ++i) {
    for (std::uint64_t n = 0; n < each; ++n) world.send(world.nodes[i], i);
  }
  world.run(kPholdWarmUp);
  const std::uint64_t warm = world.events;
  Measured m =
      timed([&] { world.run(phold_span(number_of(argc, argv, "events", 2'000'000), pending)); });
  m.events = world.events - warm;
  m.pending_bytes = (memory_bytes("VmRSS:") - before) / pending;
  m.check = phold_check(nodes, [&](std::uint32_t i) { return world.nodes[i].handled; });
  m.print();
}

}  // namespace
}  // namespace orrery::bench

int main(int argc, char** argv) {
  orrery::bench::run(argc, argv);
  std::fflush(stdout);
  std::_Exit(0);  // pending events are not worth the time that freeing them takes
}
