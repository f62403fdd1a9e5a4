// Models known to the chain: content hash, name, owner. Registration by transaction, review and
// versions come with the registry's life cycle; for the time being models stand in the genesis.
#pragma once

#include <optional>
#include <string>

#include "protocol/ledger/module.h"

namespace orrery::chain {

struct ModelRecord {
  std::string name;
  Address owner;  // earns the model contributors' share (A5)
};

std::optional<ModelRecord> model_record(const StateTree& state, const Hash256& digest);

Module models_module();

}  // namespace orrery::chain
