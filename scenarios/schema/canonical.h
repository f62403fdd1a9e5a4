// The resolved scenario as canonical JSON: sorted keys, integers in base units (amounts as decimal
// strings), expanded nodes, node indices in place of selectors. Comments, key order, spelling of
// units, includes and variables leave no trace in it; every value does.
#pragma once

#include <string>

#include "scenarios/schema/scenario.h"

namespace orrery::scenario {

std::string canonical_json(const Scenario& scenario);

}  // namespace orrery::scenario
