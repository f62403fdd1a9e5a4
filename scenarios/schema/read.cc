#include "scenarios/schema/read.h"

#include <fmt/format.h>

#include <algorithm>

#include "scenarios/schema/fields.h"
#include "scenarios/schema/values.h"

namespace orrery::scenario {
namespace {

constexpr std::size_t kMaxListItems = 1'000;  // groups, faults, asserts: what a person can survey

class Reader {
 public:
  Reader(Diagnostics& diagnostics, Currency currency)
      : diagnostics_(diagnostics), currency_(std::move(currency)) {}

  void section(const Section& section, const Node& node, void* target, const std::string& path) {
    if (node.kind == Node::Kind::kBad) return;
    if (node.kind != Node::Kind::kMap) {
      diagnostics_.add(node.mark, path, fmt::format("expected a map, found {}", kind_name(node)));
      return;
    }
    const std::optional<std::uint32_t> kind = kind_bit(section, node);
    check_keys(section, node, path, kind);
    for (const Field& field : section.fields) {
      const Node* value = node.find(field.name);
      if (value == nullptr) {
        scale_default(field, target);
        continue;
      }
      if (kind && (field.allowed_for & *kind) == 0) continue;  // reported by check_keys
      read(field, *value, target, join_path(path, field.name));
    }
  }

 private:
  void read(const Field& field, const Node& node, void* target, const std::string& path) {
    switch (field.type) {
      case Type::kFiles:
      case Type::kVariables:
      case Type::kUnsupported: return;
      case Type::kSection: return section(*field.section, node, field.sub(target), path);
      case Type::kList: return list(field, node, target, path);
      default: break;
    }
    if (node.kind == Node::Kind::kBad) return;
    const Result<Value> value = parse_value(field, node, currency_);
    if (!value) {
      diagnostics_.add(node.mark, path, value.error().message);
      return;
    }
    field.set(target, *value);
  }

  void list(const Field& field, const Node& node, void* target, const std::string& path) {
    if (node.kind == Node::Kind::kBad) return;
    if (node.kind != Node::Kind::kList) {
      diagnostics_.add(node.mark, path,
                       fmt::format("expected a list of maps, found {}", kind_name(node)),
                       "write '- ' before each item");
      return;
    }
    if (static_cast<i128>(node.items.size()) < field.min) {
      diagnostics_.add(node.mark, path, fmt::format("needs at least one item"));
    }
    if (node.items.size() > kMaxListItems) {
      diagnostics_.add(node.mark, path, fmt::format("more than {} items", kMaxListItems));
      return;
    }
    for (std::size_t i = 0; i < node.items.size(); ++i) {
      const Node& item = node.items[i];
      void* element = field.sub(target);
      Located* place = field.locate(element);
      place->node = &item;
      place->path = item_path(path, item, i);
      section(*field.section, item, element, place->path);
    }
  }

  // The bit of the discriminating key's value; nothing if there is none or it is wrong.
  std::optional<std::uint32_t> kind_bit(const Section& section, const Node& node) {
    const Field* field = section.find(section.discriminator);
    if (field == nullptr) return std::nullopt;
    const Node* value = node.find(field->name);
    if (value == nullptr) return field->required ? std::nullopt : std::optional<std::uint32_t>(1);
    const Result<Value> parsed = parse_value(*field, *value, currency_);
    if (!parsed) return std::nullopt;
    return 1u << static_cast<unsigned>(parsed->integer);
  }

  void check_keys(const Section& section, const Node& node, const std::string& path,
                  std::optional<std::uint32_t> kind) {
    std::vector<std::string> known;
    for (const Field& field : section.fields) {
      const bool fits = !kind || (field.allowed_for & *kind) != 0;
      if (field.type != Type::kUnsupported && fits) known.emplace_back(field.name);
    }
    for (const Entry& entry : node.entries) {
      check_key(section, node, entry, path, kind, known);
    }
    for (const Field& field : section.fields) {
      const bool required = field.required || (kind && (field.required_for & *kind) != 0);
      if (required && node.find(field.name) == nullptr) {
        diagnostics_.add(node.mark, path, fmt::format("missing key '{}'", field.name),
                         fmt::format("expected {}", expectation(field)));
      }
    }
    if (section.one_of.empty()) return;
    const auto given =
        std::count_if(section.one_of.begin(), section.one_of.end(),
                      [&](std::string_view key) { return node.find(key) != nullptr; });
    if (given != 1) {
      diagnostics_.add(node.mark, path,
                       fmt::format("expected exactly one of the keys {}, found {}",
                                   fmt::join(section.one_of, ", "), given));
    }
  }

  void check_key(const Section& section, const Node& node, const Entry& entry,
                 const std::string& path, std::optional<std::uint32_t> kind,
                 const std::vector<std::string>& known) {
    const Field* field = section.find(entry.key);
    const std::string full = join_path(path, entry.key);
    if (field == nullptr) {
      diagnostics_.add(entry.mark, full, fmt::format("unknown key '{}'", entry.key),
                       suggest(entry.key, known));
    } else if (field->type == Type::kUnsupported) {
      diagnostics_.add(
          entry.mark, full,
          fmt::format("'{}' is {}{}", entry.key,
                      field->meaning.starts_with("not") ? "" : "refused: ", field->meaning));
    } else if (kind && (field->allowed_for & *kind) == 0) {
      diagnostics_.add(entry.mark, full,
                       fmt::format("'{}' does not go with {}: {}", entry.key, section.discriminator,
                                   node.find(section.discriminator) != nullptr
                                       ? node.scalar(section.discriminator)
                                       : section.find(section.discriminator)->choices.front()),
                       fmt::format("keys that do: {}", fmt::join(known, ", ")));
    }
  }

  // Amounts in the table have 18 digits after the point; other currencies get the same amount in
  // their own digits (1 coin stays 1 coin).
  void scale_default(const Field& field, void* target) {
    if (currency_.decimals == Currency{}.decimals) return;
    if (field.type == Type::kSection) {
      for (const Field& inner : field.section->fields) scale_default(inner, field.sub(target));
    }
    if (field.type != Type::kMoney) return;
    Value value = field.get(target);
    for (std::uint32_t d = currency_.decimals; d < Currency{}.decimals; ++d) value.integer /= 10;
    field.set(target, value);
  }

  Diagnostics& diagnostics_;
  Currency currency_;
};

// Symbol and decimals, read ahead of everything that is written in them. Wrong ones are reported
// when the table reaches them.
Currency find_currency(const Node& root) {
  Currency currency;
  const Node* chain = root.find("chain");
  const Node* token = chain != nullptr ? chain->find("token") : nullptr;
  if (token == nullptr) return currency;
  chain::ChainParams params;
  for (const Field& field : chain_section().fields) {
    if (field.name != "token") continue;
    for (const std::string_view key : {"symbol", "decimals"}) {
      const Node* value = token->find(key);
      const Field* inner = field.section->find(key);
      if (value == nullptr) continue;
      const Result<Value> parsed = parse_value(*inner, *value, currency);
      if (parsed) inner->set(field.sub(&params), *parsed);
    }
  }
  return currency_of(params);
}

}  // namespace

Currency currency_of(const chain::ChainParams& chain) {
  return {.symbol = chain.token.symbol, .decimals = chain.token.decimals};
}

ScenarioDraft read_scenario(const Node& root, Diagnostics& diagnostics) {
  ScenarioDraft draft;
  Reader(diagnostics, find_currency(root)).section(scenario_section(), root, &draft, "");
  return draft;
}

}  // namespace orrery::scenario
