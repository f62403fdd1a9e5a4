// Keys of a scenario's nodes and named accounts: a function of chain id, seed and name, so that a
// live network made from the same file has the same accounts.
#pragma once

#include <string>

#include "protocol/crypto/keys.h"
#include "scenarios/schema/scenario.h"

namespace orrery::run {

chain::KeyPair account_key(const scenario::Scenario& scenario, const std::string& name);

}  // namespace orrery::run
