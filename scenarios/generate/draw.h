// Scenarios drawn from a seed: small worlds with random faults, for swarm runs. Swarm testing
// (Groce et al., ISSTA 2012): each world has a random subset of what there is, because what is
// always on hides what would need it off.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "engine/base/time.h"
#include "scenarios/schema/scenario.h"

namespace orrery::scenario {

struct DrawOptions {
  std::uint64_t seed = 1;
  std::uint32_t min_nodes = 5;  // at least 5: a bootstrap, three validators and a worker
  std::uint32_t max_nodes = 12;
  Duration until = Duration::minutes(10);  // at least 2 minutes
};

// A world without faults, in the words of a scenario file: groups, chain, network and load.
nlohmann::ordered_json draw_world(const DrawOptions& options);

// What faults are drawn over. Names of nodes by role.
struct FaultField {
  std::vector<std::string> validators, workers, others;
  Duration until{};
};
FaultField field_of(const Scenario& scenario);

// Names of the kinds that draw_faults knows, in order.
std::vector<std::string> fault_kinds();

// Items of a timeline. The last begins and ends early enough for the chain to recover before
// `until`: whoever draws them may demand that finality goes on after calm_from(until). Not more
// than a third of the validators misbehave.
nlohmann::ordered_json draw_faults(std::uint64_t seed, const FaultField& field);
// All faults but misbehaviour have ended by then.
Time calm_from(Duration until);

// The asserts that hold whatever the faults: money, honest nodes, traffic, and once all is calm
// finality and the heads of all nodes.
nlohmann::ordered_json sound_asserts(Duration until, std::size_t nodes);

}  // namespace orrery::scenario
