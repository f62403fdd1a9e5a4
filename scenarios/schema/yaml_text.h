// A scenario document as people write it.
#pragma once

#include <string>

namespace orrery::scenario {

// From a document in JSON to YAML of the strict subset that the loader reads; keys in the order
// given. Maps of plain values inside lists stand on one line where they fit. `comment` becomes
// lines that begin with '#'.
std::string yaml_text(const std::string& document, const std::string& comment = "");

}  // namespace orrery::scenario
