// From a scenario to the chain's own objects: genesis, the configuration of each node, and the node
// itself. Shared by simulated worlds, live processes and the replay of flight logs, so that all
// three run the same network.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "harness/run/inference.h"
#include "protocol/invariants/observer.h"
#include "protocol/node/node.h"
#include "scenarios/schema/scenario.h"

namespace orrery::run {

// What all nodes of the network share. `genesis_time_ns`: wall time of slot 0.
// kInvalidArgument if the scenario cannot make a genesis.
Result<std::shared_ptr<const chain::Network>> make_network(const scenario::Scenario& scenario,
                                                           const Inference& inference,
                                                           std::int64_t genesis_time_ns);

// By node: may it ever misbehave in this scenario, from the start or by the timeline?
std::vector<bool> may_misbehave(const scenario::Scenario& scenario);

chain::NodeConfig node_config(const scenario::Scenario& scenario,
                              std::shared_ptr<const chain::Network> network, std::uint32_t index,
                              std::vector<env::Address> bootstrap);

// Honest nodes are the plain node: only those that may misbehave are actors.
std::unique_ptr<env::Node> make_node(const chain::NodeConfig& config, const std::string& behaviour,
                                     bool actor);
// The chain side of a node made by make_node with the same `actor`.
const chain::ChainNode& chain_side(const env::Node& node, bool actor);

// Name of the device -> its number in the scenario.
std::uint32_t device_class(const scenario::Scenario& scenario, const std::string& device);

// As files and reports name them: "validator", "partition".
std::string role_name(scenario::Role role);
std::string fault_name(scenario::FaultKind kind);

// Observer of a network of `scenario`; the caller fills in `node`. Both outlive the observer.
chain::Observer make_observer(const scenario::Scenario& scenario, Inference& inference,
                              std::shared_ptr<const chain::Network> network);

}  // namespace orrery::run
