#include "reports/record/amount.h"

#include <algorithm>

#include "engine/base/integer.h"

namespace orrery::report {
namespace {

Result<i128> parse(std::string_view text) {
  const std::optional<u128> value = parse_decimal(text);
  if (!value) {
    return fail(ErrorCode::kMalformed, "expected an amount in base units (digits only), got \"" +
                                           std::string(text) + "\"");
  }
  if (*value >> 127) return fail(ErrorCode::kLimit, "amount beyond 2^127: " + std::string(text));
  return static_cast<i128>(*value);
}

}  // namespace

bool is_integer_text(std::string_view text) {
  if (text.starts_with('-')) text.remove_prefix(1);
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

std::string group_digits(std::string_view digits) {
  std::string out;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (i != 0 && (digits.size() - i) % 3 == 0) out += ',';
    out += digits[i];
  }
  return out;
}

std::string format_amount(std::string_view base_units, std::uint32_t decimals, Fraction fraction) {
  if (!is_integer_text(base_units)) return std::string(base_units);
  const bool negative = base_units.starts_with('-');
  std::string digits(base_units.substr(negative ? 1 : 0));
  if (digits.size() <= decimals) digits.insert(0, decimals + 1 - digits.size(), '0');
  const std::string_view whole = std::string_view(digits).substr(0, digits.size() - decimals);
  std::string_view rest = std::string_view(digits).substr(whole.size());
  if (fraction == Fraction::kTrimmed) rest = rest.substr(0, rest.find_last_not_of('0') + 1);
  std::string out = (negative ? "-" : "") + group_digits(whole);
  if (!rest.empty()) out.append(".").append(rest);
  return out;
}

Result<std::string> add_amounts(std::string_view a, std::string_view b) {
  ASSIGN_OR_RETURN(const i128 x, parse(a));
  ASSIGN_OR_RETURN(const i128 y, parse(b));
  const u128 sum = static_cast<u128>(x) + static_cast<u128>(y);  // both below 2^127: cannot wrap
  if (sum >> 127) return fail(ErrorCode::kLimit, "sum of amounts beyond 2^127");
  return to_decimal(sum);
}

Result<std::string> subtract_amounts(std::string_view a, std::string_view b) {
  ASSIGN_OR_RETURN(const i128 x, parse(a));
  ASSIGN_OR_RETURN(const i128 y, parse(b));
  return to_decimal(x - y);
}

}  // namespace orrery::report
