#include "harness/run/fault_plan.h"

#include <algorithm>

namespace orrery::run {
namespace {

using scenario::FaultKind;
using scenario::FaultSpec;

sim::Fault fault_id(const FaultSpec& fault) {
  return {fault.id, static_cast<std::uint32_t>(fault.kind)};
}

// All links from and to `targets`.
sim::Edges edges_of(const std::vector<std::uint32_t>& targets, std::uint32_t nodes) {
  sim::Edges edges;
  for (std::uint32_t a : targets) {
    for (std::uint32_t b = 0; b < nodes; ++b) {
      if (a == b) continue;
      edges.emplace_back(a, b);
      edges.emplace_back(b, a);
    }
  }
  std::sort(edges.begin(), edges.end());
  edges.erase(std::unique(edges.begin(), edges.end()), edges.end());
  return edges;
}

sim::Edges one_way(const FaultSpec& fault) {
  sim::Edges edges;
  for (std::uint32_t a : fault.from) {
    for (std::uint32_t b : fault.to) {
      if (a != b) edges.emplace_back(a, b);
    }
  }
  return edges;
}

// The enumerations of the language and of the engine list the same things in the same order.
static_assert(static_cast<int>(scenario::CrashDisk::kTorn) ==
              static_cast<int>(sim::CrashLoss::kTorn));
static_assert(static_cast<int>(scenario::ClockMode::kClaim) ==
              static_cast<int>(sim::ClockFaultKind::kClaim));
static_assert(static_cast<int>(scenario::DiskMode::kSyncFails) ==
              static_cast<int>(sim::DiskFaultKind::kSyncFails));

sim::ClockFault clock_fault(const FaultSpec& fault) {
  return {.kind = static_cast<sim::ClockFaultKind>(fault.clock),
          .offset = fault.offset,
          .drift_ppb = fault.drift_ppb,
          .error = fault.error,
          .lasts = fault.duration};
}

sim::DiskFault disk_fault(const FaultSpec& fault) {
  return {.kind = static_cast<sim::DiskFaultKind>(fault.disk),
          .share_ppm = fault.share_ppm,
          .delay = fault.delay,
          .unnoticed = fault.unnoticed};
}

Duration sample(const DistributionSpec& spec, RandomStream& draws) {
  const auto distribution = Distribution::make(spec);
  ENSURE(distribution.has_value(), "the loader lets only valid distributions through");
  return Duration{std::max<std::int64_t>(1, distribution->at(draws.next()))};
}

}  // namespace

sim::LinkModel link_model(const scenario::LinkSpec& link) {
  return {.latency = link.latency,
          .loss_ppm = link.loss_ppm,
          .duplicate_ppm = link.duplicate_ppm,
          .bytes_per_second = link.bytes_per_second,
          .jitter = link.jitter,
          .reorder_ppm = link.reorder_ppm,
          .reorder_window = link.reorder_window,
          .corrupt_ppm = link.corrupt_ppm,
          .queue_bytes = link.queue_bytes};
}

void FaultPlan::schedule(std::size_t first) {
  for (std::size_t i = first; i < scenario_.timeline.size(); ++i) {
    const FaultSpec& fault = scenario_.timeline[i];
    simulator_.call_at(fault.at, [this, &fault] { begin(fault); });
    if (fault.duration > Duration{}) {
      simulator_.call_at(fault.at + fault.duration, [this, &fault] { end(fault); });
    }
  }
}

RandomStream FaultPlan::draws_of(const FaultSpec& fault, std::uint32_t node) const {
  const std::uint64_t owner = static_cast<std::uint64_t>(fault.id) << 32 | node;
  return RandomStream(scenario_.seed, owner, stream_id("fault.plan"));
}

void FaultPlan::tell(const FaultSpec& fault, std::string_view behaviour) {
  for (std::uint32_t node : fault.targets) {
    simulator_.inject_admin(simulator_.now(), node,
                            Buffer(Bytes(behaviour.begin(), behaviour.end())));
  }
}

void FaultPlan::begin(const FaultSpec& fault) {
  const sim::Fault id = fault_id(fault);
  switch (fault.kind) {
    case FaultKind::kPartition:
      if (fault.sides.empty()) return simulator_.begin_cut(id, one_way(fault));
      return simulator_.begin_partition(id, fault.sides);
    case FaultKind::kCrash:
      for (std::uint32_t node : fault.targets) {
        simulator_.crash(id, node, static_cast<sim::CrashLoss>(fault.disk_loss), fault.unnoticed);
      }
      return;
    case FaultKind::kBehave: simulator_.begin_fault(id); return tell(fault, fault.behaviour);
    case FaultKind::kClock:
      for (std::uint32_t node : fault.targets) {
        simulator_.begin_clock(id, node, clock_fault(fault));
      }
      return;
    case FaultKind::kLink: {
      const Status begun = simulator_.begin_link(id, edges_of(fault.targets, simulator_.nodes()),
                                                 link_model(fault.link));
      ENSURE(begun.has_value(), "the loader lets only valid links through");
      return;
    }
    case FaultKind::kDisk:
      for (std::uint32_t node : fault.targets) {
        const Status begun = simulator_.begin_disk(id, node, disk_fault(fault));
        ENSURE(begun.has_value(), "the loader keeps the budget of damaged disks");
      }
      return;
    case FaultKind::kClog:
      if (fault.swizzle) return swizzle(fault);
      return simulator_.begin_clog(id, 0, edges_of(fault.targets, simulator_.nodes()));
    case FaultKind::kReset:
      return simulator_.reset_sessions(id, edges_of(fault.targets, simulator_.nodes()));
    case FaultKind::kHalfOpen:
      simulator_.begin_fault(id);
      for (std::uint32_t node : fault.targets) simulator_.half_open(id, node);
      return simulator_.end_fault(id);
    case FaultKind::kChurn:
      simulator_.begin_fault(id);
      for (std::uint32_t node : fault.targets) leave_later(fault, node, draws_of(fault, node));
      return;
  }
}

void FaultPlan::end(const FaultSpec& fault) {
  const sim::Fault id = fault_id(fault);
  switch (fault.kind) {
    case FaultKind::kPartition: return simulator_.end_partition(id);
    case FaultKind::kCrash:
      for (std::uint32_t node : fault.targets) simulator_.restart(id, node);
      return;
    case FaultKind::kBehave: tell(fault, "honest"); return simulator_.end_fault(id);
    case FaultKind::kClock:
      for (std::uint32_t node : fault.targets) simulator_.end_clock(id, node);
      return;
    case FaultKind::kLink: return simulator_.end_link(id);
    case FaultKind::kDisk:
      for (std::uint32_t node : fault.targets) simulator_.end_disk(id, node);
      return;
    case FaultKind::kClog:
      if (fault.swizzle) return simulator_.end_fault(id);
      return simulator_.end_clog(id, 0);
    case FaultKind::kReset:
    case FaultKind::kHalfOpen: return;  // over when they began
    case FaultKind::kChurn: return simulator_.end_fault(id);
  }
}

// Of each target it is drawn whether it takes part. Those that do are clogged at some instant of
// the first half and freed at one of the second, so the orders have nothing to do with each other.
void FaultPlan::swizzle(const FaultSpec& fault) {
  const sim::Fault id = fault_id(fault);
  simulator_.begin_fault(id);
  const auto half = static_cast<std::uint64_t>(fault.duration.ns / 2);
  for (std::uint32_t node : fault.targets) {
    RandomStream draws = draws_of(fault, node);
    if (draws.below(2) == 0 || half == 0) continue;
    const Time clogged = simulator_.now() + Duration{static_cast<std::int64_t>(draws.below(half))};
    const Time freed = simulator_.now() + Duration{static_cast<std::int64_t>(half)} +
                       Duration{static_cast<std::int64_t>(draws.below(half))};
    simulator_.call_at(clogged, [this, id, node] {
      simulator_.begin_clog(id, node, edges_of({node}, simulator_.nodes()));
    });
    simulator_.call_at(freed, [this, id, node] { simulator_.end_clog(id, node); });
  }
}

// The node's next departure, and from its return the one after that. Whoever is away when the fault
// ends comes back in its own time.
void FaultPlan::leave_later(const FaultSpec& fault, std::uint32_t node, RandomStream draws) {
  const DistributionSpec stay{.kind = DistributionKind::kExp, .a = fault.every.ns};
  const Time leaves = simulator_.now() + sample(stay, draws);
  if (fault.duration > Duration{} && leaves >= fault.at + fault.duration) return;
  simulator_.call_at(leaves, [this, &fault, node, draws]() mutable {
    simulator_.crash(fault_id(fault), node);
    const Time back = simulator_.now() + sample(fault.away, draws);
    simulator_.call_at(back, [this, &fault, node, draws] {
      simulator_.restart(fault_id(fault), node);
      leave_later(fault, node, draws);
    });
  });
}

}  // namespace orrery::run
