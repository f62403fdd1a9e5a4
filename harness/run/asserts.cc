#include "harness/run/asserts.h"

#include <fmt/format.h>

#include <cstdlib>

namespace orrery::run {

Asserts::Asserts(const std::vector<scenario::AssertSpec>& specs)
    : specs_(specs), verdicts_(specs.size()), start_(specs.size()) {}

Time Asserts::deadline(const scenario::AssertSpec& spec) const {
  return spec.within.ns > 0 ? spec.after_time + spec.within : kNever;
}

std::vector<Time> Asserts::instants() const {
  std::vector<Time> times;
  for (const scenario::AssertSpec& spec : specs_) {
    if (spec.kind != scenario::AssertKind::kEventually) continue;
    times.push_back(spec.after_time);
    if (deadline(spec) != kNever) times.push_back(deadline(spec));
  }
  return times;
}

bool Asserts::holds(std::size_t i, double value) const {
  const scenario::AssertSpec& spec = specs_[i];
  if (spec.op == "increases") return start_[i] && value > *start_[i];
  const double bound = std::strtod(spec.value.c_str(), nullptr);
  if (spec.op == "<") return value < bound;
  if (spec.op == "<=") return value <= bound;
  if (spec.op == ">") return value > bound;
  if (spec.op == ">=") return value >= bound;
  if (spec.op == "==") return value == bound;
  return value != bound;
}

void Asserts::decide(std::size_t i, bool ok, Time now, double value) {
  verdicts_[i] = {true, ok, !finishing_,
                  fmt::format("{} was {:g} at t+{:.3f}s", specs_[i].metric, value,
                              static_cast<double>(now.ns) / 1e9)};
}

void Asserts::sample(Time now, const std::map<std::string, double>& metrics) {
  for (std::size_t i = 0; i < specs_.size(); ++i) {
    const scenario::AssertSpec& spec = specs_[i];
    const auto metric = metrics.find(spec.metric);
    if (verdicts_[i].decided || metric == metrics.end()) continue;
    const double value = metric->second;
    switch (spec.kind) {
      case scenario::AssertKind::kAlways:
        if (!holds(i, value)) decide(i, false, now, value);
        break;
      case scenario::AssertKind::kNever:
        if (holds(i, value)) decide(i, false, now, value);
        break;
      case scenario::AssertKind::kEventually:
        if (now < spec.after_time) break;
        if (!start_[i]) start_[i] = value;
        if (now > deadline(spec)) {
          decide(i, false, now, value);
        } else if (holds(i, value)) {
          decide(i, true, now, value);
        } else if (now == deadline(spec)) {
          decide(i, false, now, value);
        }
        break;
      case scenario::AssertKind::kAtEnd:
        break;
    }
  }
}

void Asserts::finish(Time now, const std::map<std::string, double>& metrics) {
  finishing_ = true;
  for (std::size_t i = 0; i < specs_.size(); ++i) {
    if (verdicts_[i].decided) continue;
    const auto metric = metrics.find(specs_[i].metric);
    if (metric == metrics.end()) {
      verdicts_[i] = {true, false, false, specs_[i].metric + " was never measured"};
      continue;
    }
    const bool open_ended = specs_[i].kind == scenario::AssertKind::kAlways ||
                            specs_[i].kind == scenario::AssertKind::kNever;
    const bool at_end = specs_[i].kind == scenario::AssertKind::kAtEnd;
    decide(i, open_ended || (at_end && holds(i, metric->second)), now, metric->second);
  }
}

}  // namespace orrery::run
