// What a batch of runs ought to have seen at least once: a search that never meets a situation says
// nothing about it. Goals look at the trace and at the checkers; they never fail a run.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "engine/check/checker.h"
#include "engine/env/trace.h"

namespace orrery::sweep {

// Times that each goal was met. All known goals are present, met or not.
using Goals = std::map<std::string, std::uint64_t>;

class GoalCounter final : public env::TraceSink {
 public:
  void on_trace(Time now, std::uint32_t node, const env::TraceEvent& event) override;
  // With one goal for each checker, "checked: <name>", each fault that was there, "fault: <kind>",
  // and each buggify point, "buggify: <name>".
  Goals goals(const check::CheckerSet& checkers) const;

 private:
  std::map<std::string, std::uint64_t> met_;
};

}  // namespace orrery::sweep
