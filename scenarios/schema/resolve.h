// Drafts to a Scenario: expands groups, evaluates selectors, places faults in time, and checks what
// relates one key to another. Runs only on drafts that were read without a problem.
#pragma once

#include "scenarios/schema/drafts.h"
#include "scenarios/schema/load.h"

namespace orrery::scenario {

// canonical_json and hash are left empty. Problems go to `diagnostics`; the result then means
// nothing. `root` is the tree that the drafts point into.
Scenario resolve_scenario(const ScenarioDraft& draft, const Node& root, const LoadOptions& options,
                          Diagnostics& diagnostics);

}  // namespace orrery::scenario
