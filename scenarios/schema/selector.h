// Sets of nodes in text: workers-3, group(workers), group(workers)[0..9], group(workers)[3],
// role(validator), region(eu), all, sample(<set>, 10%), sample(<set>, 3), parentheses, and the
// operators & (both), | (either), - (without). `&` binds tighter than `|` and `-`, which go left to
// right; `-` needs a space in front, because names contain it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "scenarios/schema/scenario.h"

namespace orrery::scenario {

// Bootstrap, validator, miner, user, full: in the order of Role.
std::string_view role_name(Role role);

struct SelectorSource {
  const std::vector<NodeSpec>& nodes;
  std::uint64_t seed;     // of the scenario
  std::string_view path;  // of the key: each selector draws its samples from a stream of its own
};

// Indices into nodes, ascending, at least one. A share of a sample is rounded up. Errors name what
// is unknown and the nearest known name.
Result<std::vector<std::uint32_t>> select_nodes(std::string_view text,
                                                const SelectorSource& source);

}  // namespace orrery::scenario
