// Worlds as engine/check compares them: repeatable, stepped event by event, ended at a given time.
#pragma once

#include <cstdint>
#include <optional>

#include "engine/base/time.h"
#include "engine/check/divergence.h"
#include "harness/run/branch.h"
#include "scenarios/schema/scenario.h"

namespace orrery::run {

struct CompareOptions {
  bool memo = true;
  // Least number of events between checkpoints; smaller: less to step through, more to keep.
  std::uint64_t checkpoint_events = 4096;
  // Both sides of a comparison call the driver at `at`; only that with `apply` flips one bit of the
  // chain state of `node`, which must be up. kInvalidArgument in a build without seeded bugs.
  struct Flip {
    Time at{};
    std::uint32_t node = 0;
    bool apply = true;
  };
  std::optional<Flip> flip;
  std::optional<Branch> branch;  // that the run takes
};

// Makes the world of `scenario` anew at each call; it ends after the last event at or before
// `until` (and the scenario's own end).
check::MakeRun make_run(const scenario::Scenario& scenario, Time until,
                        const CompareOptions& options = {});

}  // namespace orrery::run
