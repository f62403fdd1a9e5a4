// A scenario in a page of text, for people about to run it.
#pragma once

#include <string>

#include "scenarios/schema/scenario.h"

namespace orrery::scenario {

// Title, chain, groups, network, load, timeline and asserts; ends with the hash.
std::string describe(const Scenario& scenario);
// What a fault does to its targets, in a few words.
std::string effect(const FaultSpec& fault);

}  // namespace orrery::scenario
