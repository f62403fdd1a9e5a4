#include "scenarios/schema/values.h"

#include <fmt/format.h>

#include <algorithm>

#include "scenarios/schema/distribution_text.h"

namespace orrery::scenario {
namespace {

constexpr std::size_t kMaxText = 4'000;  // `about` and the like
constexpr std::size_t kMaxSides = 16;    // of one partition
constexpr std::size_t kMaxRegions = 64;  // alternatives of one group
constexpr std::uint64_t kMaxWeight = 1'000'000;

tl::unexpected<Error> bad(std::string message) {
  return tl::unexpected<Error>(Error{ErrorCode::kInvalidArgument, std::move(message)});
}

bool is_distribution(Type type) {
  return type == Type::kDurationDistribution || type == Type::kSizeDistribution ||
         type == Type::kCountDistribution;
}

Status check_range(const Field& field, i128 value, std::string_view text,
                   const Currency& currency) {
  if (value >= field.min && value <= field.max) return {};
  const auto spell = [&](i128 bound) {
    Field plain = field;
    if (field.type == Type::kDurationDistribution) plain.type = Type::kDuration;
    if (field.type == Type::kSizeDistribution) plain.type = Type::kSize;
    if (field.type == Type::kCountDistribution) plain.type = Type::kCount;
    Value v;
    v.integer = bound;
    return format_value(plain, v, currency);
  };
  if (value < field.min) return bad(fmt::format("'{}' is below {}", text, spell(field.min)));
  return bad(fmt::format("'{}' is above {}", text, spell(field.max)));
}

Result<Value> parse_choice(const Field& field, const std::string& text) {
  std::vector<std::string> known;
  for (std::size_t i = 0; i < field.choices.size(); ++i) {
    known.emplace_back(field.choices[i]);
    if (text == field.choices[i]) return Value{.integer = static_cast<i128>(i), .text = text};
  }
  return bad(fmt::format("unknown value '{}' ({}); one of: {}", text, suggest(text, known),
                         fmt::join(known, ", ")));
}

Result<Value> parse_distribution_value(const Field& field, const std::string& text,
                                       const Currency& currency) {
  ASSIGN_OR_RETURN(DistributionSpec spec, parse_distribution(text, *dimension_of(field.type)));
  TRY(check_range(field, spec.a, text, currency));
  if (spec.kind == DistributionKind::kUniform) TRY(check_range(field, spec.b, text, currency));
  spec.min = std::max(spec.min, static_cast<std::int64_t>(field.min));
  if (spec.max < spec.min) return bad(fmt::format("'{}': max is below the least value", text));
  return Value{.distribution = spec};
}

Result<Value> parse_time(const Field& field, const std::string& text) {
  if (!text.starts_with("t+")) {
    const bool duration = parse_quantity(text, Dimension::kDuration).has_value();
    return bad(fmt::format("'{}' is not {}{}", text, expectation(field),
                           duration ? fmt::format(" (did you mean 't+{}'?)", text) : ""));
  }
  ASSIGN_OR_RETURN(const i128 value,
                   parse_quantity(std::string_view(text).substr(2), Dimension::kDuration));
  if (value < 0) return bad(fmt::format("'{}' lies before the start", text));
  return Value{.integer = value};
}

Result<Value> parse_scalar(const Field& field, const Node& node, const Currency& currency) {
  const std::string& text = node.text;
  Value value{.text = text};
  switch (field.type) {
    case Type::kBoolean:
      if (!node.plain || (text != "true" && text != "false")) {
        return bad(fmt::format("'{}' is not true or false", text));
      }
      value.integer = text == "true" ? 1 : 0;
      return value;
    case Type::kText:
      if (text.size() > kMaxText) return bad(fmt::format("longer than {} bytes", kMaxText));
      return value;
    case Type::kContent: return value;  // bounded where it was read
    case Type::kName:
      if (!is_name(text)) return bad(fmt::format("'{}' is not {}", text, expectation(field)));
      return value;
    case Type::kSymbol: {
      const bool good = !text.empty() && text.size() <= 12 && text[0] >= 'A' && text[0] <= 'Z' &&
                        std::all_of(text.begin(), text.end(), [](char c) {
                          return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
                        });
      if (!good) return bad(fmt::format("'{}' is not {}", text, expectation(field)));
      return value;
    }
    case Type::kChoice: return parse_choice(field, text);
    case Type::kTime: return parse_time(field, text);
    case Type::kSelector:
    case Type::kCondition:
    case Type::kInstant:
      if (text.empty()) return bad(fmt::format("empty: expected {}", expectation(field)));
      if (text.size() > kMaxText) return bad(fmt::format("longer than {} bytes", kMaxText));
      return value;
    case Type::kMoney: {
      ASSIGN_OR_RETURN(value.integer, parse_money(text, currency));
      break;
    }
    case Type::kCount:
      if (!node.plain)
        return bad(fmt::format("\"{}\" is text: write the number without quotes", text));
      [[fallthrough]];
    default: {
      if (is_distribution(field.type)) return parse_distribution_value(field, text, currency);
      ASSIGN_OR_RETURN(value.integer, parse_quantity(text, *dimension_of(field.type)));
      break;
    }
  }
  TRY(check_range(field, value.integer, text, currency));
  return value;
}

Result<Value> parse_region(const Field& field, const Node& node) {
  const auto wrong = [&] { return bad(fmt::format("expected {}", expectation(field))); };
  Value value;
  if (node.kind == Node::Kind::kScalar) {
    if (!is_name(node.text))
      return bad(fmt::format("'{}' is not {}", node.text, expectation(field)));
    value.weights.emplace_back(node.text, 1);
    return value;
  }
  const Node* choice = node.find("choice");
  if (node.kind != Node::Kind::kMap || node.entries.size() != 1 || choice == nullptr ||
      choice->kind != Node::Kind::kMap || choice->entries.empty()) {
    return wrong();
  }
  if (choice->entries.size() > kMaxRegions) {
    return bad(fmt::format("more than {} regions", kMaxRegions));
  }
  for (const Entry& entry : choice->entries) {
    const auto weight = parse_decimal(entry.value.text);
    if (!is_name(entry.key) || entry.value.kind != Node::Kind::kScalar || !weight || *weight == 0 ||
        *weight > kMaxWeight) {
      return bad(fmt::format("the weight of region '{}' must be a whole number from 1 to {}",
                             entry.key, kMaxWeight));
    }
    value.weights.emplace_back(entry.key, static_cast<std::uint64_t>(*weight));
  }
  // The draw must not depend on the order of keys in the file.
  std::sort(value.weights.begin(), value.weights.end());
  return value;
}

Result<Value> parse_selectors(const Field& field, const Node& node) {
  if (node.kind != Node::Kind::kList) {
    return bad(fmt::format("expected {}, found {}", expectation(field), kind_name(node)));
  }
  if (node.items.size() > kMaxSides) return bad(fmt::format("more than {} items", kMaxSides));
  Value value;
  for (const Node& item : node.items) {
    if (item.kind != Node::Kind::kScalar || item.text.empty() || item.text.size() > kMaxText) {
      return bad(fmt::format("expected {}", expectation(field)));
    }
    value.list.push_back(item.text);
  }
  return value;
}

}  // namespace

Result<Value> parse_value(const Field& field, const Node& node, const Currency& currency) {
  if (field.type == Type::kRegion) return parse_region(field, node);
  if (field.type == Type::kSelectors) return parse_selectors(field, node);
  if (node.kind != Node::Kind::kScalar) {
    return bad(fmt::format("expected {}, found {}", expectation(field), kind_name(node)));
  }
  return parse_scalar(field, node, currency);
}

std::string format_value(const Field& field, const Value& value, const Currency& currency) {
  switch (field.type) {
    case Type::kBoolean: return value.integer != 0 ? "true" : "false";
    case Type::kChoice:
      return value.text.empty()
                 ? std::string(field.choices.at(static_cast<std::size_t>(value.integer)))
                 : value.text;
    case Type::kTime:
      if (value.integer == kNever.ns) return {};
      return "t+" + format_quantity(value.integer, Dimension::kDuration);
    case Type::kMoney: return format_money(static_cast<u128>(value.integer), currency);
    case Type::kDurationDistribution:
    case Type::kSizeDistribution:
    case Type::kCountDistribution: {
      DistributionSpec spec = value.distribution;
      if (spec.min == field.min) spec.min = 0;  // the table's own bound is not spelled out
      return format_distribution(spec, *dimension_of(field.type));
    }
    default: break;
  }
  const auto dimension = dimension_of(field.type);
  return dimension ? format_quantity(value.integer, *dimension) : value.text;
}

std::optional<Dimension> dimension_of(Type type) {
  switch (type) {
    case Type::kCount:
    case Type::kCountDistribution: return Dimension::kCount;
    case Type::kDuration:
    case Type::kDurationDistribution: return Dimension::kDuration;
    case Type::kSize:
    case Type::kSizeDistribution: return Dimension::kSize;
    case Type::kBitRate: return Dimension::kBitRate;
    case Type::kEventRate: return Dimension::kEventRate;
    case Type::kPercent: return Dimension::kPercent;
    case Type::kPpm: return Dimension::kPpm;
    case Type::kPpb: return Dimension::kPpb;
    default: return std::nullopt;
  }
}

std::string expectation(const Field& field) {
  switch (field.type) {
    case Type::kBoolean: return "true or false";
    case Type::kText: return "text";
    case Type::kName: return "a name of a-z, 0-9, '-' and '_', at most 63 long";
    case Type::kSymbol: return "a code of A-Z and 0-9, at most 12 long";
    case Type::kChoice: return fmt::format("one of: {}", fmt::join(field.choices, ", "));
    case Type::kTime: return "a time such as t+30s";
    case Type::kMoney: return "an amount such as 12.5 AIGEN";
    case Type::kDurationDistribution:
      return "a duration such as 50ms or a distribution such as lognormal(median=40ms, sigma=0.6)";
    case Type::kSizeDistribution:
      return "a size such as 24B or a distribution such as uniform(8B, 64B)";
    case Type::kCountDistribution:
      return "a count such as 16 or a distribution such as uniform(4, 32)";
    case Type::kSelector: return "nodes such as group(workers)[3]";
    case Type::kSelectors: return "a list of node selectors";
    case Type::kRegion: return "a region's name or {choice: {eu: 4, asia: 2}}";
    case Type::kCondition: return "a comparison such as \"tasks.settled > 100\"";
    case Type::kInstant: return "<fault>.begin, <fault>.end or a time such as t+30s";
    case Type::kContent: return "the text of a file";
    case Type::kFiles: return "a file name or a list of them";
    case Type::kVariables: return "a map of names to values";
    case Type::kSection: return "a map";
    case Type::kList: return "a list of maps";
    default: break;
  }
  const auto dimension = dimension_of(field.type);
  return dimension ? std::string(describe(*dimension)) : std::string();
}

bool is_name(std::string_view text) {
  if (text.empty() || text.size() > 63 || text[0] == '-' || text[0] == '_') return false;
  return std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  });
}

}  // namespace orrery::scenario
