#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "scenarios/schema/schema.h"
#include "scenarios/schema/topology_file.h"
#include "tests/unit/scenarios/schema/support.h"

namespace orrery::scenario {
namespace {

using testing::HasSubstr;

TEST(RegionTable, IsReadWithBlanksAndComments) {
  const auto table =
      parse_region_table("# a comment\n\nregion, eu , us\nus, 5ms,1ms\r\neu,2ms,  4ms");
  ASSERT_TRUE(table) << table.error().message;
  ASSERT_EQ(table->size(), 4u);
  EXPECT_EQ((*table)[0].from, "us");
  EXPECT_EQ((*table)[0].to, "eu");
  EXPECT_EQ((*table)[0].latency, Duration::millis(5));
  EXPECT_EQ((*table)[3].latency, Duration::millis(4));
}

TEST(RegionTable, ProblemsHaveTheirPlace) {
  const std::pair<const char*, std::pair<int, int>> bad[] = {
      {"", {1, 1}},
      {"region\n", {1, 1}},
      {"region,eu,Us\n", {1, 11}},
      {"region,eu,eu\neu,1ms,1ms\n", {1, 11}},
      {"region,eu,us\nasia,1ms,1ms\n", {2, 1}},
      {"region,eu,us\neu,1ms,1ms\neu,1ms,1ms\n", {3, 1}},
      {"region,eu,us\neu,1ms, 0ns\n", {2, 9}},
      {"region,eu,us\n\neu,1ms,2h\n", {3, 8}},
  };
  for (const auto& [text, place] : bad) {
    const auto table = parse_region_table(text);
    ASSERT_FALSE(table) << text;
    EXPECT_EQ(std::pair(table.error().line, table.error().column), place) << text;
  }
}

TEST(EdgeList, GoesBothWays) {
  const auto edges = parse_edge_list("from,to,latency\na,b,5ms\nb, c,1s\n");
  ASSERT_TRUE(edges) << edges.error().message;
  ASSERT_EQ(edges->size(), 2u);
  EXPECT_EQ((*edges)[1].to, "c");
  EXPECT_EQ((*edges)[1].latency, Duration::seconds(1));
  EXPECT_TRUE((*edges)[1].both_ways);
  EXPECT_EQ((*edges)[1].line, 3);
}

std::string graphml(const std::string& direction, const std::string& latency) {
  return "<?xml version=\"1.0\"?>\n<graphml xmlns=\"http://graphml.graphdrawing.org/xmlns\">\n"
         "<key id=\"n\" for=\"node\" attr.name=\"name\" attr.type=\"string\"/>\n"
         "<key id=\"x\" for=\"node\" attr.name=\"colour\" attr.type=\"string\"/>\n"
         "<key id=\"l\" for=\"edge\" attr.name=\"latency\" attr.type=\"string\"/>\n"
         "<graph edgedefault=\"" +
         direction +
         "\">\n"
         "<node id=\"0\"><data key=\"n\">a</data><data key=\"x\">red</data></node>\n"
         "<node id=\"1\"><data key=\"n\">b</data></node>\n"
         "<edge source=\"1\" target=\"0\"><data key=\"l\">" +
         latency +
         "</data></edge>\n"
         "</graph></graphml>\n";
}

TEST(GraphMl, IsReadWithItsDirection) {
  for (const bool directed : {false, true}) {
    const auto edges = parse_graphml(graphml(directed ? "directed" : "undirected", "12ms"));
    ASSERT_TRUE(edges) << edges.error().message;
    ASSERT_EQ(edges->size(), 1u);
    EXPECT_EQ((*edges)[0].from, "b");
    EXPECT_EQ((*edges)[0].to, "a");
    EXPECT_EQ((*edges)[0].latency, Duration::millis(12));
    EXPECT_EQ((*edges)[0].both_ways, !directed);
  }
}

TEST(GraphMl, ProblemsHaveTheirPlace) {
  const auto bad = parse_graphml(graphml("directed", "-1ms"));
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().line, 8);  // the sender's line
  EXPECT_THAT(bad.error().message, HasSubstr("the edge from b to a has latency '-1ms'"));
  const auto torn = parse_graphml("<graphml>\n<graph edgedefault=\"directed\">\n");
  ASSERT_FALSE(torn);
  EXPECT_THAT(torn.error().message, HasSubstr("not well-formed XML"));
  EXPECT_FALSE(parse_graphml("<html/>"));
  EXPECT_FALSE(parse_graphml(""));
}

TEST(Topology, ATableBecomesLatenciesBetweenTheRegionsInUse) {
  const LoadOutcome s = load_file(root() + "/scenarios/library/faults/six-regions.yaml", options());
  ASSERT_TRUE(s) << all_messages(s);
  std::set<std::string> used;
  for (const NodeSpec& node : s->nodes) used.insert(node.region);
  EXPECT_EQ(s->network.overrides.size(), used.size() * used.size());
  for (const auto& o : s->network.overrides) {
    if (o.from_region != "europe" || o.to_region != "north-america") continue;
    EXPECT_EQ(o.link.latency.a, Duration::millis(124).ns);
    EXPECT_EQ(o.link.jitter, Duration::millis(10));
  }
}

TEST(Topology, WhatBetweenSaysHasTheLastWord) {
  const std::string text =
      "include: ../parts/small.yaml\ngroups:\n  - {name: boot, region: eu}\n"
      "  - {name: users, region: eu}\n"
      "network: {between: [{from: eu, to: us, latency: 77ms}], topology: "
      "{kind: geographic, file: ../negative/data/eu-us.csv}}\n";
  const LoadOutcome s = load_text(text, root() + "/scenarios/library/faults/x.yaml", options());
  ASSERT_TRUE(s) << all_messages(s);
  ASSERT_EQ(s->network.overrides.size(), 3u);
  EXPECT_EQ(s->network.overrides[0].link.latency.a, Duration::millis(77).ns);
  EXPECT_EQ(s->network.overrides[1].from_region, s->network.overrides[1].to_region);
}

TEST(Topology, ADocumentCarriesItsTableAndGivesTheSameHash) {
  const std::string path = root() + "/scenarios/library/faults/six-regions.yaml";
  const LoadOutcome direct = load_file(path, options());
  const LoadOutcome again = load_text(document_json(path), "elsewhere/replay.json", options());
  ASSERT_TRUE(direct) << all_messages(direct);
  ASSERT_TRUE(again) << all_messages(again);
  EXPECT_EQ(direct->hash, again->hash);
}

TEST(Topology, AFileOfLinksBecomesEdges) {
  std::string list = "from,to,latency\n";
  const LoadOutcome small = load_file(root() + "/scenarios/library/parts/small.yaml", options());
  ASSERT_TRUE(small) << all_messages(small);
  for (std::size_t i = 1; i < small->nodes.size(); ++i) {
    list +=
        small->nodes[i - 1].name + "," + small->nodes[i].name + "," + std::to_string(i) + "ms\n";
  }
  LoadOptions with = options();
  with.overrides.push_back({"network.topology", "{kind: file, file: line.csv}"});
  EXPECT_THAT(all_messages(load_file(root() + "/scenarios/library/parts/small.yaml", with)),
              HasSubstr("only a scenario file can name it"));
  with.overrides.push_back({"network.topology.content", "\"" + list + "\""});
  std::string& content = with.overrides.back().value;
  for (std::size_t at = 0; (at = content.find('\n', at)) != std::string::npos; at += 2) {
    content.replace(at, 1, "\\n");
  }
  const LoadOutcome s = load_file(root() + "/scenarios/library/parts/small.yaml", with);
  ASSERT_TRUE(s) << all_messages(s);
  ASSERT_EQ(s->network.topology.edges.size(), 2 * (s->nodes.size() - 1));
  EXPECT_EQ(s->network.topology.edges[3], (TopologySpec::Edge{2, 1, Duration::millis(2)}));
  EXPECT_NE(s->hash, small->hash);
}

}  // namespace
}  // namespace orrery::scenario
