// What checkers may look at besides the trace: the nodes' chains, read-only, and who is who.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <vector>

#include "engine/check/checker.h"
#include "protocol/node/node.h"
#include "protocol/work/task.h"

namespace orrery::chain {

struct Observer {
  std::shared_ptr<const Network> network;
  // Null while a node is down.
  std::function<const ChainNode*(std::uint32_t)> node;
  std::vector<bool> honest;                  // by node: never misbehaves in this run
  std::map<Address, std::uint32_t> owners;   // account -> node
  // Digest of the one right result of a task, by executing it; nothing if the model is not at hand.
  std::function<std::optional<Hash256>(const Task&)> truth;

  bool is_honest(const Address& who) const {
    const auto it = owners.find(who);
    return it != owners.end() && honest[it->second];
  }
};

// A checker of blocks: sees every distinct block once, at its first execution by any node.
class BlockChecker : public check::Checker {
 public:
  explicit BlockChecker(const Observer& observer) : observer_(observer) {}
  std::vector<env::TraceKind> interests() const override;
  void on_trace(Time now, std::uint32_t node, const env::TraceEvent& event) override;

 protected:
  virtual void on_block(Time now, const BlockNode& block) = 0;
  const ChainParams& params() const { return observer_.network->params; }

  const Observer& observer_;

 private:
  std::set<Hash256> seen_;
};

// Exact totals of every pool after every block seen, by following differences of states.
class SupplyBook {
 public:
  using Pools = std::map<std::string, Amount>;

  explicit SupplyBook(const Network& network);
  // Totals after `block`; its parent must have been seen (or be genesis).
  const Pools& add(const BlockNode& block);
  const Pools* find(const Hash256& block) const;
  static Amount total(const Pools& pools);

 private:
  const ModuleTable& table_;
  std::map<Hash256, Pools> after_;
};

// All invariants of the protocol, armed.
void add_invariants(check::CheckerSet& set, const Observer& observer);

}  // namespace orrery::chain
