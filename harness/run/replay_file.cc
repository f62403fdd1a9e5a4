#include "harness/run/replay_file.h"

#include <fmt/format.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "harness/run/run_scenario.h"

namespace orrery::run {

using nlohmann::json;

scenario::LoadOptions loader_options(std::vector<scenario::Override> overrides) {
  return {.overrides = std::move(overrides),
          .known_metrics = metric_names(),
          .known_behaviours = behaviour_names(),
          .known_bugs = seeded_bug_names()};
}

std::string encode(const ReplayFile& replay) {
  json overrides = json::array();
  for (const scenario::Override& o : replay.options.overrides)
    overrides.push_back({o.key, o.value});
  json all{{"schema", "orrery.replay/1"},
           {"document", json::parse(replay.document)},
           {"set", overrides},
           {"until_ns", replay.until_ns},
           {"digest", replay.digest}};
  if (replay.branch) {
    all["branch"] = {{"at_ns", replay.branch->at.ns},
                     {"timeline", json::parse(replay.branch->timeline)}};
    if (replay.branch->seed) all["branch"]["seed"] = *replay.branch->seed;
  }
  return all.dump(1) + "\n";
}

Result<ReplayFile> read_replay_file(const std::string& path) {
  std::ifstream file(path);
  if (!file)
    return fail(ErrorCode::kNotFound, path + ": cannot be read; is this the right directory?");
  std::stringstream text;
  text << file.rdbuf();
  const json value = json::parse(text.str(), nullptr, false);
  const auto bad = [&](const char* why) {
    return fail(ErrorCode::kMalformed, fmt::format("{}: {}", path, why));
  };
  if (!value.is_object() || value.value("schema", "") != "orrery.replay/1") {
    return bad("not a replay file of this version");
  }
  if (!value.contains("document") || !value.contains("set") || !value["set"].is_array() ||
      !value.contains("until_ns") || !value["until_ns"].is_number_integer() ||
      !value.contains("digest") || !value["digest"].is_string()) {
    return bad("a key is missing or of the wrong type");
  }
  ReplayFile replay;
  replay.document = value["document"].dump();
  std::vector<scenario::Override> overrides;
  for (const json& item : value["set"]) {
    if (!item.is_array() || item.size() != 2 || !item[0].is_string() || !item[1].is_string()) {
      return bad("an override is not a pair of texts");
    }
    overrides.push_back({item[0].get<std::string>(), item[1].get<std::string>()});
  }
  replay.options = loader_options(std::move(overrides));
  replay.until_ns = value["until_ns"].get<std::int64_t>();
  replay.digest = value["digest"].get<std::string>();
  if (value.contains("branch")) {
    const json& branch = value["branch"];
    if (!branch.is_object() || !branch.contains("at_ns") ||
        !branch["at_ns"].is_number_integer() || !branch.contains("timeline") ||
        !branch["timeline"].is_array() ||
        (branch.contains("seed") && !branch["seed"].is_number_unsigned())) {
      return bad("the branch has a key that is missing or of the wrong type");
    }
    replay.branch = BranchSpec{.at = Time{branch["at_ns"].get<std::int64_t>()},
                               .timeline = branch["timeline"].dump()};
    if (branch.contains("seed")) replay.branch->seed = branch["seed"].get<std::uint64_t>();
  }
  return replay;
}

Result<scenario::Scenario> load_replay(const ReplayFile& replay, const std::string& path) {
  auto loaded = scenario::load_text(replay.document, path, replay.options);
  if (loaded) return std::move(*loaded);
  std::string all;
  for (const scenario::Diagnostic& d : loaded.error()) all += "\n" + scenario::format(d);
  return fail(ErrorCode::kMalformed, "the scenario of the run does not load:" + all);
}

Result<std::optional<Branch>> load_replay_branch(const ReplayFile& replay,
                                                 const std::string& path) {
  if (!replay.branch) return std::optional<Branch>{};
  ASSIGN_OR_RETURN(Branch branch,
                   load_branch(replay.document, replay.options, path, *replay.branch));
  return std::optional<Branch>(std::move(branch));
}

}  // namespace orrery::run
