// A scenario document as people write it.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace orrery::scenario {

// YAML of the strict subset that the loader reads; keys in the order given. Maps of plain values
// inside lists stand on one line where they fit. `comment` becomes lines that begin with '#'.
std::string yaml_text(const nlohmann::ordered_json& document, const std::string& comment = "");

}  // namespace orrery::scenario
