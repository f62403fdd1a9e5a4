// Distributions in call form: `lognormal(median=40ms, sigma=0.6, max=2s)`. A plain quantity is a
// constant. Parameters by name, or in the order of the table in the .cc; `min` and `max` clamp.
#pragma once

#include <string>
#include <string_view>

#include "engine/base/distribution.h"
#include "engine/base/result.h"
#include "scenarios/schema/quantity.h"

namespace orrery::scenario {

// Values in the base unit of `dimension` (kDuration, kSize or kCount); all of them >= 0.
Result<DistributionSpec> parse_distribution(std::string_view text, Dimension dimension);

// Reads back to an equal spec, but for the last digits of sigma and alpha (nine are written).
std::string format_distribution(const DistributionSpec& spec, Dimension dimension);

}  // namespace orrery::scenario
