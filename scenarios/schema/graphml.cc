// GraphML through Boost.Graph, alone in its file: the parser's headers are slow to compile.
#include <fmt/format.h>

#include <boost/graph/adjacency_list.hpp>
#include <boost/graph/graphml.hpp>
#include <boost/property_map/dynamic_property_map.hpp>
#include <boost/property_tree/xml_parser.hpp>
#include <sstream>

#include "scenarios/schema/quantity.h"
#include "scenarios/schema/topology_file.h"
#include "scenarios/schema/values.h"

namespace orrery::scenario {
namespace {

struct Vertex {
  std::string name;
};
struct Link {
  std::string latency;
};

// The place of the n-th `<tag`, from 0: the parser of the XML does not keep any.
TopologyProblem at_tag(std::string_view text, std::string_view tag, std::size_t n,
                       std::string message) {
  std::size_t at = 0;
  const std::string open = "<" + std::string(tag);
  for (std::size_t found = 0, from = 0;; from = at + 1) {
    at = text.find(open, from);
    if (at == std::string_view::npos) return {1, 1, std::move(message)};
    const char next = at + open.size() < text.size() ? text[at + open.size()] : ' ';
    if (next != ' ' && next != '>' && next != '/' && next != '\n' && next != '\t') continue;
    if (found++ == n) break;
  }
  const std::string_view before = text.substr(0, at);
  const auto line = static_cast<int>(std::count(before.begin(), before.end(), '\n')) + 1;
  const std::size_t start = before.rfind('\n');
  const std::size_t column = start == std::string_view::npos ? at + 1 : at - start;
  return {line, static_cast<int>(column), std::move(message)};
}

// `Directed` has to be what the file says of its edges.
template <class Directed>
TopologyResult<std::vector<NamedEdge>> parse(std::string_view text) {
  boost::adjacency_list<boost::vecS, boost::vecS, Directed, Vertex, Link> graph;
  constexpr bool kBothWays = std::is_same_v<Directed, boost::undirectedS>;
  boost::dynamic_properties properties(boost::ignore_other_properties);
  properties.property("name", boost::get(&Vertex::name, graph));
  properties.property("latency", boost::get(&Link::latency, graph));
  try {
    std::istringstream in{std::string(text)};
    boost::read_graphml(in, graph, properties);
  } catch (const boost::property_tree::xml_parser_error& error) {
    return tl::unexpected<TopologyProblem>(
        {static_cast<int>(error.line()), 1, "not well-formed XML: " + error.message()});
  } catch (const std::exception& error) {
    return tl::unexpected(at_tag(text, "graphml", 0, fmt::format("not GraphML: {}", error.what())));
  }
  std::vector<NamedEdge> edges;
  for (std::size_t i = 0; i < boost::num_vertices(graph); ++i) {
    if (is_name(graph[i].name)) continue;
    return tl::unexpected(
        at_tag(text, "node", i,
               fmt::format("'{}' is not a node's name: expected data for the key with "
                           "attr.name=\"name\"",
                           graph[i].name)));
  }
  // Out edges of a vertex keep the order of the file, but edges of different vertices do not: the
  // n-th of the file is not known, so the place is that of the sender.
  for (const auto edge : boost::make_iterator_range(boost::edges(graph))) {
    const std::size_t from = boost::source(edge, graph);
    const std::size_t to = boost::target(edge, graph);
    const TopologyProblem place = at_tag(text, "node", from, "");
    const auto latency = parse_quantity(graph[edge].latency, Dimension::kDuration);
    const std::string what =
        fmt::format("the edge from {} to {}", graph[from].name, graph[to].name);
    if (!latency || *latency < 1 || *latency > 3600 * static_cast<i128>(1'000'000'000)) {
      return tl::unexpected<TopologyProblem>(
          {place.line, place.column,
           fmt::format("{} has latency '{}': expected a duration from 1ns to 1h, under the key "
                       "with attr.name=\"latency\"",
                       what, graph[edge].latency)});
    }
    edges.push_back({graph[from].name, graph[to].name,
                     Duration{static_cast<std::int64_t>(*latency)}, kBothWays, place.line,
                     place.column});
  }
  return edges;
}

}  // namespace

TopologyResult<std::vector<NamedEdge>> parse_graphml(std::string_view text) {
  const bool directed = text.find("edgedefault=\"directed\"") != std::string_view::npos;
  return directed ? parse<boost::directedS>(text) : parse<boost::undirectedS>(text);
}

}  // namespace orrery::scenario
