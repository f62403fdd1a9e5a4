// A shrunk failure as people get it: a file and a story.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "engine/base/result.h"
#include "harness/sweep/shrink.h"

namespace orrery::cli {

// Writes the scenario with its story as a comment to `path`, and if `keep` also into the library of
// regressions. What --json says of it; the story goes to standard error as well.
Result<nlohmann::json> present_small(const sweep::Shrunk& shrunk,
                                     const scenario::LoadOptions& options, const std::string& path,
                                     bool keep);

}  // namespace orrery::cli
