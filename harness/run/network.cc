#include "harness/run/network.h"

#include "harness/run/keys.h"
#include "protocol/adversary/actor.h"
#include "protocol/node/worker.h"

namespace orrery::run {

Result<std::shared_ptr<const chain::Network>> make_network(const scenario::Scenario& scenario,
                                                           const Inference& inference,
                                                           std::int64_t genesis_time_ns) {
  chain::Genesis genesis{.time_ns = genesis_time_ns};
  for (const scenario::NodeSpec& node : scenario.nodes) {
    genesis.accounts.push_back({.key = account_key(scenario, node.name).public_key(),
                                .balance = node.balance,
                                .stake = node.stake,
                                .validator = node.role == scenario::Role::kValidator,
                                .worker = node.role == scenario::Role::kMiner});
  }
  for (const scenario::ModelSpec& model : scenario.models) {
    genesis.models.push_back(
        {.digest = inference.digest(model.name),
         .name = model.name,
         .owner = chain::address_of(account_key(scenario, model.owner).public_key())});
  }
  return chain::make_network(scenario.chain, std::move(genesis));
}

std::vector<bool> may_misbehave(const scenario::Scenario& scenario) {
  std::vector<bool> may(scenario.nodes.size());
  for (std::size_t i = 0; i < may.size(); ++i) may[i] = scenario.nodes[i].behaviour != "honest";
  for (const scenario::FaultSpec& fault : scenario.timeline) {
    if (fault.kind != scenario::FaultKind::kBehave) continue;
    for (std::uint32_t target : fault.targets) may[target] = true;
  }
  return may;
}

chain::NodeConfig node_config(const scenario::Scenario& scenario,
                              std::shared_ptr<const chain::Network> network, std::uint32_t index,
                              std::vector<env::Address> bootstrap) {
  const scenario::NodeSpec& spec = scenario.nodes[index];
  return {.network = std::move(network),
          .name = spec.name,
          .key = account_key(scenario, spec.name),
          .roles = {.bootstrap = spec.role == scenario::Role::kBootstrap,
                    .validator = spec.role == scenario::Role::kValidator,
                    .miner = spec.role == scenario::Role::kMiner},
          .bootstrap = std::move(bootstrap)};
}

std::unique_ptr<env::Node> make_node(const chain::NodeConfig& config, const std::string& behaviour,
                                     bool actor) {
  if (actor) return std::make_unique<chain::Actor>(config, behaviour);
  return std::make_unique<chain::ChainNode>(config);
}

const chain::ChainNode& chain_side(const env::Node& node, bool actor) {
  if (actor) return static_cast<const chain::Actor&>(node).node();
  return static_cast<const chain::ChainNode&>(node);
}

std::uint32_t device_class(const scenario::Scenario& scenario, const std::string& device) {
  for (std::size_t i = 0; i < scenario.devices.size(); ++i) {
    if (scenario.devices[i].name == device) return static_cast<std::uint32_t>(i);
  }
  return 0;
}

std::string role_name(scenario::Role role) {
  switch (role) {
    case scenario::Role::kBootstrap: return "bootstrap";
    case scenario::Role::kValidator: return "validator";
    case scenario::Role::kMiner: return "miner";
    case scenario::Role::kUser: return "user";
    case scenario::Role::kFull: return "full";
  }
  return "unknown";
}

std::string fault_name(scenario::FaultKind kind) {
  switch (kind) {
    case scenario::FaultKind::kPartition: return "partition";
    case scenario::FaultKind::kCrash: return "crash";
    case scenario::FaultKind::kBehave: return "behave";
    case scenario::FaultKind::kClock: return "clock";
    case scenario::FaultKind::kLink: return "link";
    case scenario::FaultKind::kDisk: return "disk";
    case scenario::FaultKind::kClog: return "clog";
    case scenario::FaultKind::kReset: return "reset";
    case scenario::FaultKind::kHalfOpen: return "half-open";
    case scenario::FaultKind::kChurn: return "churn";
  }
  return "unknown";
}

chain::Observer make_observer(const scenario::Scenario& scenario, Inference& inference,
                              std::shared_ptr<const chain::Network> network) {
  chain::Observer observer;
  observer.network = std::move(network);
  const std::vector<bool> liars = may_misbehave(scenario);
  for (std::size_t i = 0; i < scenario.nodes.size(); ++i) {
    observer.honest.push_back(!liars[i]);
    const auto key = account_key(scenario, scenario.nodes[i].name).public_key();
    observer.owners[chain::address_of(key)] = static_cast<std::uint32_t>(i);
  }
  observer.truth = [&inference](const chain::Task& task) -> std::optional<Hash256> {
    const env::JobResult result = inference.execute(chain::job_of(task));
    const auto decoded = gpu::InferenceResult::decode(result.output.view());
    if (result.status != env::JobStatus::kDone || !decoded) return std::nullopt;
    return decoded->digest();
  };
  return observer;
}

}  // namespace orrery::run
