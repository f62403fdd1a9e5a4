// What makes one node different from another, and what all share.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "engine/env/env.h"
#include "protocol/crypto/keys.h"
#include "protocol/ledger/module.h"
#include "protocol/types/params.h"

namespace orrery::chain {

// Equal on all nodes of a network.
struct Network {
  ChainParams params;
  ModuleTable modules;
  Genesis genesis;
  BlockPtr genesis_block;
  StateTree genesis_state;
};

// kInvalidArgument if parameters or genesis cannot make a first state.
Result<std::shared_ptr<const Network>> make_network(const ChainParams& params, Genesis genesis);
// The closed table of all modules (payloads, state paths, money, invariants, hooks).
ModuleTable all_modules();

struct Roles {
  bool bootstrap = false;  // answers for discovery; others dial it first
  bool validator = false;  // votes, audits, judges
  bool miner = false;      // produces blocks and works on tasks
};

struct NodeConfig {
  std::shared_ptr<const Network> network;  // shared by all nodes of a world
  std::string name;
  KeyPair key;
  Roles roles;
  std::vector<env::Address> bootstrap;
};

}  // namespace orrery::chain
