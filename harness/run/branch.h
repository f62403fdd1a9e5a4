// Another future of a run, from an instant on: further faults, or other draws. What came before is
// the past of the scenario as it stands, so futures of one instant can be compared with each other.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "engine/base/result.h"
#include "engine/base/time.h"
#include "scenarios/schema/load.h"

namespace orrery::run {

// As asked for. Without seed and items the future is that of the scenario itself.
struct BranchSpec {
  Time at{};
  // Links, disks and nodes draw as with this seed from `at` on. What users ask for and the timeline
  // stay what they are.
  std::optional<std::uint64_t> seed;
  // JSON list of items in the words of the scenario's timeline, added behind those that are there.
  // One without `at` begins at once.
  std::string timeline = "[]";

  bool changes_anything() const { return seed || timeline != "[]"; }
};

// As resolved. The scenario's canonical JSON, and so its hash, tell of the branch.
struct Branch {
  BranchSpec spec;
  scenario::Scenario scenario;
  std::size_t first_added = 0;  // index into its timeline
};

// `document` and `options` are those of the scenario; `place` stands for it in messages.
// kInvalidArgument: an item that does not load, or begins before the branch.
Result<Branch> load_branch(const std::string& document, const scenario::LoadOptions& options,
                           const std::string& place, const BranchSpec& spec);

}  // namespace orrery::run
