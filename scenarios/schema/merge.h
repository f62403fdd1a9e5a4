// From a file to one tree: `include:` merged underneath the including file, then overrides on top.
// Maps merge key by key; a list replaces the other, unless every item of both has a `name`: then
// items of equal name merge and new ones follow.
#pragma once

#include <string>
#include <vector>

#include "scenarios/schema/document.h"
#include "scenarios/schema/load.h"

namespace orrery::scenario {

// Reads `path` and what it includes. Paths in `include` are relative to the file that names them.
Node merge_file(const std::string& path, Diagnostics& diagnostics);
// The same for a text; `name` stands for its path.
Node merge_text(const std::string& text, const std::string& name, Diagnostics& diagnostics);

// `--set key=value`: key is a path of map keys, item names and item positions, joined by dots. The
// value is read as YAML. A missing map on the way is made; a missing list item is an error.
void apply_overrides(Node& root, const std::vector<Override>& overrides, Diagnostics& diagnostics);

}  // namespace orrery::scenario
