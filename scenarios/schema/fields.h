// The table of the scenario language: every key once, with its type, default, range, meaning, and
// the struct member it fills. The loader, the JSON Schema, the reference and the canonical form all
// walk this table, so they cannot disagree. Defaults are not repeated here: they are read from a
// default-constructed struct.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "scenarios/schema/drafts.h"
#include "scenarios/schema/quantity.h"

namespace orrery::scenario {

enum class Type : std::uint8_t {
  kBoolean,
  kText,
  kName,    // lower-case word: letters, digits, '-' and '_'
  kSymbol,  // upper-case currency code
  kChoice,  // one of Field::choices
  kCount,   // bare whole number
  kDuration,
  kTime,  // instant of the run: t+30s
  kSize,
  kBitRate,
  kEventRate,
  kPercent,
  kPpm,
  kPpb,
  kMoney,
  kDurationDistribution,
  kSizeDistribution,
  kCountDistribution,
  kSelector,     // text of a node selector
  kSelectors,    // list of them
  kRegion,       // name, or {choice: {name: weight}}
  kCondition,    // "metric op value"
  kInstant,      // <fault>.begin, <fault>.end or a time
  kContent,      // text of a file
  kFiles,        // file name or list of them; handled before the table is read
  kVariables,    // map of names to values; handled before the table is read
  kSection,      // map with keys of its own
  kList,         // list of such maps
  kUnsupported,  // a key of the language that this version cannot honour
};

// One parsed value on its way between text and struct member.
struct Value {
  i128 integer = 0;  // numbers in base units; index of a choice; 0 or 1
  std::string text;
  DistributionSpec distribution;
  std::vector<std::string> list;
  std::vector<std::pair<std::string, std::uint64_t>> weights;
};

struct Section;

struct Field {
  std::string_view name;
  Type type = Type::kText;
  std::string_view meaning;
  bool required = false;
  i128 min = 0;
  i128 max = INT64_MAX;
  std::vector<std::string_view> choices;
  // Kinds (bit = index among the choices of Section::discriminator) that may or must have the key.
  std::uint32_t allowed_for = ~0u;
  std::uint32_t required_for = 0;
  std::string_view default_note;  // in place of a fixed default

  const Section* section = nullptr;  // kSection, kList
  void (*set)(void* target, const Value& value) = nullptr;
  Value (*get)(const void* target) = nullptr;
  void* (*sub)(void* target) = nullptr;  // kSection: the member; kList: a new last element
  const void* (*sub_const)(const void* target) = nullptr;  // kSection
  Located* (*locate)(void* element) = nullptr;             // kList: where to note the place
};

struct Section {
  std::string_view name;
  std::string_view meaning;
  std::vector<Field> fields;
  const void* (*defaults)() = nullptr;   // a default-constructed target
  std::string_view discriminator;        // key that decides which others apply, or empty
  std::vector<std::string_view> one_of;  // exactly one of these keys must be there

  const Field* find(std::string_view field) const;
};

// Bound of nodes in one world: above every size that a run has been planned for.
inline constexpr std::uint32_t kMaxNodes = 20'000;

// The whole language; chain_section is the part that mirrors protocol/types/params.h.
const Section& scenario_section();
const Section& chain_section();
const Section& load_section();
const Section& asserts_section();
const Section& live_section();

// --- binding of struct members -----------------------------------------------------------------

namespace binding {

template <class M>
void assign(M& member, const Value& value) {
  if constexpr (std::is_same_v<M, std::string>) {
    member = value.text;
  } else if constexpr (std::is_same_v<M, Duration> || std::is_same_v<M, Time>) {
    member.ns = static_cast<std::int64_t>(value.integer);
  } else if constexpr (std::is_same_v<M, DistributionSpec>) {
    member = value.distribution;
  } else if constexpr (std::is_same_v<M, std::vector<std::string>>) {
    member = value.list;
  } else if constexpr (std::is_same_v<M, RegionDraft>) {
    member.weights = value.weights;
  } else if constexpr (std::is_same_v<M, bool>) {
    member = value.integer != 0;
  } else {
    member = static_cast<M>(value.integer);
  }
}

template <class M>
Value fetch(const M& member) {
  Value value;
  if constexpr (std::is_same_v<M, std::string>) {
    value.text = member;
  } else if constexpr (std::is_same_v<M, Duration> || std::is_same_v<M, Time>) {
    value.integer = member.ns;
  } else if constexpr (std::is_same_v<M, DistributionSpec>) {
    value.distribution = member;
  } else if constexpr (std::is_same_v<M, std::vector<std::string>>) {
    value.list = member;
  } else if constexpr (std::is_same_v<M, RegionDraft>) {
    value.weights = member.weights;
  } else {
    value.integer = static_cast<i128>(member);
  }
  return value;
}

}  // namespace binding

// Builds the section of struct T. `P` are member pointers of T or of its bases, followed one after
// the other: add<&FaultDraft::link, &LinkSpec::loss_ppm>.
template <class T>
class SectionBuilder {
 public:
  SectionBuilder(std::string_view name, std::string_view meaning) {
    section_.name = name;
    section_.meaning = meaning;
    section_.defaults = [] {
      static const T value{};
      return static_cast<const void*>(&value);
    };
  }

  template <auto... P>
  SectionBuilder& add(Field field) {
    using M = std::remove_cvref_t<decltype((std::declval<T&>().*....*P))>;
    field.set = [](void* target, const Value& value) {
      binding::assign((*static_cast<T*>(target).*....*P), value);
    };
    field.get = [](const void* target) {
      return binding::fetch((*static_cast<const T*>(target).*....*P));
    };
    if constexpr (std::is_same_v<M, chain::Amount>) {
      field.max = kMaxMoney;
    } else if constexpr (std::is_integral_v<M>) {
      const i128 largest = std::numeric_limits<M>::max();
      if (field.max > largest) field.max = largest;
    }
    section_.fields.push_back(std::move(field));
    return *this;
  }

  // A map with keys of its own.
  template <auto P>
  SectionBuilder& add_section(Field field, const Section& section) {
    field.type = Type::kSection;
    field.section = &section;
    field.sub = [](void* target) -> void* { return &(static_cast<T*>(target)->*P); };
    field.sub_const = [](const void* target) -> const void* {
      return &(static_cast<const T*>(target)->*P);
    };
    section_.fields.push_back(std::move(field));
    return *this;
  }

  // A list of such maps; elements are Located.
  template <auto P>
  SectionBuilder& add_list(Field field, const Section& section) {
    field.type = Type::kList;
    field.section = &section;
    using Element = typename std::remove_cvref_t<decltype(std::declval<T&>().*P)>::value_type;
    field.sub = [](void* target) -> void* { return &(static_cast<T*>(target)->*P).emplace_back(); };
    field.locate = [](void* element) -> Located* { return static_cast<Element*>(element); };
    section_.fields.push_back(std::move(field));
    return *this;
  }

  // A key without a member: handled elsewhere, or refused.
  SectionBuilder& mention(Field field) {
    section_.fields.push_back(std::move(field));
    return *this;
  }

  SectionBuilder& discriminator(std::string_view key) {
    section_.discriminator = key;
    return *this;
  }
  SectionBuilder& one_of(std::vector<std::string_view> keys) {
    section_.one_of = std::move(keys);
    return *this;
  }
  Section take() { return std::move(section_); }

 private:
  // Below 2^127, with room to add a few such amounts.
  static constexpr i128 kMaxMoney = static_cast<i128>(1) << 120;

  Section section_;
};

}  // namespace orrery::scenario
