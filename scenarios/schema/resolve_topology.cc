#include "scenarios/schema/resolve_topology.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/graph/adjacency_list.hpp>
#include <boost/graph/strong_components.hpp>
#include <map>
#include <set>

#include "scenarios/schema/checks.h"
#include "scenarios/schema/topology_file.h"

namespace orrery::scenario {
namespace {

constexpr const char* kPath = "network.topology";

class TopologyResolver {
 public:
  TopologyResolver(const ScenarioDraft& draft, const Node& root, Diagnostics& diagnostics,
                   Scenario& out)
      : topology_(draft.network.topology), root_(root), diagnostics_(diagnostics), out_(out) {}

  void run() {
    out_.network.topology = topology_;
    const bool graph =
        topology_.kind != TopologyKind::kComplete && topology_.kind != TopologyKind::kGeographic;
    if (graph && out_.nodes.size() > kMaxTopologyNodes) {
      return report("kind", fmt::format("{} nodes; graphs are for up to {}", out_.nodes.size(),
                                        kMaxTopologyNodes));
    }
    if (graph && !out_.network.overrides.empty()) {
      return report("kind", "network.between goes with complete and geographic only");
    }
    switch (topology_.kind) {
      case TopologyKind::kComplete: return;
      case TopologyKind::kRandomRegular: return random_regular();
      case TopologyKind::kSmallWorld: return small_world();
      case TopologyKind::kScaleFree:
        if (topology_.attach >= out_.nodes.size()) {
          report("attach", fmt::format("{} links a node need more than {} nodes", topology_.attach,
                                       out_.nodes.size()));
        }
        return;
      case TopologyKind::kGeographic: return geographic();
      case TopologyKind::kFile: return file();
    }
  }

 private:
  void report(std::string_view key, std::string message, std::string hint = {}) {
    report_at(diagnostics_, root_, fmt::format("{}.{}", kPath, key), std::move(message),
              std::move(hint));
  }

  bool degree_below_nodes() {
    if (topology_.degree < out_.nodes.size()) return true;
    report("degree", fmt::format("{} neighbours need more than {} nodes", topology_.degree,
                                 out_.nodes.size()));
    return false;
  }

  void random_regular() {
    if (!degree_below_nodes()) return;
    if (topology_.degree * out_.nodes.size() % 2 != 0) {
      report("degree", fmt::format("{} neighbours of {} nodes make an odd number of ends of links",
                                   topology_.degree, out_.nodes.size()));
    }
  }

  void small_world() {
    if (!degree_below_nodes()) return;
    if (topology_.degree % 2 != 0) {
      report("degree", fmt::format("{} is odd: half of a ring's neighbours are on each side",
                                   topology_.degree));
    }
  }

  // At a place of the table, or of `content` when a replay carries it.
  void report_in_file(const TopologyProblem& problem) {
    const Node* content = root_.find("network")->find("topology")->find("content");
    diagnostics_.add({content->mark.file, problem.line, problem.column},
                     std::string(kPath) + ".file", problem.message);
  }

  bool has_content() {
    if (!topology_.content.empty()) return true;
    report("file", "only a scenario file can name it: it is looked for beside that file",
           "write it into the file instead of --set");
    return false;
  }

  void geographic() {
    if (!has_content()) return;
    const auto table = parse_region_table(topology_.content);
    if (!table) return report_in_file(table.error());
    std::set<std::string> known, used;
    for (const RegionLatency& entry : *table) known.insert(entry.from);
    for (const NodeSpec& node : out_.nodes) {
      used.insert(node.region);
      if (known.count(node.region) != 0) continue;
      return report("file",
                    node.region.empty() ? fmt::format("{} has no region", node.name)
                                        : fmt::format("the table has no region '{}', where {} is",
                                                      node.region, node.name),
                    suggest(node.region, {known.begin(), known.end()}));
    }
    std::set<std::pair<std::string, std::string>> given;
    for (const auto& o : out_.network.overrides) {
      given.insert({o.from_region, o.to_region});
      given.insert({o.to_region, o.from_region});
    }
    for (const RegionLatency& entry : *table) {
      if (used.count(entry.from) == 0 || used.count(entry.to) == 0) continue;
      if (given.count({entry.from, entry.to}) != 0) continue;  // `between` has the last word
      LinkSpec link = out_.network.link;
      link.latency = {.kind = DistributionKind::kConst, .a = entry.latency.ns};
      out_.network.overrides.push_back({entry.from, entry.to, link});
    }
  }

  void file() {
    if (!has_content()) return;
    const bool graphml = topology_.file.ends_with(".graphml");
    const auto edges =
        graphml ? parse_graphml(topology_.content) : parse_edge_list(topology_.content);
    if (!edges) return report_in_file(edges.error());
    std::map<std::string, std::uint32_t> index;
    for (std::uint32_t i = 0; i < out_.nodes.size(); ++i) index[out_.nodes[i].name] = i;
    std::set<std::pair<std::uint32_t, std::uint32_t>> seen;
    for (const NamedEdge& edge : *edges) {
      const auto complain = [&](std::string message) {
        report_in_file({edge.line, edge.column, std::move(message)});
      };
      for (const std::string& name : {edge.from, edge.to}) {
        if (index.count(name) == 0) return complain(fmt::format("no node is named '{}'", name));
      }
      const std::uint32_t from = index[edge.from], to = index[edge.to];
      if (from == to) return complain(fmt::format("{} has a link to itself", edge.from));
      const bool fresh = seen.insert({from, to}).second;
      const bool fresh_back = !edge.both_ways || seen.insert({to, from}).second;
      if (!fresh || !fresh_back) {
        return complain(fmt::format("{} and {} are linked twice", edge.from, edge.to));
      }
      out_.network.topology.edges.push_back({from, to, edge.latency});
      if (edge.both_ways) out_.network.topology.edges.push_back({to, from, edge.latency});
    }
    check_connected();
  }

  void check_connected() {
    boost::adjacency_list<boost::vecS, boost::vecS, boost::directedS> graph(out_.nodes.size());
    for (const TopologySpec::Edge& edge : out_.network.topology.edges) {
      boost::add_edge(edge.from, edge.to, graph);
    }
    std::vector<int> part(out_.nodes.size());
    boost::strong_components(graph, part.data());
    const auto other = std::find_if(part.begin(), part.end(), [&](int p) { return p != part[0]; });
    if (other == part.end()) return;
    report("file", fmt::format("{} and {} cannot both reach each other", out_.nodes[0].name,
                               out_.nodes[static_cast<std::size_t>(other - part.begin())].name));
  }

  const TopologyDraft& topology_;
  const Node& root_;
  Diagnostics& diagnostics_;
  Scenario& out_;
};

}  // namespace

void resolve_topology(const ScenarioDraft& draft, const Node& root, Diagnostics& diagnostics,
                      Scenario& out) {
  TopologyResolver(draft, root, diagnostics, out).run();
}

}  // namespace orrery::scenario
