// The little language of `replay --break`: what must hold at one event for the run to stop there.
//
//   condition := check { "," check }          all of them, at the same event
//   check     := key op value | "invariant"   op: = != < <= > >=
//
//   kind      name of what is handled or traced at the event; words that begin it will do:
//             kind=vote, kind=block-produced, kind=timer:-slot (blanks may be written as -)
//   node, group, from   names: where the event is handled, its node's group, a message's sender
//   height, final, mempool, peers   numbers of that node after the event
//   time, event         virtual time (12m30s), number of the event
//   fault               name of a fault that begins or ends at the event
//   invariant           an invariant objects for the first time; invariant=NAME: that one does
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "engine/base/time.h"
#include "scenarios/schema/scenario.h"

namespace orrery::inspect {

// What one event brought about. Views live as long as the step is looked at.
struct Step {
  std::uint64_t event = 0;  // number, from 1
  Time time{};
  std::optional<std::uint32_t> node;  // none: the driver
  std::optional<std::uint32_t> from;  // of a message
  std::vector<std::string_view> kinds;
  std::vector<std::string_view> faults;      // names
  std::vector<std::string_view> objections;  // names of invariants
};

// A node's numbers after the event; all zero while it is down.
struct NodeNumbers {
  std::uint64_t height = 0, final = 0, mempool = 0, peers = 0;
};

class Condition {
 public:
  // kInvalidArgument with what was expected and the nearest name. `invariants`: names that exist.
  static Result<Condition> parse(std::string_view text, const scenario::Scenario& scenario,
                                 const std::vector<std::string>& invariants);

  const std::string& text() const { return text_; }
  // `numbers` is asked only where a check needs it and the event has a node.
  template <class Numbers>
  bool holds(const Step& step, Numbers numbers) const {
    for (const Check& check : checks_) {
      if (is_number_of_node(check.key)) {
        if (!step.node || !compare(check, number(check.key, numbers(*step.node)))) return false;
      } else if (!holds(check, step)) {
        return false;
      }
    }
    return true;
  }

 private:
  enum class Key : std::uint8_t {
    kKind,
    kNode,
    kGroup,
    kFrom,
    kHeight,
    kFinal,
    kMempool,
    kPeers,
    kTime,
    kEvent,
    kFault,
    kInvariant
  };
  enum class Op : std::uint8_t { kEqual, kUnequal, kLess, kAtMost, kMore, kAtLeast };
  struct Check {
    Key key{};
    Op op = Op::kEqual;
    std::string name;                  // normalised; empty: any
    std::vector<std::uint32_t> nodes;  // that kNode, kGroup and kFrom mean, ascending
    std::uint64_t number = 0;
  };

  static Result<Check> parse_check(std::string_view text, const scenario::Scenario& scenario,
                                   const std::vector<std::string>& invariants);
  static Status fill(Check& check, std::string_view value, const scenario::Scenario& scenario,
                     const std::vector<std::string>& invariants);
  static bool is_number_of_node(Key key) { return key >= Key::kHeight && key <= Key::kPeers; }
  static std::uint64_t number(Key key, const NodeNumbers& of);
  static bool compare(const Check& check, std::uint64_t value);
  static bool holds(const Check& check, const Step& step);

  std::string text_;
  std::vector<Check> checks_;
};

}  // namespace orrery::inspect
