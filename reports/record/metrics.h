// The metric registry: one table of every metric a run may record. Assertions, CSV headers, chart
// labels, the glossary of a report and live exporters all read it, so a name means one thing.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace orrery::report {

enum class MetricKind : std::uint8_t {
  kGauge,    // may go up and down
  kCounter,  // since the start of the run; never falls
};

struct MetricInfo {
  std::string_view name;  // dotted, lower case
  std::string_view unit;  // "" for a pure count
  MetricKind kind = MetricKind::kGauge;
  std::string_view meaning;  // one sentence
};

// All metrics, in the order in which a reader wants them explained.
std::span<const MetricInfo> metric_registry();

// Null if the name is not registered.
const MetricInfo* find_metric(std::string_view name);

std::string_view to_string(MetricKind kind);

}  // namespace orrery::report
