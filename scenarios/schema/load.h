// The way in: a scenario file to a checked Scenario, or every problem found in it.
#pragma once

#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "scenarios/schema/diagnostics.h"
#include "scenarios/schema/scenario.h"

namespace orrery::scenario {

// One `--set key=value`: chain.consensus.slot=2s, groups.workers.count=3, seed=7, vars.x=4.
struct Override {
  std::string key;
  std::string value;
};

// Names that only the layers above know. An empty list switches its check off.
struct LoadOptions {
  std::vector<Override> overrides;
  std::vector<std::string> known_metrics;     // left side of asserts
  std::vector<std::string> known_behaviours;  // of groups and `do: behave`; "honest" always counts
  std::vector<std::string> known_bugs;        // debug.seeded_bug
};

// A scenario that passed every check, or at least one diagnostic, each with a place.
using LoadOutcome = tl::expected<Scenario, std::vector<Diagnostic>>;

// Reads the file and what it includes; nothing else is touched.
LoadOutcome load_file(const std::string& path, const LoadOptions& options = {});
// `name` stands for the file in messages; its folder is where `include` starts.
LoadOutcome load_text(const std::string& text, const std::string& name,
                      const LoadOptions& options = {});

}  // namespace orrery::scenario
