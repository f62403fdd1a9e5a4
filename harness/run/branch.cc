#include "harness/run/branch.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "scenarios/schema/quantity.h"

namespace orrery::run {
namespace {

using Json = nlohmann::ordered_json;

Result<scenario::Scenario> load(const Json& document, const scenario::LoadOptions& options,
                                const std::string& place) {
  auto loaded = scenario::load_text(document.dump(), place, options);
  if (loaded) return std::move(*loaded);
  const scenario::Diagnostic& first = loaded.error().front();
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("{}: {}{}", first.path.empty() ? place : first.path, first.message,
                          first.hint.empty() ? "" : " (" + first.hint + ")"));
}

// What the run does from the branch on is part of what it is.
void tell_hash(scenario::Scenario& scenario, const BranchSpec& spec) {
  nlohmann::json all = nlohmann::json::parse(scenario.canonical_json);
  all["branch"] = {{"at_ns", spec.at.ns}, {"timeline", nlohmann::json::parse(spec.timeline)}};
  if (spec.seed) all["branch"]["seed"] = *spec.seed;
  scenario.canonical_json = all.dump();
  scenario.hash =
      sha256(ByteView(reinterpret_cast<const std::uint8_t*>(scenario.canonical_json.data()),
                      scenario.canonical_json.size()));
}

}  // namespace

Result<Branch> load_branch(const std::string& document, const scenario::LoadOptions& options,
                           const std::string& place, const BranchSpec& spec) {
  Json with = Json::parse(document, nullptr, false);
  Json added = Json::parse(spec.timeline, nullptr, false);
  if (with.is_discarded()) return fail(ErrorCode::kMalformed, place + ": not a scenario document");
  if (!added.is_array()) {
    return fail(ErrorCode::kInvalidArgument, "what a branch adds is a list of timeline items");
  }
  ASSIGN_OR_RETURN(const scenario::Scenario plain, load(with, options, place));
  if (spec.at > plain.until) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("the run ends at t+{}, before the branch",
                            format_quantity(plain.until.ns, scenario::Dimension::kDuration)));
  }
  if (!with.contains("timeline")) with["timeline"] = Json::array();
  for (Json& item : added) {
    if (item.is_object() && !item.contains("at")) {
      item["at"] = "t+" + format_quantity(spec.at.ns, scenario::Dimension::kDuration);
    }
    with["timeline"].push_back(item);
  }
  Branch branch{spec, {}, plain.timeline.size()};
  ASSIGN_OR_RETURN(branch.scenario, load(with, options, place));
  if (branch.scenario.timeline.size() < plain.timeline.size() + added.size()) {
    return fail(ErrorCode::kInvalidArgument,
                "the timeline is replaced by an override, so nothing can be added to it");
  }
  for (std::size_t i = branch.first_added; i < branch.scenario.timeline.size(); ++i) {
    const scenario::FaultSpec& fault = branch.scenario.timeline[i];
    if (fault.at >= spec.at) continue;
    return fail(ErrorCode::kInvalidArgument, fault.name + " begins before the branch");
  }
  if (spec.changes_anything()) tell_hash(branch.scenario, spec);
  return branch;
}

}  // namespace orrery::run
