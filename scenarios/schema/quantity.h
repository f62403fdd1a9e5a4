// Numbers with units: exact parsing into integers of the base unit, and the way back. No floating
// point: a value that the base unit cannot hold exactly (0.3ns, 0.0000001 of a ratio in ppm) is an
// error, never rounded.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/integer.h"
#include "engine/base/result.h"

namespace orrery::scenario {

// Every dimension that a value may have, with its base unit.
enum class Dimension : std::uint8_t {
  kDuration,   // nanoseconds: ns us ms s m h d
  kSize,       // bytes: B kB MB GB KiB MiB GiB
  kBitRate,    // bytes per second: bps kbps Mbps Gbps
  kEventRate,  // mean nanoseconds between two events: /s /m /h /d, or `1 per 90s`
  kPercent,    // parts per hundred: %
  kPpm,        // parts per million: % ppm, or a bare fraction
  kPpb,        // parts per billion: % ppm ppb, or a bare fraction
  kCount,      // a bare integer
};

// A decimal number and the unit behind it, before the unit means anything: 12.5 AIGEN.
struct RawQuantity {
  i128 digits = 0;          // 125
  std::uint32_t scale = 0;  // 1: digits / 10^scale
  std::string unit;         // AIGEN; empty for a bare number
};

// Reads `[-]digits[.digits][space][unit]`; leading zeros, exponents and separators are refused.
// kInvalidArgument says what is wrong.
Result<RawQuantity> parse_raw_quantity(std::string_view text);

// A value in the base unit of `dimension`. Durations may be compound (1h30m) and negative; rates
// are `25/s`. Errors name the units that fit and the nearest to the one given.
Result<i128> parse_quantity(std::string_view text, Dimension dimension);

// The shortest exact spelling that parse_quantity reads back to `value`.
std::string format_quantity(i128 value, Dimension dimension);

// Money: `12.5 AIGEN` into base units of 10^-decimals.
struct Currency {
  std::string symbol = "AIGEN";
  std::uint32_t decimals = 18;
};
Result<i128> parse_money(std::string_view text, const Currency& currency);
std::string format_money(u128 amount, const Currency& currency);

// "a duration such as 250ms or 1h30m": completes "expected ...".
std::string_view describe(Dimension dimension);
// The units of a dimension, smallest first.
std::vector<std::string> units_of(Dimension dimension);
// The base-unit factor of a unit of durations or sizes; used where units mix in arithmetic.
std::optional<i128> unit_factor(std::string_view unit, Dimension dimension);

// digits / 10^scale * factor, if that is a whole number that fits.
std::optional<i128> scale_exactly(i128 digits, std::uint32_t scale, i128 factor);

}  // namespace orrery::scenario
