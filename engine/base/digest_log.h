// What a run leaves for comparison with another run: checkpoints of every node's digest, and, where
// a caller asks for it, the record of a single event. Written by whoever drives the nodes, read by
// engine/check, which needs to know nothing of either.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "engine/base/digest.h"
#include "engine/base/time.h"

namespace orrery {

// State of a run after `events` events. Index of `nodes` is the node.
struct Checkpoint {
  std::uint64_t events = 0;
  Time time{};
  Digest128 world;  // faults and other doings of the driver
  std::vector<Digest128> nodes;
};

// Checkpoints in rising order of events. Bounded: when full, every other one is forgotten and the
// period doubles. Thinning looks at event counts only, so two runs keep comparable checkpoints.
class DigestLog {
 public:
  static constexpr std::size_t kMaxCheckpoints = 512;  // of 10,000 nodes: 80 MB

  explicit DigestLog(std::uint64_t period = 4096) : period_(period) {}

  // True when a run that has executed `events` events owes a checkpoint.
  bool due(std::uint64_t events) const { return events % period_ == 0; }
  // A second checkpoint at the same count replaces the first.
  void add(Checkpoint checkpoint) {
    if (!checkpoints_.empty() && checkpoints_.back().events == checkpoint.events) {
      checkpoints_.back() = std::move(checkpoint);
      return;
    }
    if (checkpoints_.size() == kMaxCheckpoints) thin();
    checkpoints_.push_back(std::move(checkpoint));
  }
  const std::vector<Checkpoint>& checkpoints() const { return checkpoints_; }
  std::uint64_t period() const { return period_; }

 private:
  void thin() {
    period_ *= 2;
    std::erase_if(checkpoints_, [&](const Checkpoint& c) { return c.events % period_ != 0; });
  }

  std::uint64_t period_;
  std::vector<Checkpoint> checkpoints_;
};

// One executed event as a comparison sees it.
struct EventRecord {
  std::uint64_t index = 0;  // 1 for the first event of the run
  Time time{};
  std::uint32_t node = 0;  // where it was executed; UINT32_MAX for the driver
  std::uint32_t source = 0;
  std::uint64_t counter = 0;  // of the source
  std::string kind;
  Digest128 payload;  // content of the event
  Digest128 after;    // digest of the node, its state included, after the event
  bool operator==(const EventRecord&) const = default;
};

}  // namespace orrery
