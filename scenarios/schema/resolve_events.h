// The part of resolve that happens in time: load, faults, asserts. Each function needs the nodes of
// `out` and appends its own list to it.
#pragma once

#include "scenarios/schema/drafts.h"
#include "scenarios/schema/load.h"

namespace orrery::scenario {

// a + b, or kNever past the end of the integers.
inline Time later(Time a, Duration b) { return b.ns > INT64_MAX - a.ns ? kNever : a + b; }
// "t+30s".
std::string spell(Time time);

void resolve_load(const ScenarioDraft& draft, Diagnostics& diagnostics, Scenario& out);
void resolve_timeline(const ScenarioDraft& draft, const LoadOptions& options,
                      Diagnostics& diagnostics, Scenario& out);
// Needs the timeline of `out`: `after` refers to it.
void resolve_asserts(const ScenarioDraft& draft, const LoadOptions& options,
                     Diagnostics& diagnostics, Scenario& out);

// `given`, with the keys that `place` does not write taken from `base`.
LinkSpec inherit_link(LinkSpec given, const Located& place, const LinkSpec& base);

void check_behaviour(const LoadOptions& options, Diagnostics& diagnostics, const Located& place,
                     const std::string& behaviour);

}  // namespace orrery::scenario
