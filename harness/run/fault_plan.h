// The timeline of a scenario, carried out on a simulator: when faults begin and end, and what those
// that consist of many small ones (churn, swizzled clogs) draw. Every draw is f(seed, fault, node),
// so leaving a fault or a node out moves nobody else's.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/sim/simulator.h"
#include "scenarios/schema/scenario.h"

namespace orrery::run {

sim::LinkModel link_model(const scenario::LinkSpec& link);

class FaultPlan {
 public:
  // Both outlive the plan, and the plan the simulator's last step.
  FaultPlan(const scenario::Scenario& scenario, sim::Simulator& simulator)
      : scenario_(scenario), simulator_(simulator) {}

  // Puts begin and end of each fault, from that index of the timeline on, into the simulator's
  // queue.
  void schedule(std::size_t first = 0);

 private:
  void begin(const scenario::FaultSpec& fault);
  void end(const scenario::FaultSpec& fault);
  void tell(const scenario::FaultSpec& fault, std::string_view behaviour);
  void swizzle(const scenario::FaultSpec& fault);
  void leave_later(const scenario::FaultSpec& fault, std::uint32_t node, RandomStream draws);
  RandomStream draws_of(const scenario::FaultSpec& fault, std::uint32_t node) const;

  const scenario::Scenario& scenario_;
  sim::Simulator& simulator_;
};

}  // namespace orrery::run
