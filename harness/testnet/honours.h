// What of a scenario a live network can bring about. What it cannot is an error that names the key,
// before anything starts: a fault that silently does not happen would make a test worthless.
#pragma once

#include "engine/base/result.h"
#include "scenarios/schema/scenario.h"

namespace orrery::testnet {

// kUnsupported, with key, reason and way out.
Status can_honour(const scenario::FaultSpec& fault);
// The network, and the timeline unless it is left out.
Status can_honour(const scenario::Scenario& scenario, bool with_timeline);

}  // namespace orrery::testnet
