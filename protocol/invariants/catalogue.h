// The groups of checkers; add_invariants arms them all.
#pragma once

#include "protocol/invariants/observer.h"

namespace orrery::chain {

void add_economy(check::CheckerSet& set, const Observer& observer);
void add_inference(check::CheckerSet& set, const Observer& observer);
void add_consensus(check::CheckerSet& set, const Observer& observer);

}  // namespace orrery::chain
