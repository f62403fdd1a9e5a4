#include "scenarios/schema/schema.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "scenarios/schema/expression.h"
#include "scenarios/schema/fields.h"
#include "scenarios/schema/merge.h"
#include "scenarios/schema/values.h"

namespace orrery::scenario {
namespace {

using nlohmann::json;

constexpr std::string_view kNumber = "-?(0|[1-9][0-9]*)(\\.[0-9]+)?";
constexpr std::string_view kVariable = "|.*\\$\\{.*\\}.*";

// A string in one of the given spellings, or one with a variable in it.
json text(const std::string& pattern) {
  return {{"type", "string"}, {"pattern", fmt::format("^(?:{}{})$", pattern, kVariable)}};
}

std::string with_units(Dimension dimension) {
  return fmt::format("{} ?({})", kNumber, fmt::join(units_of(dimension), "|"));
}

std::string durations() { return fmt::format("-?({} ?(ns|us|ms|s|m|h|d))+", "[0-9]+(\\.[0-9]+)?"); }

std::string distributions(const std::string& plain) {
  return plain + "|(const|uniform|normal|lognormal|exp|pareto)\\(.*\\)";
}

json or_number(json schema) { return {{"anyOf", {{{"type", "number"}}, std::move(schema)}}}; }

json scalar_schema(const Field& field) {
  const std::string name = "[a-z0-9][a-z0-9_-]{0,62}";
  const json named = text(name);
  switch (field.type) {
    case Type::kBoolean: return {{"type", "boolean"}};
    case Type::kName: return named;
    case Type::kSymbol: return text("[A-Z][A-Z0-9]{0,11}");
    case Type::kChoice: return {{"enum", field.choices}};
    case Type::kCount: {
      json number = {{"type", "integer"}, {"minimum", static_cast<std::int64_t>(field.min)}};
      number["maximum"] = static_cast<std::uint64_t>(field.max);
      return {{"anyOf", {number, text("\\$\\{.*\\}")}}};
    }
    case Type::kDuration: return text(durations());
    case Type::kTime: return text("t\\+" + durations());
    case Type::kSize:
    case Type::kBitRate:
    case Type::kPercent: return text(with_units(*dimension_of(field.type)));
    case Type::kEventRate: return text(with_units(Dimension::kEventRate) + "|1 per " + durations());
    case Type::kPpm:
    case Type::kPpb: return or_number(text(with_units(*dimension_of(field.type))));
    case Type::kMoney: return text(fmt::format("{} ?[A-Z][A-Z0-9]{{0,11}}", kNumber));
    case Type::kDurationDistribution: return text(distributions(durations()));
    case Type::kSizeDistribution: return text(distributions(with_units(Dimension::kSize)));
    case Type::kCountDistribution: return or_number(text(distributions("[0-9]+")));
    case Type::kSelectors:
      return {{"type", "array"}, {"minItems", 2}, {"items", {{"type", "string"}}}};
    case Type::kRegion: {
      const json weights = {{"type", "object"},
                            {"minProperties", 1},
                            {"propertyNames", named},
                            {"additionalProperties", or_number(text("\\$\\{.*\\}"))}};
      return {{"anyOf",
               {named,
                {{"type", "object"},
                 {"additionalProperties", false},
                 {"required", {"choice"}},
                 {"properties", {{"choice", weights}}}}}}};
    }
    case Type::kFiles:
      return {
          {"anyOf", {{{"type", "string"}}, {{"type", "array"}, {"items", {{"type", "string"}}}}}}};
    case Type::kVariables:
      return {{"type", "object"},
              {"additionalProperties", {{"type", {"string", "number", "boolean"}}}}};
    default: return {{"type", "string"}, {"minLength", field.type == Type::kText ? 0 : 1}};
  }
}

std::string default_text(const Section& section, const Field& field) {
  if (!field.default_note.empty()) return std::string(field.default_note);
  if (field.required || field.get == nullptr || section.defaults == nullptr) return {};
  return format_value(field, field.get(section.defaults()), {});
}

// Which kinds a key is for, where it is not for all: " Goes with do: crash."
std::string kinds_text(const Section& section, const Field& field) {
  const Field* kind = section.find(section.discriminator);
  if (kind == nullptr) return {};
  std::vector<std::string_view> names;
  for (std::size_t i = 0; i < kind->choices.size(); ++i) {
    if ((field.allowed_for >> i & 1) != 0) names.push_back(kind->choices[i]);
  }
  if (names.size() == kind->choices.size()) return {};
  return fmt::format(" Goes with {}: {}.", kind->name, fmt::join(names, ", "));
}

json section_schema(const Section& section);

json field_schema(const Section& section, const Field& field) {
  json out;
  if (field.type == Type::kSection) {
    out = section_schema(*field.section);
  } else if (field.type == Type::kList) {
    out = {{"type", "array"}, {"items", section_schema(*field.section)}};
    if (field.min > 0) out["minItems"] = static_cast<int>(field.min);
  } else {
    out = scalar_schema(field);
    const std::string value = default_text(section, field);
    if (!value.empty() && field.default_note.empty()) {
      out["default"] = field.type == Type::kCount     ? json::parse(value, nullptr, false)
                       : field.type == Type::kBoolean ? json(value == "true")
                                                      : json(value);
    }
  }
  std::string meaning = std::string(field.meaning) + kinds_text(section, field);
  if (!field.default_note.empty()) meaning += fmt::format(" Default: {}.", field.default_note);
  out["description"] = meaning;
  return out;
}

// For each kind: which keys it needs and which it refuses.
json kind_rules(const Section& section) {
  json rules = json::array();
  const Field* kind = section.find(section.discriminator);
  if (kind == nullptr) return rules;
  for (std::size_t i = 0; i < kind->choices.size(); ++i) {
    json then = {{"properties", json::object()}, {"required", json::array()}};
    for (const Field& field : section.fields) {
      if ((field.allowed_for >> i & 1) == 0) then["properties"][std::string(field.name)] = false;
      if ((field.required_for >> i & 1) != 0) then["required"].push_back(field.name);
    }
    json condition = {{"properties", {{std::string(kind->name), {{"const", kind->choices[i]}}}}}};
    // A key left out has its default, which is the first kind.
    if (i > 0 || kind->required) condition["required"] = {kind->name};
    rules.push_back({{"if", condition}, {"then", then}});
  }
  return rules;
}

json section_schema(const Section& section) {
  json out = {{"type", "object"}, {"additionalProperties", false}, {"properties", json::object()}};
  for (const Field& field : section.fields) {
    if (field.type == Type::kUnsupported) continue;
    out["properties"][std::string(field.name)] = field_schema(section, field);
    if (field.required) out["required"].push_back(field.name);
  }
  const json rules = kind_rules(section);
  if (!rules.empty()) out["allOf"] = rules;
  for (const std::string_view key : section.one_of) out["oneOf"].push_back({{"required", {key}}});
  return out;
}

std::string range_text(const Field& field) {
  const auto dimension = dimension_of(field.type);
  if (field.type == Type::kChoice) return fmt::format("{}", fmt::join(field.choices, ", "));
  if (!dimension) return {};
  const i128 open_end = field.type == Type::kCount ? UINT32_MAX : INT64_MAX;
  if (field.max >= open_end) {
    return field.min > 0 ? "from " + format_quantity(field.min, *dimension) : "";
  }
  return fmt::format("{} to {}", format_quantity(field.min, *dimension),
                     format_quantity(field.max, *dimension));
}

void reference(const Section& section, const std::string& path, std::string& out) {
  out += fmt::format(
      "\n## {}\n\n{}\n\n| key | value | default | range | meaning |\n"
      "|---|---|---|---|---|\n",
      path.empty() ? "Top level" : path, section.meaning);
  for (const Field& field : section.fields) {
    if (field.type == Type::kUnsupported) continue;
    const std::string value = default_text(section, field);
    out += fmt::format("| `{}` | {} | {} | {} | {} |\n", field.name, expectation(field),
                       field.required ? "required" : value, range_text(field),
                       std::string(field.meaning) + kinds_text(section, field));
  }
  for (const Field& field : section.fields) {
    if (field.section != nullptr) reference(*field.section, join_path(path, field.name), out);
  }
}

void keys(const Section& section, const std::string& path, std::vector<std::string>& out) {
  for (const Field& field : section.fields) {
    if (field.type == Type::kUnsupported) continue;
    const std::string full = join_path(path, field.name);
    out.push_back(full);
    if (field.section != nullptr) keys(*field.section, full, out);
  }
}

json node_json(const Node& node) {
  if (node.kind == Node::Kind::kMap) {
    json out = json::object();
    for (const Entry& entry : node.entries) out[entry.key] = node_json(entry.value);
    return out;
  }
  if (node.kind == Node::Kind::kList) {
    json out = json::array();
    for (const Node& item : node.items) out.push_back(node_json(item));
    return out;
  }
  if (node.plain && (node.text == "true" || node.text == "false")) return node.text == "true";
  const auto number = parse_raw_quantity(node.text);
  if (!node.plain || !number || !number->unit.empty()) return node.text;
  json value = json::parse(node.text, nullptr, false);
  return value.is_discarded() ? json(node.text) : value;
}

}  // namespace

std::string json_schema() {
  json out = section_schema(scenario_section());
  out["$schema"] = "https://json-schema.org/draft/2020-12/schema";
  out["title"] = "Orrery scenario";
  out["description"] = scenario_section().meaning;
  return out.dump(2);
}

std::string reference_markdown() {
  std::string out = "# Keys of a scenario file\n";
  reference(scenario_section(), "", out);
  return out;
}

std::vector<std::string> known_keys() {
  std::vector<std::string> out;
  keys(scenario_section(), "", out);
  return out;
}

std::string document_json(const std::string& path) {
  Diagnostics diagnostics;
  const Node root = merge_file(path, diagnostics);
  if (!diagnostics.empty()) return {};
  return node_json(root).dump(-1, ' ', false, json::error_handler_t::replace);
}

std::string plain_document_json(const std::string& document,
                                const std::vector<Override>& overrides) {
  Diagnostics diagnostics;
  Node root = merge_text(document, "document", diagnostics);
  if (!diagnostics.empty() || root.kind != Node::Kind::kMap) return {};
  apply_overrides(root, overrides, diagnostics);
  substitute_variables(root, diagnostics);
  if (!diagnostics.empty()) return {};
  json plain = node_json(root);
  plain.erase("vars");
  return plain.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace orrery::scenario
