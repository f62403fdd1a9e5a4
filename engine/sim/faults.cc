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

void Simulator::crash(Fault fault, std::uint32_t node, CrashLoss loss, bool unnoticed) {
  check_driver(node);
  begin_fault(fault);
  crashes_.push_back({node, fault.id});
  hosts_[node]->crash(loss, unnoticed);
}

void Simulator::restart(Fault fault, std::uint32_t node) {
  check_driver(node);
  end_fault(fault);
  std::erase(crashes_, NodeFault{node, fault.id});
  if (!held_down(node)) schedule_boot(node);
}

bool Simulator::held_down(std::uint32_t node) const {
  return std::any_of(crashes_.begin(), crashes_.end(),
                     [&](const NodeFault& c) { return c.node == node; });
}

void Simulator::begin_clock(Fault fault, std::uint32_t node, const ClockFault& spec) {
  check_driver(node);
  ENSURE(spec.kind != ClockFaultKind::kSlew || spec.lasts > Duration{}, "a slew takes time");
  begin_fault(fault);
  hosts_[node]->begin_clock(fault.id, spec);
}

void Simulator::end_clock(Fault fault, std::uint32_t node) {
  check_driver(node);
  end_fault(fault);
  hosts_[node]->end_clock(fault.id);
}

Status Simulator::begin_disk(Fault fault, std::uint32_t node, const DiskFault& spec) {
  check_driver(node);
  if (destroys(spec.kind)) {
    std::vector<std::uint32_t> damaged{node};
    for (const NodeFault& bad : bad_disks_) damaged.push_back(bad.node);
    std::sort(damaged.begin(), damaged.end());
    damaged.erase(std::unique(damaged.begin(), damaged.end()), damaged.end());
    if (damaged.size() > damageable_disks(nodes())) {
      return fail(ErrorCode::kLimit, "too many disks would be damaged at a time");
    }
    bad_disks_.push_back({node, fault.id});
  }
  begin_fault(fault);
  hosts_[node]->begin_disk(fault.id, spec);
  return {};
}

void Simulator::end_disk(Fault fault, std::uint32_t node) {
  check_driver(node);
  end_fault(fault);
  std::erase(bad_disks_, NodeFault{node, fault.id});
  hosts_[node]->end_disk(fault.id);
  if (hosts_[node]->stopped_by_disk() && !held_down(node)) schedule_boot(node);
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

void Simulator::begin_clog(Fault fault, std::uint32_t part, Edges edges) {
  begin_fault(fault);
  links_.begin_clog(fault.id, part, std::move(edges));
}

void Simulator::end_clog(Fault fault, std::uint32_t part) {
  end_fault(fault);
  links_.end_clog(fault.id, part);
  network_.resume();
}

void Simulator::reset_sessions(Fault fault, const Edges& edges) {
  begin_fault(fault);
  for (const auto& [from, to] : edges) network_.reset(from, to);
  end_fault(fault);
}

void Simulator::half_open(Fault fault, std::uint32_t node) {
  check_driver(node);
  begin_fault(fault);
  network_.forget_sessions(node);
  end_fault(fault);
}

}  // namespace orrery::sim
