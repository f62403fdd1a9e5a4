// What every page is made with: a template that is filled in, and Plotly to put inside.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "engine/base/result.h"

namespace orrery::report {

// The minified Plotly that the build made. Where the build directory is gone, name another path.
std::string default_plotly_js();

// The text of the file, safe inside a script element. kNotFound, kIo, kLimit or kMalformed if not.
Result<std::string> read_plotly(const std::string& path, std::uint64_t max_bytes);

// JSON that no "</script>" inside can end: '<' stands in strings alone, and is escaped there.
std::string script_safe(std::string_view json);

// Replaces each {{name}} of the template in one pass: what is put in is never looked at again. A
// name without a part is a bug of the page.
std::string fill_page(std::string_view page,
                      const std::map<std::string_view, std::string_view>& parts);

}  // namespace orrery::report
