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

// What re-creates a run from its directory alone: the file with its includes, as JSON, and the
// overrides.
struct ReplayFile {
  std::string document;
  scenario::LoadOptions options;
  std::int64_t until_ns = 0;
  std::string digest;
};
std::string encode(const ReplayFile& replay);
Result<ReplayFile> read_replay(const std::string& dir);
// The scenario of a run directory.
Result<scenario::Scenario> load_replay(const ReplayFile& replay, const std::string& dir);

}  // namespace orrery::cli
