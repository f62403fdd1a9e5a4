// Where two runs that ought to be equal part: first by checkpoints, then event by event.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/digest_log.h"
#include "engine/base/result.h"

namespace orrery::check {

// A run that can be repeated and stepped. Whoever makes it decides where it ends.
class Steppable {
 public:
  virtual ~Steppable() = default;
  // Executes the next event; false when the run has ended.
  virtual Result<bool> step() = 0;
  virtual std::uint64_t events() const = 0;  // executed so far
  virtual const DigestLog& log() const = 0;
  virtual void checkpoint() = 0;  // adds one to the log, now
  // While on, last_event() describes the last step; slow.
  virtual void record_events(bool on) = 0;
  virtual const EventRecord& last_event() const = 0;
};
using MakeRun = std::function<Result<std::unique_ptr<Steppable>>()>;

// First checkpoint (of those that both logs have) that differs.
struct LogDifference {
  std::uint64_t equal_events = 0;  // the checkpoint before it; 0: none before
  std::uint64_t different_events = 0;
  Time time{};
  std::optional<std::uint32_t> node;  // lowest node that differs; none: only the driver's digest
};
std::optional<LogDifference> compare(const DigestLog& a, const DigestLog& b);

struct Divergence {
  std::uint64_t event = 0;          // number of the first differing event, from 1
  std::optional<EventRecord> a, b;  // none: that run had ended
  std::vector<EventRecord> before;  // the last equal events, oldest first
  static constexpr std::size_t kContext = 8;

  std::string text() const;  // several lines, for people
};

// Steps two fresh runs side by side: quickly up to `from_events`, then comparing event by event.
// Nothing if they are equal up to `to_events` (or both end before).
Result<std::optional<Divergence>> compare_events(Steppable& a, Steppable& b,
                                                 std::uint64_t from_events,
                                                 std::uint64_t to_events);

// Runs both to the end; if they differ, runs both again up to the first differing checkpoint and
// finds the event. Nothing if they are equal. kInternal if the difference does not come back in the
// second pass: then a run does not even repeat itself.
Result<std::optional<Divergence>> first_divergence(const MakeRun& make_a, const MakeRun& make_b);

}  // namespace orrery::check
