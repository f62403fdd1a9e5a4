// Graphs of links: generators of the usual families, and the shortest paths over them. Where two
// nodes have no link, what they send each other takes the path whose latencies add up to least.
#pragma once

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "engine/base/random.h"
#include "engine/base/result.h"
#include "engine/base/time.h"

namespace orrery::sim {

// Undirected, each pair once.
using Pairs = std::vector<std::pair<std::uint32_t, std::uint32_t>>;

// Simple connected graphs over nodes 0 .. n-1; functions of the stream alone. kInvalidArgument if
// no such graph exists, or none was found in kMaxTries.
inline constexpr int kMaxTries = 100;

// Every node has `degree` neighbours: stubs are joined at random, again from the start when stuck
// (Steger and Wormald, "Generating random regular graphs quickly", 1999). degree * n is even.
Result<Pairs> random_regular(std::uint32_t n, std::uint32_t degree, RandomStream draws);

// A ring on which each node is joined to the `degree` nearest ones (even); of each of these links,
// one end goes to a random other node with chance `rewire_ppm` (Watts and Strogatz, "Collective
// dynamics of small-world networks", 1998).
Result<Pairs> small_world(std::uint32_t n, std::uint32_t degree, std::uint32_t rewire_ppm,
                          RandomStream draws);

// Node after node is joined to `attach` others, each with a chance proportional to its degree; the
// first attach + 1 all to each other (Barabasi and Albert, "Emergence of scaling in random
// networks", 1999).
Result<Pairs> scale_free(std::uint32_t n, std::uint32_t attach, RandomStream draws);

bool is_connected(std::uint32_t n, const Pairs& pairs);

struct TopologyEdge {  // directed
  std::uint32_t from = 0, to = 0;
  Duration latency{};
};

class Topology {
 public:
  // kInvalidArgument if a latency is below 1 ns or above an hour, an end does not exist, or a node
  // cannot reach another one.
  static Result<std::unique_ptr<Topology>> make(std::uint32_t nodes,
                                                const std::vector<TopologyEdge>& edges);
  ~Topology();

  // Sum of the latencies of the shortest path; 0 to oneself. The distances from a node are found
  // when they are first asked for (Dijkstra) and kept.
  Duration path(std::uint32_t from, std::uint32_t to);
  // The least latency of any edge; an hour if there is none.
  Duration least_edge() const;
  std::uint32_t nodes() const;

 private:
  struct Impl;
  explicit Topology(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace orrery::sim
