#include "scenarios/schema/distribution_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <vector>

#include "scenarios/schema/diagnostics.h"

namespace orrery::scenario {
namespace {

enum class Slot { kNone, kA, kB, kShape };

struct Parameter {
  std::string_view name;
  Slot slot = Slot::kNone;
};

struct Form {
  std::string_view name;
  DistributionKind kind;
  std::array<Parameter, 2> parameters;
};

constexpr std::array<Form, 6> kForms = {{
    {"const", DistributionKind::kConst, {{{"value", Slot::kA}, {}}}},
    {"uniform", DistributionKind::kUniform, {{{"from", Slot::kA}, {"to", Slot::kB}}}},
    {"normal", DistributionKind::kNormal, {{{"mean", Slot::kA}, {"sd", Slot::kB}}}},
    {"lognormal", DistributionKind::kLognormal, {{{"median", Slot::kA}, {"sigma", Slot::kShape}}}},
    {"exp", DistributionKind::kExp, {{{"mean", Slot::kA}, {}}}},
    {"pareto", DistributionKind::kPareto, {{{"min", Slot::kA}, {"alpha", Slot::kShape}}}},
}};

std::string_view trim(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

Result<std::int64_t> parse_value(std::string_view text, Dimension dimension) {
  ASSIGN_OR_RETURN(const i128 value, parse_quantity(text, dimension));
  if (value < 0) {
    return fail(ErrorCode::kInvalidArgument, fmt::format("'{}' must not be negative", text));
  }
  if (value > INT64_MAX) {
    return fail(ErrorCode::kInvalidArgument, fmt::format("'{}' is too large", text));
  }
  return static_cast<std::int64_t>(value);
}

// A bare decimal above zero as a Q32 fixed-point number, rounded to the nearest.
Result<std::int64_t> parse_shape(std::string_view text) {
  constexpr std::int64_t kLargest = 1'000;  // no real link or queue has a wider spread
  constexpr std::uint32_t kMaxScale = 12;
  ASSIGN_OR_RETURN(const RawQuantity raw, parse_raw_quantity(text));
  i128 power = 1;
  for (std::uint32_t i = 0; i < std::min(raw.scale, kMaxScale); ++i) power *= 10;
  if (!raw.unit.empty() || raw.scale > kMaxScale || raw.digits <= 0 ||
      raw.digits > kLargest * power) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("'{}' must be a bare number above 0, at most {}", text, kLargest));
  }
  return static_cast<std::int64_t>(((raw.digits << 32) + power / 2) / power);
}

std::vector<std::string> known_names(const Form& form) {
  std::vector<std::string> out;
  for (const Parameter& p : form.parameters) {
    if (p.slot != Slot::kNone) out.emplace_back(p.name);
  }
  for (const char* clamp : {"min", "max"}) {
    if (std::find(out.begin(), out.end(), clamp) == out.end()) out.emplace_back(clamp);
  }
  return out;
}

// One `name=value`, or the value of the parameter at `position`.
Status apply(const Form& form, std::string_view argument, std::size_t position, Dimension dimension,
             std::vector<std::string>& seen, DistributionSpec& spec) {
  const std::size_t equals = argument.find('=');
  const bool named = equals != std::string_view::npos;
  if (!named &&
      (position >= form.parameters.size() || form.parameters[position].slot == Slot::kNone)) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("'{}' is one argument too many for {}()", argument, form.name));
  }
  const std::string name(named ? trim(argument.substr(0, equals)) : form.parameters[position].name);
  const std::string_view value = named ? trim(argument.substr(equals + 1)) : argument;
  const std::vector<std::string> known = known_names(form);
  if (std::find(known.begin(), known.end(), name) == known.end()) {
    return fail(ErrorCode::kInvalidArgument, fmt::format("{}() has no parameter '{}' ({})",
                                                         form.name, name, suggest(name, known)));
  }
  if (std::find(seen.begin(), seen.end(), name) != seen.end()) {
    return fail(ErrorCode::kInvalidArgument, fmt::format("'{}' is given twice", name));
  }
  seen.push_back(name);
  Slot slot = Slot::kNone;
  for (const Parameter& p : form.parameters) {
    if (p.name == name) slot = p.slot;
  }
  if (slot == Slot::kShape) {
    ASSIGN_OR_RETURN(spec.shape_q32, parse_shape(value));
    return {};
  }
  ASSIGN_OR_RETURN(const std::int64_t number, parse_value(value, dimension));
  if (slot == Slot::kA) spec.a = number;
  if (slot == Slot::kB) spec.b = number;
  if (name == "min") spec.min = number;  // a Pareto minimum is both
  if (name == "max") spec.max = number;
  return {};
}

Status check(const Form& form, const DistributionSpec& spec) {
  const auto bad = [&](std::string_view why) {
    return fail(ErrorCode::kInvalidArgument, fmt::format("{}(): {}", form.name, why));
  };
  if (spec.kind == DistributionKind::kUniform && spec.b < spec.a) return bad("from exceeds to");
  if (spec.min > spec.max) return bad("min exceeds max");
  if (spec.kind == DistributionKind::kPareto && spec.a == 0) return bad("min must be above zero");
  return {};
}

}  // namespace

Result<DistributionSpec> parse_distribution(std::string_view text, Dimension dimension) {
  const std::size_t open = text.find('(');
  if (open == std::string_view::npos) {
    if (text.find(')') != std::string_view::npos) {
      return fail(ErrorCode::kInvalidArgument, fmt::format("'{}' lacks a '('", text));
    }
    ASSIGN_OR_RETURN(const std::int64_t value, parse_value(text, dimension));
    return DistributionSpec{.kind = DistributionKind::kConst, .a = value};
  }
  const std::string_view name = trim(text.substr(0, open));
  const Form* form = nullptr;
  std::vector<std::string> names;
  for (const Form& candidate : kForms) {
    names.emplace_back(candidate.name);
    if (candidate.name == name) form = &candidate;
  }
  if (form == nullptr) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("unknown distribution '{}' ({})", name, suggest(name, names)));
  }
  if (text.back() != ')') {
    return fail(ErrorCode::kInvalidArgument, fmt::format("'{}' lacks a ')'", text));
  }
  DistributionSpec spec{.kind = form->kind};
  std::string_view rest = text.substr(open + 1, text.size() - open - 2);
  std::vector<std::string> seen;
  for (std::size_t position = 0; !trim(rest).empty(); ++position) {
    const std::size_t comma = rest.find(',');
    TRY(apply(*form, trim(rest.substr(0, comma)), position, dimension, seen, spec));
    rest = comma == std::string_view::npos ? std::string_view() : rest.substr(comma + 1);
  }
  for (const Parameter& p : form->parameters) {
    if (p.slot != Slot::kNone && std::find(seen.begin(), seen.end(), p.name) == seen.end()) {
      return fail(ErrorCode::kInvalidArgument, fmt::format("{}() needs '{}'", form->name, p.name));
    }
  }
  TRY(check(*form, spec));
  return spec;
}

std::string format_distribution(const DistributionSpec& spec, Dimension dimension) {
  const auto quantity = [&](std::int64_t v) { return format_quantity(v, dimension); };
  const bool clamped_below = spec.min != 0 && spec.kind != DistributionKind::kPareto;
  const bool clamped = clamped_below || spec.max != INT64_MAX;
  if (spec.kind == DistributionKind::kConst && !clamped) return quantity(spec.a);
  for (const Form& form : kForms) {
    if (form.kind != spec.kind) continue;
    std::string out(form.name);
    const char* separator = "(";
    for (const Parameter& p : form.parameters) {
      if (p.slot == Slot::kNone) continue;
      // Nine digits after the point tell all Q32 values of practical size apart.
      const i128 nano = (static_cast<i128>(spec.shape_q32) * 1'000'000'000 + (1LL << 31)) >> 32;
      std::string shape = fmt::format("{}.{:09}", static_cast<std::int64_t>(nano / 1'000'000'000),
                                      static_cast<std::int64_t>(nano % 1'000'000'000));
      while (shape.back() == '0') shape.pop_back();
      if (shape.back() == '.') shape.pop_back();
      out += fmt::format(
          "{}{}={}", separator, p.name,
          p.slot == Slot::kShape ? shape : quantity(p.slot == Slot::kA ? spec.a : spec.b));
      separator = ", ";
    }
    if (clamped_below) out += fmt::format(", min={}", quantity(spec.min));
    if (spec.max != INT64_MAX) out += fmt::format(", max={}", quantity(spec.max));
    return out + ")";
  }
  return {};
}

}  // namespace orrery::scenario
