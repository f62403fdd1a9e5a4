// Money as text: amounts travel through records as decimal strings of base units, and are formatted
// and added here without ever passing through a floating-point number.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "engine/base/result.h"

namespace orrery::report {

// True for an optional '-' followed by at least one digit and nothing else.
bool is_integer_text(std::string_view text);

enum class Fraction : std::uint8_t {
  kFull,     // all `decimals` digits, so that columns align at the point
  kTrimmed,  // without trailing zeros
};

// "1234500" with 3 decimals -> "1,234.500" (kFull) or "1,234.5" (kTrimmed). Any length; the value
// is exact. Text that is not an integer comes back unchanged, so that a broken record stays
// visible.
std::string format_amount(std::string_view base_units, std::uint32_t decimals,
                          Fraction fraction = Fraction::kFull);

// a + b and a - b of non-negative integer texts below 2^127; the difference may be negative.
// kMalformed where a text is no such integer, kLimit where the result does not fit.
Result<std::string> add_amounts(std::string_view a, std::string_view b);
Result<std::string> subtract_amounts(std::string_view a, std::string_view b);

// "1234567" -> "1,234,567"; for counts as well as money.
std::string group_digits(std::string_view digits);

}  // namespace orrery::report
