// Scenario documents (JSON, in the words of a scenario file) and the scenarios that they mean.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "engine/base/result.h"
#include "scenarios/schema/load.h"

namespace orrery::sweep {

// kInvalidArgument with the loader's first complaint.
Result<scenario::Scenario> load_document(const nlohmann::ordered_json& document,
                                         const scenario::LoadOptions& options);

}  // namespace orrery::sweep
