// From command-line words to a Scenario.
#pragma once

#include <string>

#include "harness/cli/commands.h"
#include "scenarios/schema/load.h"

namespace orrery::cli {

// Overrides with what the loader needs to know from above. Complains and gives nothing if a --set
// is not key=value.
std::optional<scenario::LoadOptions> load_options(const std::vector<std::string>& set,
                                                  std::optional<std::uint64_t> seed);

// Loads; complains with all diagnostics. Nothing: exit with kUsage.
std::optional<scenario::Scenario> load(const ScenarioArgs& args);

}  // namespace orrery::cli
