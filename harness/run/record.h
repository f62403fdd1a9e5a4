// From a finished World to a RunRecord.
#pragma once

#include <string>

#include "harness/run/world.h"
#include "reports/record/run_record.h"

namespace orrery::run {

struct RunFacts {  // what the world does not know of itself
  std::string command;
  double wall_seconds = 0;
  bool partial = false;      // the run ended before the scenario does
  bool interrupted = false;  // because somebody stopped it
};

report::RunRecord make_record(const World& world, const RunFacts& facts);

}  // namespace orrery::run
