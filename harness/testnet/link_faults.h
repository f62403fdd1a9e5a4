// Which links the running faults cut or slow, as rules for each node's transport. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "engine/live/transport.h"
#include "scenarios/schema/scenario.h"

namespace orrery::testnet {

// By remote node; the rules of one node's sending side.
using RulesByNode = std::map<std::uint32_t, live::LinkRule>;

class LinkFaults {
 public:
  explicit LinkFaults(std::uint32_t nodes) : nodes_(nodes) {}

  // Of kind kPartition or kLink; others change nothing.
  void begin(const scenario::FaultSpec& fault) { running_[fault.id] = fault; }
  void end(std::uint32_t id) { running_.erase(id); }
  RulesByNode rules_of(std::uint32_t node) const;

 private:
  std::uint32_t nodes_;
  std::map<std::uint32_t, scenario::FaultSpec> running_;  // by id
};

}  // namespace orrery::testnet
