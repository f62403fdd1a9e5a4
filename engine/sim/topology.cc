// boost::none as a constant: the newer form is an object that is made at start, and nothing here
// may have a state outside of objects.
#define BOOST_OPTIONAL_USE_OLD_DEFINITION_OF_NONE

#include "engine/sim/topology.h"

#include <algorithm>
#include <boost/graph/adjacency_list.hpp>
#include <boost/graph/dijkstra_shortest_paths_no_color_map.hpp>
#include <functional>
#include <set>

#include "engine/base/ensure.h"

namespace orrery::sim {
namespace {

constexpr std::int64_t kMaxLatency = 3600 * std::int64_t{1'000'000'000};

using Graph = boost::adjacency_list<boost::vecS, boost::vecS, boost::directedS, boost::no_property,
                                    boost::property<boost::edge_weight_t, std::int64_t>>;

constexpr std::int64_t kUnreached = INT64_MAX;

// By node; kUnreached where there is no path. The form without named parameters: those keep
// objects that can change at namespace scope.
std::vector<std::int64_t> distances_from(const Graph& graph, std::uint32_t node) {
  std::vector<std::int64_t> distances(boost::num_vertices(graph));
  boost::dijkstra_shortest_paths_no_color_map(
      graph, node, boost::dummy_property_map(), distances.data(),
      boost::get(boost::edge_weight, graph), boost::get(boost::vertex_index, graph),
      std::less<std::int64_t>(), boost::closed_plus<std::int64_t>(kUnreached), kUnreached,
      std::int64_t{0}, boost::dijkstra_visitor<>());
  return distances;
}

bool reaches_all(const Graph& graph) {
  const auto distances = distances_from(graph, 0);
  return std::find(distances.begin(), distances.end(), kUnreached) == distances.end();
}

tl::unexpected<Error> wrong(const char* why) { return fail(ErrorCode::kInvalidArgument, why); }

Pairs::value_type ordered(std::uint32_t a, std::uint32_t b) {
  return {std::min(a, b), std::max(a, b)};
}

// One try; empty if it got stuck with stubs that cannot be joined.
Pairs join_stubs(std::uint32_t n, std::uint32_t degree, RandomStream& draws) {
  std::vector<std::uint32_t> stubs;
  for (std::uint32_t node = 0; node < n; ++node) stubs.insert(stubs.end(), degree, node);
  std::set<Pairs::value_type> joined;
  // While a fair part of the pairs of stubs fits, a few draws find one.
  for (std::uint32_t misses = 0; !stubs.empty();) {
    const std::size_t i = draws.below(stubs.size());
    const std::size_t k = draws.below(stubs.size());
    const auto pair = ordered(stubs[i], stubs[k]);
    if (pair.first == pair.second || joined.count(pair) != 0) {
      if (++misses > 100 + 10 * n) return {};
      continue;
    }
    misses = 0;
    joined.insert(pair);
    for (const std::size_t at : {std::max(i, k), std::min(i, k)}) {
      stubs[at] = stubs.back();
      stubs.pop_back();
    }
  }
  return {joined.begin(), joined.end()};
}

}  // namespace

bool is_connected(std::uint32_t n, const Pairs& pairs) {
  Graph graph(n);
  for (const auto& [a, b] : pairs) {
    boost::add_edge(a, b, std::int64_t{1}, graph);
    boost::add_edge(b, a, std::int64_t{1}, graph);
  }
  return n == 0 || reaches_all(graph);
}

Result<Pairs> random_regular(std::uint32_t n, std::uint32_t degree, RandomStream draws) {
  if (degree < 2 || degree >= n) return wrong("a regular graph has a degree from 2 to nodes - 1");
  if (static_cast<std::uint64_t>(n) * degree % 2 != 0) {
    return wrong("degree times nodes must be even");
  }
  for (int i = 0; i < kMaxTries; ++i) {
    Pairs pairs = join_stubs(n, degree, draws);
    if (!pairs.empty() && is_connected(n, pairs)) return pairs;
  }
  return wrong("no connected regular graph was found");
}

Result<Pairs> small_world(std::uint32_t n, std::uint32_t degree, std::uint32_t rewire_ppm,
                          RandomStream draws) {
  if (degree < 2 || degree >= n || degree % 2 != 0) {
    return wrong("a ring has an even degree from 2 to nodes - 1");
  }
  for (int i = 0; i < kMaxTries; ++i) {
    std::set<Pairs::value_type> joined;
    for (std::uint32_t step = 1; step <= degree / 2; ++step) {
      for (std::uint32_t node = 0; node < n; ++node)
        joined.insert(ordered(node, (node + step) % n));
    }
    std::vector<std::uint32_t> degrees(n, degree);
    for (std::uint32_t step = 1; step <= degree / 2; ++step) {
      for (std::uint32_t node = 0; node < n; ++node) {
        if (draws.below(1'000'000) >= rewire_ppm || degrees[node] + 1 >= n) continue;
        std::uint32_t other = node;
        do {
          other = static_cast<std::uint32_t>(draws.below(n));
        } while (other == node || joined.count(ordered(node, other)) != 0);
        const std::uint32_t former = (node + step) % n;
        joined.erase(ordered(node, former));
        joined.insert(ordered(node, other));
        --degrees[former];
        ++degrees[other];
      }
    }
    Pairs pairs(joined.begin(), joined.end());
    if (is_connected(n, pairs)) return pairs;
  }
  return wrong("no connected small world was found");
}

Result<Pairs> scale_free(std::uint32_t n, std::uint32_t attach, RandomStream draws) {
  if (attach < 1 || attach >= n) return wrong("a node is joined to 1 to nodes - 1 others");
  Pairs pairs;
  std::vector<std::uint32_t> ends;  // each node as often as it has links
  const auto join = [&](std::uint32_t a, std::uint32_t b) {
    pairs.push_back(ordered(a, b));
    ends.push_back(a);
    ends.push_back(b);
  };
  for (std::uint32_t a = 0; a <= attach; ++a) {
    for (std::uint32_t b = 0; b < a; ++b) join(a, b);
  }
  for (std::uint32_t node = attach + 1; node < n; ++node) {
    std::set<std::uint32_t> others;
    while (others.size() < attach) others.insert(ends[draws.below(ends.size())]);
    for (const std::uint32_t other : others) join(node, other);
  }
  std::sort(pairs.begin(), pairs.end());
  return pairs;
}

// --- paths --------------------------------------------------------------------------------------

struct Topology::Impl {
  explicit Impl(std::uint32_t nodes) : graph(nodes), distances(nodes) {}
  Graph graph;
  std::vector<std::vector<std::int64_t>> distances;  // by sender, empty until asked for
  std::int64_t least_edge = kMaxLatency;
};

Topology::Topology(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Topology::~Topology() = default;

Duration Topology::least_edge() const { return Duration{impl_->least_edge}; }

std::uint32_t Topology::nodes() const {
  return static_cast<std::uint32_t>(impl_->distances.size());
}

Result<std::unique_ptr<Topology>> Topology::make(std::uint32_t nodes,
                                                 const std::vector<TopologyEdge>& edges) {
  auto impl = std::make_unique<Impl>(nodes);
  for (const TopologyEdge& edge : edges) {
    if (edge.from >= nodes || edge.to >= nodes) return wrong("a link of a node that is not there");
    if (edge.latency.ns < 1 || edge.latency.ns > kMaxLatency) {
      return wrong("a link's latency is from 1 ns to an hour");
    }
    boost::add_edge(edge.from, edge.to, edge.latency.ns, impl->graph);
    impl->least_edge = std::min(impl->least_edge, edge.latency.ns);
  }
  Graph back(nodes);  // who reaches node 0 is reached by it on the turned links
  for (const TopologyEdge& edge : edges) {
    boost::add_edge(edge.to, edge.from, edge.latency.ns, back);
  }
  if (nodes > 0 && (!reaches_all(impl->graph) || !reaches_all(back))) {
    return wrong("a node cannot reach another one");
  }
  return std::unique_ptr<Topology>(new Topology(std::move(impl)));
}

Duration Topology::path(std::uint32_t from, std::uint32_t to) {
  ENSURE(from < nodes() && to < nodes(), "a path of a node that is not there");
  std::vector<std::int64_t>& row = impl_->distances[from];
  if (row.empty()) row = distances_from(impl_->graph, from);
  return Duration{row[to]};
}

}  // namespace orrery::sim
