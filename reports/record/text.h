// Text that comes from the network (prompts, answers, names) is arbitrary bytes; files that people
// and tools open must be valid UTF-8 and valid CSV all the same.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace orrery::report {

// Well-formed UTF-8 (no overlong forms, no surrogates, nothing beyond U+10FFFF).
bool is_utf8(std::string_view bytes);

// The same text with every byte that is not part of well-formed UTF-8 replaced by U+FFFD.
std::string to_utf8(std::string_view bytes);

// At most `max_bytes` of valid UTF-8, cut between characters, with an ellipsis if anything was cut.
std::string shorten(std::string_view utf8, std::size_t max_bytes);

// A cell of RFC 4180 CSV: quoted if it holds a comma, a quote or a line break.
std::string csv_cell(std::string_view utf8);

}  // namespace orrery::report
