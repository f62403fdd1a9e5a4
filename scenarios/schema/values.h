// One scalar (or small list) of a file to a typed Value by the rules of its Field, and back to
// text.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "scenarios/schema/fields.h"

namespace orrery::scenario {

// Checks form, unit and range. The error's message is complete but for place and path.
Result<Value> parse_value(const Field& field, const Node& node, const Currency& currency);

// The spelling that parse_value reads back; empty where the value stands for "not given".
std::string format_value(const Field& field, const Value& value, const Currency& currency);

// The dimension behind a numeric type (of its values, for distributions).
std::optional<Dimension> dimension_of(Type type);

// "a duration such as 250ms": completes "expected ...".
std::string expectation(const Field& field);

// True for [a-z0-9][a-z0-9_-]{0,62}.
bool is_name(std::string_view text);

}  // namespace orrery::scenario
