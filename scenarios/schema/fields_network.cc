// Keys of `network`.
#include "scenarios/schema/fields_links.h"

namespace orrery::scenario {
namespace {

// Bits of the kinds of topologies, in the order of TopologyKind.
enum : std::uint32_t { kRandomRegular = 2, kSmallWorld = 4, kScaleFree = 8, kTables = 16 | 32 };

const Section& between_section() {
  static const Section section = [] {
    SectionBuilder<BetweenDraft> b(
        "between", "Links between two regions; both directions unless the other is listed too.");
    b.add<&BetweenDraft::from>({.name = "from",
                                .type = Type::kName,
                                .meaning = "Region of the sender.",
                                .required = true});
    b.add<&BetweenDraft::to>({.name = "to",
                              .type = Type::kName,
                              .meaning = "Region of the receiver.",
                              .required = true});
    add_link<&BetweenDraft::link>(b, ~0u, "that of network");
    return b.take();
  }();
  return section;
}

const Section& topology_section() {
  static const Section section = [] {
    SectionBuilder<TopologyDraft> b(
        "topology",
        "Which nodes have a link. Others reach each other over the shortest path: its latencies "
        "add "
        "up. A link's own latency is drawn once, from that of network.");
    using T = TopologyDraft;
    b.add<&T::kind>(
        {.name = "kind",
         .type = Type::kChoice,
         .meaning =
             "Complete: all have; random-regular: each node has as many, drawn; small-world: "
             "Watts and Strogatz; scale-free: Barabasi and Albert; geographic: latencies "
             "between regions from a table; file: links from a GraphML or CSV file.",
         .choices = {"complete", "random-regular", "small-world", "scale-free", "geographic",
                     "file"}});
    b.add<&T::degree>({.name = "degree",
                       .type = Type::kCount,
                       .meaning = "Neighbours of each node; of the ring, for small-world (even).",
                       .min = 2,
                       .max = 1000,
                       .allowed_for = kRandomRegular | kSmallWorld,
                       .required_for = kRandomRegular | kSmallWorld});
    b.add<&T::rewire_ppm>({.name = "rewire",
                           .type = Type::kPpm,
                           .meaning = "Part of the ring's links that lead elsewhere instead.",
                           .max = 1'000'000,
                           .allowed_for = kSmallWorld,
                           .required_for = kSmallWorld});
    b.add<&T::attach>({.name = "attach",
                       .type = Type::kCount,
                       .meaning = "Links that each node brings along.",
                       .min = 1,
                       .max = 1000,
                       .allowed_for = kScaleFree,
                       .required_for = kScaleFree});
    b.add<&T::file>({.name = "file",
                     .type = Type::kText,
                     .meaning = "Beside the file that names it. Geographic: CSV, a square table of "
                                "durations with the regions' names around it. File: CSV with the "
                                "columns from, to, latency; or .graphml, whose nodes have the "
                                "attribute name and whose edges have the attribute latency.",
                     .allowed_for = kTables,
                     .required_for = kTables});
    b.add<&T::content>({.name = "content",
                        .type = Type::kContent,
                        .meaning = "What the file says; the loader writes it for replays.",
                        .allowed_for = kTables,
                        .default_note = "read from file"});
    b.discriminator("kind");
    return b.take();
  }();
  return section;
}

}  // namespace

const Section& network_section() {
  static const Section section = [] {
    SectionBuilder<NetworkDraft> b("network", "Links between nodes.");
    add_link<&NetworkDraft::link>(b, ~0u, "");
    b.add_list<&NetworkDraft::between>({.name = "between", .meaning = between_section().meaning},
                                       between_section());
    b.add_section<&NetworkDraft::topology>(
        {.name = "topology", .meaning = topology_section().meaning}, topology_section());
    return b.take();
  }();
  return section;
}

}  // namespace orrery::scenario
