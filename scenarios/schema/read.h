// The tree of a file to drafts, driven by the table of fields. Checks everything that concerns one
// key alone; what relates keys to one another is resolve's.
#pragma once

#include "scenarios/schema/drafts.h"
#include "scenarios/schema/quantity.h"

namespace orrery::scenario {

// `root` must outlive the result, which points into it. Problems go to `diagnostics`.
ScenarioDraft read_scenario(const Node& root, Diagnostics& diagnostics);

Currency currency_of(const chain::ChainParams& chain);

}  // namespace orrery::scenario
