// The module table: everything the chain can do is a module registered here with its payloads, its
// hooks, the state paths it owns and the paths on which it keeps money. The table is closed when a
// node is composed (protocol/node/modules.h); an unknown payload tag is refused, never skipped.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "engine/base/bytes.h"
#include "engine/base/result.h"
#include "protocol/types/block.h"
#include "protocol/types/chain_event.h"
#include "protocol/types/params.h"
#include "protocol/types/state_tree.h"

namespace orrery::chain {

// What a handler sees and may change while a block is executed. Lives for one execution.
struct ExecContext {
  const ChainParams& params;
  StateTree& state;
  ChainEvents& events;
  const Header& header;       // of the block being executed; its state root is not yet known
  Address proposer;           // address of header.proposer
  Hash256 beacon;             // hash of this block's randomness
  std::uint64_t gas = 0;      // used so far in this block
  std::map<Address, std::uint64_t> tokens_served;  // model owner -> tokens settled here (A5)

  std::uint64_t height() const { return header.height; }
  void emit(ChainEvent event) { events.push_back(std::move(event)); }
};

struct PayloadSpec {
  PayloadTag tag = 0;
  std::string name;
  std::uint64_t gas = 0;  // fixed part of the meter (G-5); bytes are charged by the executor
  // kMalformed unless `body` is the canonical encoding of the payload.
  Status (*check)(ByteView body) = nullptr;
  // Applies a payload that passed `check`. An error means: the transaction failed.
  Status (*execute)(ExecContext& ctx, const Transaction& tx) = nullptr;
};

// Leaves matching prefix + anything + suffix hold one Amount (16 bytes) each and count as `pool`.
struct MoneyPath {
  std::string prefix;
  std::string suffix;
  std::string pool;    // empty: the pool is named by what stands between prefix and suffix
};

struct GenesisAccount {
  PublicKey key;
  Amount balance = 0;
  Amount stake = 0;
  bool validator = false;
  bool worker = false;
};
struct GenesisModel {
  Hash256 digest;
  std::string name;
  Address owner;
};
// All that decides the first state; equal on all nodes.
struct Genesis {
  std::int64_t time_ns = 0;  // start of slot 0, Unix time
  std::vector<GenesisAccount> accounts;
  std::vector<GenesisModel> models;
};

struct Module {
  std::string name;
  std::vector<PayloadSpec> payloads;
  std::vector<std::string> state_paths;  // prefixes owned; no two modules may overlap
  std::vector<MoneyPath> money;
  std::vector<std::string> invariants;   // names of the checkers that watch this module
  Status (*genesis)(ExecContext& ctx, const Genesis& genesis) = nullptr;
  // Before transactions: check and apply what the body carries for this module. An error makes the
  // whole block invalid.
  Status (*body)(ExecContext& ctx, const Block& block) = nullptr;
  // After transactions, in table order. Must not fail.
  void (*end_block)(ExecContext& ctx) = nullptr;
};

class ModuleTable {
 public:
  // ENSUREs that names, tags and state paths are disjoint from those present.
  void add(Module module);
  const std::vector<Module>& modules() const { return modules_; }
  // Null if no module has this tag.
  const PayloadSpec* payload(PayloadTag tag) const;
  // The pool that a state path counts to; empty if the path holds no money.
  std::string pool_of(std::string_view path) const;

 private:
  std::vector<Module> modules_;
  std::map<PayloadTag, PayloadSpec> payloads_;
};

}  // namespace orrery::chain
