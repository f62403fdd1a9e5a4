// Invariants: read-only observers of the trace that count what they looked at. A checker belongs to
// its CheckerSet; the set is a trace sink of one run.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/base/time.h"
#include "engine/env/trace.h"

namespace orrery::check {

struct Violation {
  Time time{};
  std::string text;  // which node, what was expected and what was seen
};

class Checker {
 public:
  virtual ~Checker() = default;
  // "supply-conserved"
  virtual std::string_view name() const = 0;
  // One sentence: what always holds.
  virtual std::string_view about() const = 0;
  // Kinds of events that it wants to see; asked once.
  virtual std::vector<env::TraceKind> interests() const = 0;
  virtual void on_trace(Time now, std::uint32_t node, const env::TraceEvent& event) = 0;
  // The run is over.
  virtual void on_end(Time) {}

  std::uint64_t checks() const { return checks_; }
  std::uint64_t violations() const { return violations_; }
  const std::optional<Violation>& first_violation() const { return first_; }

 protected:
  // Counts one look. `message()` is called for the first violation only and returns its text.
  template <class Message>
  void check(bool ok, Time now, Message&& message) {
    ++checks_;
    if (ok) [[likely]]
      return;
    ++violations_;
    if (!first_) first_ = Violation{now, message()};
  }

 private:
  std::uint64_t checks_ = 0;
  std::uint64_t violations_ = 0;
  std::optional<Violation> first_;
};

// Dispatches each event to the checkers that asked for its kind, in order of addition.
class CheckerSet final : public env::TraceSink {
 public:
  // An armed checker is expected to look at something in this run; see unarmed().
  Checker& add(std::unique_ptr<Checker> checker, bool armed = true);

  void on_trace(Time now, std::uint32_t node, const env::TraceEvent& event) override;
  void on_end(Time now);

  std::size_t size() const { return entries_.size(); }
  const Checker& at(std::size_t index) const { return *entries_[index].checker; }
  std::uint64_t violations() const;
  // Names of armed checkers that never looked: switched off, or fed nothing. A run in which an
  // invariant was never tested says nothing about it.
  std::vector<std::string> unarmed() const;

 private:
  struct Entry {
    std::unique_ptr<Checker> checker;
    bool armed;
  };
  std::vector<Entry> entries_;
  std::vector<std::vector<Checker*>> by_kind_;
};

}  // namespace orrery::check
