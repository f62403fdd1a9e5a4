#include "harness/testnet/link_faults.h"

#include <algorithm>
#include <optional>

#include "engine/base/distribution.h"

namespace orrery::testnet {
namespace {

bool contains(const std::vector<std::uint32_t>& nodes, std::uint32_t node) {
  return std::find(nodes.begin(), nodes.end(), node) != nodes.end();
}

// Does what `a` sends not reach `b`? As in simulation: nodes on no side reach everybody.
bool parts(const scenario::FaultSpec& fault, std::uint32_t a, std::uint32_t b) {
  if (fault.sides.empty()) return contains(fault.from, a) && contains(fault.to, b);
  std::optional<std::size_t> side_a, side_b;
  for (std::size_t i = 0; i < fault.sides.size(); ++i) {
    if (contains(fault.sides[i], a)) side_a = i;
    if (contains(fault.sides[i], b)) side_b = i;
  }
  return side_a && side_b && *side_a != *side_b;
}

// A real network has a latency of its own: the fault adds the median of its distribution.
Duration median(const DistributionSpec& spec) {
  const auto made = Distribution::make(spec);
  ENSURE(made.has_value(), "the loader lets only valid distributions through");
  return Duration{made->at(std::uint64_t{1} << 63)};
}

}  // namespace

RulesByNode LinkFaults::rules_of(std::uint32_t node) const {
  RulesByNode rules;
  for (const auto& [id, fault] : running_) {
    for (std::uint32_t other = 0; other < nodes_; ++other) {
      if (other == node) continue;
      if (fault.kind == scenario::FaultKind::kPartition && parts(fault, node, other)) {
        rules[other].blocked = true;
      }
      if (fault.kind == scenario::FaultKind::kLink &&
          (contains(fault.targets, node) || contains(fault.targets, other))) {
        live::LinkRule& rule = rules[other];
        rule.delay = rule.delay + median(fault.link.latency);
        rule.loss_ppm = std::max(rule.loss_ppm, fault.link.loss_ppm);
        if (fault.link.bytes_per_second != 0) {
          rule.bytes_per_second =
              rule.bytes_per_second == 0
                  ? fault.link.bytes_per_second
                  : std::min(rule.bytes_per_second, fault.link.bytes_per_second);
        }
      }
    }
  }
  return rules;
}

}  // namespace orrery::testnet
