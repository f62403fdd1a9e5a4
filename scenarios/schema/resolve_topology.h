// `network.topology` of a draft to the one of a Scenario: checks against the nodes there are, and
// what its file says. Part of resolve.
#pragma once

#include "scenarios/schema/drafts.h"

namespace orrery::scenario {

// Graphs of more nodes than that would take long to find paths in: 128 MiB of distances.
inline constexpr std::uint32_t kMaxTopologyNodes = 4096;

// Fills out.network.topology, or for geographic ones out.network.overrides; out.nodes and what
// `between` gave are there already.
void resolve_topology(const ScenarioDraft& draft, const Node& root, Diagnostics& diagnostics,
                      Scenario& out);

}  // namespace orrery::scenario
