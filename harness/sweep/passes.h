// The ways in which a scenario document is made smaller. A proposal may be no valid scenario: the
// loader then refuses it, which counts as not failing.
#pragma once

#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "engine/base/time.h"
#include "engine/check/shrink.h"

namespace orrery::sweep {

using Document = nlohmann::ordered_json;

// In the order in which they pay: what makes all later trials quicker comes first.
// `failed_at` of the present document is asked for by the pass that ends the run sooner; `keep` is
// the assert that fails, if one does.
std::vector<check::ShrinkPass<Document>> shrink_passes(std::function<Time()> failed_at,
                                                       std::string keep);

}  // namespace orrery::sweep
