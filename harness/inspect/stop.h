// Runs a world again to a point (an instant, an event, or the first event at which a condition
// holds) and tells what its nodes then know and what came last.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "engine/env/trace.h"
#include "engine/sim/watch.h"
#include "harness/inspect/condition.h"
#include "harness/run/world.h"

namespace orrery::inspect {

// One thing that happened, for people.
struct Happening {
  std::uint64_t event = 0;
  Time time{};
  std::uint32_t node = 0;  // UINT32_MAX: the driver
  std::string text;        // "votes from validators-2, 130 B", "fault begins: split"
};

// Follows a world step by step; attach it before the world runs.
class Chronicle final : public sim::Watcher, public env::TraceSink {
 public:
  static constexpr std::size_t kKept = 12;  // happenings of each node

  // The world outlives it.
  explicit Chronicle(run::World& world);
  ~Chronicle() override;
  Chronicle(const Chronicle&) = delete;
  Chronicle& operator=(const Chronicle&) = delete;

  // Executes the next event and tells what it brought. Nothing: there is none up to `until`.
  Result<std::optional<Step>> step(Time until);
  // Oldest first.
  const std::deque<Happening>& last_of(std::uint32_t node) const { return last_[node]; }
  const std::deque<Happening>& last_of_world() const { return last_.back(); }

  void on_sent(const sim::Sent& sent) override;
  void on_lost(Time, std::uint32_t, std::uint64_t) override {}
  void on_renumbered(std::uint32_t, std::uint64_t, std::uint64_t) override {}
  void on_handled(Time now, const sim::EventKey& key, const env::Event& event,
                  Duration cost) override;
  void on_trace(Time now, std::uint32_t node, const env::TraceEvent& event) override;

 private:
  void keep(Time now, std::uint32_t node, std::string text);
  void find_objections(Step& step);

  run::World& world_;
  Step step_;
  std::vector<std::deque<Happening>> last_;  // by node, the driver's last
  std::vector<std::uint64_t> objections_;    // by checker, so far
};

struct NodeState {
  std::uint32_t node = 0;
  bool up = false;
  std::uint64_t lives = 0;
  NodeNumbers numbers;
  std::string head, digest;  // hex
  std::uint64_t justified_epoch = 0;
  std::vector<std::uint32_t> peers;
  std::vector<sim::PendingTimer> timers;
  std::vector<Happening> last;
};

NodeNumbers numbers_of(const run::World& world, std::uint32_t node);
NodeState state_of(const run::World& world, const Chronicle& chronicle, std::uint32_t node);

struct StopPoint {
  Time time = kNever;                 // after the last event at or before it
  std::uint64_t event = UINT64_MAX;   // after this one
  std::vector<Condition> conditions;  // any of them
  std::function<bool()> interrupt;
};

struct Stop {
  enum class Why : std::uint8_t { kTime, kEvent, kCondition, kEnd };
  Why why = Why::kEnd;
  std::string condition;  // that held
  Step step;              // the last
};

// kInterrupted, and what the world itself fails with.
Result<Stop> run_to(Chronicle& chronicle, run::World& world, const StopPoint& point);

}  // namespace orrery::inspect
