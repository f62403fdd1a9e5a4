// One run of a scenario, judged: did anything fail, and what was seen on the way?
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/digest.h"
#include "engine/base/result.h"
#include "engine/base/time.h"
#include "harness/sweep/goals.h"
#include "scenarios/schema/scenario.h"

namespace orrery::sweep {

struct Failure {
  enum class Kind : std::uint8_t { kInvariant, kAssert, kError, kDivergence };
  Kind kind = Kind::kInvariant;
  std::string name;  // of the invariant or assert; of an error, its words without numbers
  std::string text;
  Time at{};

  // Whether another run fails in the same way; instants and texts may differ.
  bool same_as(const Failure& other) const { return kind == other.kind && name == other.name; }
};
std::string_view to_string(Failure::Kind kind);

struct TrialOptions {
  bool again = false;  // run twice and compare the digests; kDivergence if they differ
  // True: gives up, and the trial says interrupted.
  std::function<bool()> interrupt;
};

struct Trial {
  std::optional<Failure> failure;  // the first in virtual time, of those that the run had
  bool interrupted = false;
  Digest128 digest;
  std::uint64_t events = 0;
  Time ended{};  // of a failed trial: a little after the failure
  Goals goals;
};

// Runs until something fails or the scenario ends. kInvalidArgument if the scenario cannot start.
Result<Trial> run_trial(const scenario::Scenario& scenario, const TrialOptions& options = {});

}  // namespace orrery::sweep
