// JSON from strangers.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "engine/base/result.h"

namespace orrery::model {

// kMalformed, naming `what`, if the text is not JSON, has a key twice in one object, or is nested
// deeper than 64.
Result<nlohmann::json> parse_json(std::string_view text, const std::string& what);

// The whole file. kNotFound or kIo, naming the path.
Result<std::string> read_text_file(const std::string& path);

}  // namespace orrery::model
