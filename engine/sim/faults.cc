// Faults of a simulated world: each effect is counted under its id, so that begin and end are
// traced once an id, whatever the number of its effects.
#include <algorithm>

#include "engine/sim/simulator.h"

namespace orrery::sim {

void Simulator::begin_fault(Fault fault) {
  ENSURE(!in_node_, "faults come from the driver, not from a node");
  const auto it = std::find_if(faults_.begin(), faults_.end(),
                               [&](const RunningFault& f) { return f.fault == fault; });
  if (it != faults_.end()) {
    ++it->effects;
    return;
  }
  faults_.push_back({fault, 1});
  core_.trace(env::TraceSink::kWorld,
              {.kind = env::kFaultBegin, .n = {fault.id, fault.kind, 0, 0}});
}

void Simulator::end_fault(Fault fault) {
  const auto it = std::find_if(faults_.begin(), faults_.end(),
                               [&](const RunningFault& f) { return f.fault == fault; });
  ENSURE(it != faults_.end(), "a fault ends that was not begun");
  if (--it->effects > 0) return;
  faults_.erase(it);
  core_.trace(env::TraceSink::kWorld, {.kind = env::kFaultEnd, .n = {fault.id, fault.kind, 0, 0}});
}

void Simulator::begin_partition(Fault fault, const std::vector<std::vector<std::uint32_t>>& sides) {
  begin_fault(fault);
  links_.begin_partition(fault.id, sides);
}

void Simulator::begin_cut(Fault fault, Edges edges) {
  begin_fault(fault);
  links_.begin_cut(fault.id, std::move(edges));
}

void Simulator::end_partition(Fault fault) {
  end_fault(fault);
  links_.end_cut(fault.id);
  network_.resume();
}

void Simulator::crash(Fault fault, std::uint32_t node, bool wipe_disk) {
  check_driver(node);
  begin_fault(fault);
  crashes_.push_back({node, fault.id});
  hosts_[node]->crash(wipe_disk);
}

void Simulator::restart(Fault fault, std::uint32_t node) {
  check_driver(node);
  end_fault(fault);
  std::erase_if(crashes_, [&](const Crash& c) { return c.node == node && c.fault == fault.id; });
  if (!held_down(node)) schedule_boot(node);
}

bool Simulator::held_down(std::uint32_t node) const {
  return std::any_of(crashes_.begin(), crashes_.end(),
                     [&](const Crash& c) { return c.node == node; });
}

void Simulator::begin_clock_offset(Fault fault, std::uint32_t node, Duration offset) {
  check_driver(node);
  begin_fault(fault);
  hosts_[node]->clock_model().add_shift(fault.id, offset);
}

void Simulator::end_clock_offset(Fault fault, std::uint32_t node) {
  check_driver(node);
  end_fault(fault);
  hosts_[node]->clock_model().remove_shift(fault.id);
}

Status Simulator::begin_link(Fault fault, Edges edges, const LinkModel& model) {
  TRY(links_.begin_override(fault.id, std::move(edges), model));
  begin_fault(fault);
  return {};
}

void Simulator::end_link(Fault fault) {
  end_fault(fault);
  links_.end_override(fault.id);
}

}  // namespace orrery::sim
