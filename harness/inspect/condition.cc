#include "harness/inspect/condition.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "harness/inspect/names.h"
#include "scenarios/schema/diagnostics.h"
#include "scenarios/schema/quantity.h"

namespace orrery::inspect {
namespace {

const std::vector<std::string> kKeys = {"kind",   "node",  "group",   "from",
                                        "height", "final", "mempool", "peers",
                                        "time",   "event", "fault",   "invariant"};

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

std::string with_blanks(std::string_view text) {
  std::string words(text);
  std::replace(words.begin(), words.end(), '-', ' ');
  return words;
}

tl::unexpected<Error> bad(std::string_view check, const std::string& why) {
  return fail(ErrorCode::kInvalidArgument, fmt::format("'{}': {}", check, why));
}

std::string unknown(std::string_view what, std::string_view given,
                    const std::vector<std::string>& known) {
  return fmt::format("unknown {} '{}' ({})", what, given, scenario::suggest(given, known));
}

bool names_it(const std::vector<std::string_view>& seen, std::string_view name) {
  return std::any_of(seen.begin(), seen.end(),
                     [&](std::string_view s) { return name.empty() || s == name; });
}

}  // namespace

Result<Condition> Condition::parse(std::string_view text, const scenario::Scenario& scenario,
                                   const std::vector<std::string>& invariants) {
  Condition condition;
  condition.text_ = text;
  while (true) {
    const std::size_t comma = text.find(',');
    ASSIGN_OR_RETURN(Check check,
                     parse_check(trimmed(text.substr(0, comma)), scenario, invariants));
    condition.checks_.push_back(std::move(check));
    if (comma == std::string_view::npos) return condition;
    text.remove_prefix(comma + 1);
  }
}

Result<Condition::Check> Condition::parse_check(std::string_view text,
                                                const scenario::Scenario& scenario,
                                                const std::vector<std::string>& invariants) {
  if (text.empty()) return bad(text, "expected key=value, such as kind=vote or height>=40");
  const std::size_t sign = text.find_first_of("=!<>");
  const std::string_view key = trimmed(text.substr(0, sign));
  const auto known = std::find(kKeys.begin(), kKeys.end(), key);
  if (known == kKeys.end()) return bad(text, unknown("key", key, kKeys));
  Check check{.key = static_cast<Key>(known - kKeys.begin())};
  if (sign == std::string_view::npos) {
    if (check.key == Key::kInvariant || check.key == Key::kFault) return check;
    return bad(text, "expected = != < <= > or >= and a value");
  }
  std::string_view rest = text.substr(sign);
  constexpr std::pair<std::string_view, Op> kOps[] = {
      {"!=", Op::kUnequal}, {"<=", Op::kAtMost}, {">=", Op::kAtLeast}, {"==", Op::kEqual},
      {"=", Op::kEqual},    {"<", Op::kLess},    {">", Op::kMore}};
  const auto* op = std::find_if(std::begin(kOps), std::end(kOps),
                                [&](const auto& o) { return rest.starts_with(o.first); });
  if (op == std::end(kOps)) return bad(text, "expected = != < <= > or >=");
  check.op = op->second;
  rest.remove_prefix(op->first.size());
  if (const Status filled = fill(check, trimmed(rest), scenario, invariants); !filled) {
    return bad(text, filled.error().message);
  }
  const bool number =
      is_number_of_node(check.key) || check.key == Key::kTime || check.key == Key::kEvent;
  if (!number && check.op != Op::kEqual && check.op != Op::kUnequal) {
    return bad(text, fmt::format("{} is a name: compare it with = or !=", key));
  }
  return check;
}

Status Condition::fill(Check& check, std::string_view value, const scenario::Scenario& scenario,
                       const std::vector<std::string>& invariants) {
  const auto refuse = [](std::string why) {
    return fail(ErrorCode::kInvalidArgument, std::move(why));
  };
  std::vector<std::string> known;
  switch (check.key) {
    case Key::kKind: {
      check.name = with_blanks(value);
      known = all_names();
      const bool any =
          !check.name.empty() && std::any_of(known.begin(), known.end(), [&](const std::string& n) {
            return with_blanks(n).starts_with(check.name);
          });
      return any ? Status{} : refuse(unknown("kind", value, known));
    }
    case Key::kNode:
    case Key::kGroup:
    case Key::kFrom:
      for (std::uint32_t n = 0; n < scenario.nodes.size(); ++n) {
        const scenario::NodeSpec& node = scenario.nodes[n];
        const std::string& name = check.key == Key::kGroup ? node.group : node.name;
        if (name == value) check.nodes.push_back(n);
        if (known.empty() || known.back() != name) known.push_back(name);
      }
      if (!check.nodes.empty()) return {};
      return refuse(unknown(check.key == Key::kGroup ? "group" : "node", value, known));
    case Key::kFault:
    case Key::kInvariant:
      check.name = value;
      if (check.key == Key::kInvariant) known = invariants;
      if (check.key == Key::kFault) {
        for (const scenario::FaultSpec& fault : scenario.timeline) known.push_back(fault.name);
      }
      if (std::find(known.begin(), known.end(), check.name) != known.end()) return {};
      if (known.empty()) return refuse("the scenario has none");
      return refuse(unknown(check.key == Key::kFault ? "fault" : "invariant", value, known));
    case Key::kTime: {
      if (value.starts_with("t+")) value.remove_prefix(2);
      ASSIGN_OR_RETURN(const i128 ns,
                       scenario::parse_quantity(value, scenario::Dimension::kDuration));
      if (ns < 0) return refuse("a time of the run is not negative");
      check.number = static_cast<std::uint64_t>(ns);
      return {};
    }
    default: break;
  }
  const auto [end, error] =
      std::from_chars(value.data(), value.data() + value.size(), check.number);
  if (error != std::errc() || end != value.data() + value.size()) {
    return refuse("expected a whole number");
  }
  return {};
}

std::uint64_t Condition::number(Key key, const NodeNumbers& of) {
  switch (key) {
    case Key::kHeight: return of.height;
    case Key::kFinal: return of.final;
    case Key::kMempool: return of.mempool;
    default: return of.peers;
  }
}

bool Condition::compare(const Check& check, std::uint64_t value) {
  switch (check.op) {
    case Op::kEqual: return value == check.number;
    case Op::kUnequal: return value != check.number;
    case Op::kLess: return value < check.number;
    case Op::kAtMost: return value <= check.number;
    case Op::kMore: return value > check.number;
    case Op::kAtLeast: return value >= check.number;
  }
  return false;
}

bool Condition::holds(const Check& check, const Step& step) {
  const bool wanted = check.op == Op::kEqual;
  const auto among = [&](std::optional<std::uint32_t> node) {
    if (!node) return false;
    return std::binary_search(check.nodes.begin(), check.nodes.end(), *node) == wanted;
  };
  switch (check.key) {
    case Key::kKind: {
      const bool any = std::any_of(step.kinds.begin(), step.kinds.end(), [&](std::string_view k) {
        return with_blanks(k).starts_with(check.name);
      });
      return any == wanted;
    }
    case Key::kNode:
    case Key::kGroup: return among(step.node);
    case Key::kFrom: return among(step.from);
    case Key::kTime: return compare(check, static_cast<std::uint64_t>(step.time.ns));
    case Key::kEvent: return compare(check, step.event);
    case Key::kFault: return names_it(step.faults, check.name) == wanted;
    case Key::kInvariant: return names_it(step.objections, check.name) == wanted;
    default: return false;
  }
}

}  // namespace orrery::inspect
