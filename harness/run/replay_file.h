// What re-creates a run or a live network from its directory alone: the scenario file with its
// includes, as JSON, and the overrides.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "harness/run/branch.h"
#include "scenarios/schema/load.h"

namespace orrery::run {

struct ReplayFile {
  std::string document;
  scenario::LoadOptions options;
  std::int64_t until_ns = 0;  // of a simulated run
  std::string digest;         // of a simulated run
  std::optional<BranchSpec> branch;  // that the run has taken
};

// Loader options with `overrides` and the names that only the layers above the loader know.
scenario::LoadOptions loader_options(std::vector<scenario::Override> overrides);

std::string encode(const ReplayFile& replay);
// kNotFound, kMalformed with the path.
Result<ReplayFile> read_replay_file(const std::string& path);
// The scenario that the file describes, before any branch; `path` stands for it in messages.
Result<scenario::Scenario> load_replay(const ReplayFile& replay, const std::string& path);
// The branch of the run, if it has taken one.
Result<std::optional<Branch>> load_replay_branch(const ReplayFile& replay, const std::string& path);

}  // namespace orrery::run
