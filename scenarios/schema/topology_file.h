// Files that `network.topology.file` names: tables of latencies between regions, and lists of
// links. Only the text is looked at; which regions and nodes there are is resolve's matter.
#pragma once

#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "engine/base/time.h"

namespace orrery::scenario {

// Largest accepted file: a replay carries it in a document of kMaxFileBytes.
inline constexpr std::size_t kMaxTopologyBytes = 512 << 10;

// What is wrong and where; lines and columns count from 1.
struct TopologyProblem {
  int line = 1;
  int column = 1;
  std::string message;
};
template <class T>
using TopologyResult = tl::expected<T, TopologyProblem>;

struct RegionLatency {
  std::string from, to;
  Duration latency{};
};
struct NamedEdge {
  std::string from, to;
  Duration latency{};
  bool both_ways = true;
  int line = 1;
  int column = 1;
};

// CSV: the first line is `region,<name>,<name>...`, then a line for each of them, in any order:
// its name and the latency to each. All values are durations with units, at least 1 ns.
TopologyResult<std::vector<RegionLatency>> parse_region_table(std::string_view text);

// CSV: the first line is `from,to,latency`, then a line for each link, which goes both ways.
TopologyResult<std::vector<NamedEdge>> parse_edge_list(std::string_view text);

// GraphML, read by Boost.Graph: nodes have the string attribute `name`, edges the string attribute
// `latency`. Edges go both ways unless the graph's edgedefault is "directed".
TopologyResult<std::vector<NamedEdge>> parse_graphml(std::string_view text);

}  // namespace orrery::scenario
