#include "scenarios/schema/quantity.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <span>
#include <utility>

#include "scenarios/schema/diagnostics.h"

namespace orrery::scenario {
namespace {

struct Unit {
  std::string_view name;
  std::int64_t factor;  // base units in one
};

constexpr std::int64_t kSecond = 1'000'000'000;

constexpr std::array<Unit, 7> kDurations = {{{"ns", 1},
                                             {"us", 1'000},
                                             {"ms", 1'000'000},
                                             {"s", kSecond},
                                             {"m", 60 * kSecond},
                                             {"h", 3600 * kSecond},
                                             {"d", 86400 * kSecond}}};
constexpr std::array<Unit, 7> kSizes = {{{"B", 1},
                                         {"kB", 1'000},
                                         {"KiB", 1 << 10},
                                         {"MB", 1'000'000},
                                         {"MiB", 1 << 20},
                                         {"GB", 1'000'000'000},
                                         {"GiB", 1 << 30}}};
// In bits a second; divided by eight afterwards.
constexpr std::array<Unit, 4> kBitRates = {
    {{"bps", 1}, {"kbps", 1'000}, {"Mbps", 1'000'000}, {"Gbps", 1'000'000'000}}};
// Nanoseconds of the window that events are counted in.
constexpr std::array<Unit, 4> kEventRates = {
    {{"/s", kSecond}, {"/m", 60 * kSecond}, {"/h", 3600 * kSecond}, {"/d", 86400 * kSecond}}};
constexpr std::array<Unit, 1> kPercents = {{{"%", 1}}};
constexpr std::array<Unit, 3> kPpms = {{{"ppm", 1}, {"%", 10'000}, {"", 1'000'000}}};
constexpr std::array<Unit, 4> kPpbs = {
    {{"ppb", 1}, {"ppm", 1'000}, {"%", 10'000'000}, {"", 1'000'000'000}}};
constexpr std::array<Unit, 1> kCounts = {{{"", 1}}};

std::span<const Unit> units(Dimension dimension) {
  switch (dimension) {
    case Dimension::kDuration: return kDurations;
    case Dimension::kSize: return kSizes;
    case Dimension::kBitRate: return kBitRates;
    case Dimension::kEventRate: return kEventRates;
    case Dimension::kPercent: return kPercents;
    case Dimension::kPpm: return kPpms;
    case Dimension::kPpb: return kPpbs;
    case Dimension::kCount: return kCounts;
  }
  return {};
}

std::string_view short_name(Dimension dimension) {
  switch (dimension) {
    case Dimension::kDuration: return "a duration";
    case Dimension::kSize: return "a size";
    case Dimension::kBitRate: return "a bit rate";
    case Dimension::kEventRate: return "an event rate";
    case Dimension::kPercent: return "a percentage";
    case Dimension::kPpm:
    case Dimension::kPpb: return "a ratio";
    case Dimension::kCount: return "a count";
  }
  return "";
}

Error wrong_unit(const RawQuantity& raw, std::string_view text, Dimension dimension) {
  const std::vector<std::string> known = units_of(dimension);
  if (raw.unit.empty()) {
    return {ErrorCode::kInvalidArgument,
            fmt::format("'{}' has no unit: expected {}", text, describe(dimension))};
  }
  for (Dimension other : {Dimension::kDuration, Dimension::kSize, Dimension::kBitRate,
                          Dimension::kEventRate, Dimension::kPercent}) {
    if (other != dimension && unit_factor(raw.unit, other)) {
      return {ErrorCode::kInvalidArgument,
              fmt::format("'{}' is {}: expected {}", text, short_name(other), describe(dimension))};
    }
  }
  if (dimension == Dimension::kCount) {
    return {ErrorCode::kInvalidArgument,
            fmt::format("'{}' has a unit: expected {}", text, describe(dimension))};
  }
  // "sec", "minutes", "msec": the unit that the word starts with.
  std::string start;
  for (const std::string& unit : known) {
    if (raw.unit.starts_with(unit) && unit.size() > start.size()) start = unit;
  }
  const std::string hint =
      start.empty() ? suggest(raw.unit, known) : fmt::format("did you mean '{}'?", start);
  return {ErrorCode::kInvalidArgument, fmt::format("unknown unit '{}' in '{}': expected {} ({})",
                                                   raw.unit, text, describe(dimension), hint)};
}

Error not_exact(std::string_view text, std::string_view what) {
  return {ErrorCode::kInvalidArgument, fmt::format("'{}' {}", text, what)};
}

std::string decimal(i128 value, std::uint32_t scale) {
  const bool negative = value < 0;
  std::string digits = to_decimal(negative ? static_cast<u128>(0) - static_cast<u128>(value)
                                           : static_cast<u128>(value));
  if (digits.size() <= scale) digits.insert(0, scale + 1 - digits.size(), '0');
  std::string whole = digits.substr(0, digits.size() - scale);
  std::string rest = digits.substr(digits.size() - scale);
  while (!rest.empty() && rest.back() == '0') rest.pop_back();
  return (negative ? "-" : "") + whole + (rest.empty() ? "" : "." + rest);
}

// 1h30m and the like: several number-unit pairs, units strictly falling.
Result<i128> parse_duration(std::string_view text) {
  std::string_view rest = text;
  const bool negative = !rest.empty() && rest.front() == '-';
  if (negative) rest.remove_prefix(1);
  i128 total = 0;
  std::int64_t last_factor = INT64_MAX;
  do {
    std::size_t end = 0;
    while (end < rest.size() &&
           (std::isdigit(static_cast<unsigned char>(rest[end])) != 0 || rest[end] == '.'))
      ++end;
    while (end < rest.size() && std::isdigit(static_cast<unsigned char>(rest[end])) == 0) ++end;
    ASSIGN_OR_RETURN(const RawQuantity raw, parse_raw_quantity(rest.substr(0, end)));
    const auto factor = unit_factor(raw.unit, Dimension::kDuration);
    if (!factor) return tl::unexpected<Error>(wrong_unit(raw, text, Dimension::kDuration));
    if (*factor >= last_factor) {
      return tl::unexpected<Error>(not_exact(text, "must name larger units first, each once"));
    }
    last_factor = static_cast<std::int64_t>(*factor);
    const auto part = scale_exactly(raw.digits, raw.scale, *factor);
    if (!part) {
      return tl::unexpected<Error>(not_exact(text, "is not a whole number of nanoseconds"));
    }
    total += std::min<i128>(*part, INT64_MAX);
    if (*part > INT64_MAX || total > INT64_MAX)
      return tl::unexpected<Error>(not_exact(text, "is longer than 292 years"));
    rest.remove_prefix(end);
  } while (!rest.empty());
  return negative ? -total : total;
}

}  // namespace

std::optional<i128> scale_exactly(i128 digits, std::uint32_t scale, i128 factor) {
  i128 divisor = 1;
  for (std::uint32_t i = 0; i < scale; ++i) divisor *= 10;
  // Cancel before multiplying, so that only a result that does not fit overflows.
  for (i128* part : {&digits, &factor}) {
    i128 x = *part < 0 ? -*part : *part;
    i128 common = divisor;
    while (x != 0) common = std::exchange(x, common % x);
    *part /= common;
    divisor /= common;
  }
  i128 product = 0;
  if (divisor != 1 || __builtin_mul_overflow(digits, factor, &product)) return std::nullopt;
  return product;
}

std::vector<std::string> units_of(Dimension dimension) {
  std::vector<std::string> out;
  for (const Unit& unit : units(dimension)) {
    if (!unit.name.empty()) out.emplace_back(unit.name);
  }
  return out;
}

std::optional<i128> unit_factor(std::string_view unit, Dimension dimension) {
  for (const Unit& known : units(dimension)) {
    if (known.name == unit) return known.factor;
  }
  return std::nullopt;
}

std::string_view describe(Dimension dimension) {
  switch (dimension) {
    case Dimension::kDuration: return "a duration such as 250ms or 1h30m";
    case Dimension::kSize: return "a size such as 512B or 25MiB";
    case Dimension::kBitRate: return "a bit rate such as 10Mbps";
    case Dimension::kEventRate: return "a rate such as 25/s or 6/h";
    case Dimension::kPercent: return "a whole percentage such as 40%";
    case Dimension::kPpm: return "a ratio such as 33% or 0.33";
    case Dimension::kPpb: return "a ratio such as 20ppm or 110ppb";
    case Dimension::kCount: return "a whole number such as 12";
  }
  return "";
}

Result<RawQuantity> parse_raw_quantity(std::string_view text) {
  constexpr std::uint32_t kMaxDigits = 36;  // below the 38 of a 128-bit integer
  RawQuantity out;
  std::string_view rest = text;
  const bool negative = !rest.empty() && rest.front() == '-';
  if (negative) rest.remove_prefix(1);
  std::uint32_t digits = 0;
  bool point = false;
  bool digit_last = false;
  const bool zero_first = rest.size() > 1 && rest[0] == '0' && rest[1] >= '0' && rest[1] <= '9';
  while (!rest.empty()) {
    const char c = rest.front();
    if (c == '.' && digit_last && !point) {
      point = true;
      digit_last = false;
    } else if (c >= '0' && c <= '9') {
      if (++digits > kMaxDigits) break;
      out.digits = out.digits * 10 + (c - '0');
      if (point) ++out.scale;
      digit_last = true;
    } else {
      break;
    }
    rest.remove_prefix(1);
  }
  if (digits > kMaxDigits) {
    return fail(ErrorCode::kInvalidArgument, fmt::format("'{}' has too many digits", text));
  }
  if (!digit_last || zero_first) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("'{}' does not start with a decimal number", text));
  }
  if (negative) out.digits = -out.digits;
  if (!rest.empty() && rest.front() == ' ') rest.remove_prefix(1);
  out.unit = std::string(rest);
  return out;
}

Result<i128> parse_quantity(std::string_view text, Dimension dimension) {
  if (dimension == Dimension::kDuration) return parse_duration(text);
  constexpr std::string_view kPer = "1 per ";
  if (dimension == Dimension::kEventRate && text.starts_with(kPer)) {
    ASSIGN_OR_RETURN(const i128 interval, parse_duration(text.substr(kPer.size())));
    if (interval <= 0) return tl::unexpected<Error>(not_exact(text, "must be above zero"));
    return interval;
  }
  ASSIGN_OR_RETURN(const RawQuantity raw, parse_raw_quantity(text));
  const auto factor = unit_factor(raw.unit, dimension);
  // A bare number above one is no fraction: somebody forgot the percent sign.
  const bool whole_ratio = raw.unit.empty() && dimension != Dimension::kCount && raw.scale == 0 &&
                           (raw.digits > 1 || raw.digits < -1);
  if (!factor || whole_ratio) return tl::unexpected<Error>(wrong_unit(raw, text, dimension));
  if (dimension == Dimension::kEventRate) {
    i128 window = *factor;
    for (std::uint32_t i = 0; i < raw.scale; ++i) {
      if (window > INT64_MAX) return tl::unexpected<Error>(not_exact(text, "has too many digits"));
      window *= 10;
    }
    if (raw.digits <= 0) return tl::unexpected<Error>(not_exact(text, "must be above zero"));
    // Rounded down to a nanosecond: the mean interval of a random stream, not money.
    const i128 interval = window / raw.digits;
    if (interval == 0)
      return tl::unexpected<Error>(not_exact(text, "exceeds one event a nanosecond"));
    return interval;
  }
  auto value = scale_exactly(raw.digits, raw.scale, *factor);
  if (value && dimension == Dimension::kBitRate) {
    value = *value % 8 == 0 ? std::optional<i128>(*value / 8) : std::nullopt;
  }
  if (!value) {
    const std::string_view base = dimension == Dimension::kSize      ? "bytes"
                                  : dimension == Dimension::kBitRate ? "bytes per second"
                                  : dimension == Dimension::kPercent ? "percent"
                                  : dimension == Dimension::kPpm     ? "parts per million"
                                  : dimension == Dimension::kPpb     ? "parts per billion"
                                                                     : "units";
    return tl::unexpected<Error>(not_exact(text, fmt::format("is not a whole number of {}", base)));
  }
  return *value;
}

std::string format_quantity(i128 value, Dimension dimension) {
  switch (dimension) {
    case Dimension::kCount: return to_decimal(value);
    case Dimension::kPercent: return to_decimal(value) + "%";
    case Dimension::kPpm: return decimal(value, 4) + "%";
    case Dimension::kPpb:
      return value % 1000 == 0 ? to_decimal(value / 1000) + "ppm" : to_decimal(value) + "ppb";
    case Dimension::kBitRate: value *= 8; break;
    case Dimension::kEventRate: {
      for (const Unit& unit : kEventRates) {
        if (value > 0 && unit.factor % value == 0) {
          return to_decimal(unit.factor / value) + std::string(unit.name);
        }
      }
      return fmt::format("1 per {}", format_quantity(value, Dimension::kDuration));
    }
    default: break;
  }
  if (value == 0) {
    return dimension == Dimension::kDuration ? "0s" : dimension == Dimension::kSize ? "0B" : "0bps";
  }
  if (dimension == Dimension::kDuration) {
    std::string out = value < 0 ? "-" : "";
    i128 rest = value < 0 ? -value : value;
    for (auto unit = kDurations.rbegin(); unit != kDurations.rend(); ++unit) {
      if (rest < unit->factor) continue;
      out += to_decimal(rest / unit->factor) + std::string(unit->name);
      rest %= unit->factor;
    }
    return out;
  }
  const std::span<const Unit> known = units(dimension);
  const Unit* best = &known.front();
  for (const Unit& unit : known) {
    if (value % unit.factor == 0) best = &unit;
  }
  return to_decimal(value / best->factor) + std::string(best->name);
}

Result<i128> parse_money(std::string_view text, const Currency& currency) {
  ASSIGN_OR_RETURN(const RawQuantity raw, parse_raw_quantity(text));
  if (raw.unit.empty()) {
    return fail(
        ErrorCode::kInvalidArgument,
        fmt::format("'{}' has no unit: expected an amount such as 12.5 {}", text, currency.symbol));
  }
  if (raw.unit != currency.symbol) {
    const std::string hint = suggest(raw.unit, {currency.symbol});
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("unknown currency '{}' in '{}' ({})", raw.unit, text,
                            hint.starts_with("one of") ? "chain.token.symbol is " + currency.symbol
                                                       : hint));
  }
  if (raw.scale > currency.decimals) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("'{}' has {} digits after the point; {} has {}", text, raw.scale,
                            currency.symbol, currency.decimals));
  }
  i128 factor = 1;
  for (std::uint32_t i = 0; i < currency.decimals; ++i) factor *= 10;
  const auto value = scale_exactly(raw.digits, raw.scale, factor);
  if (!value) {
    return fail(ErrorCode::kInvalidArgument, fmt::format("'{}' is too large", text));
  }
  return *value;
}

std::string format_money(u128 amount, const Currency& currency) {
  return decimal(static_cast<i128>(amount), currency.decimals) + " " + currency.symbol;
}

}  // namespace orrery::scenario
