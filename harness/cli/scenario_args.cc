#include "harness/cli/scenario_args.h"

#include <fmt/format.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "harness/cli/terminal.h"
#include "harness/run/run_scenario.h"

namespace orrery::cli {

using nlohmann::json;

std::optional<scenario::LoadOptions> load_options(const std::vector<std::string>& set,
                                                  std::optional<std::uint64_t> seed) {
  scenario::LoadOptions options;
  for (const std::string& item : set) {
    const std::size_t equals = item.find('=');
    if (equals == std::string::npos || equals == 0) {
      complain(fmt::format("--set {}: expected key=value, such as chain.consensus.slot=2s", item));
      return std::nullopt;
    }
    options.overrides.push_back({item.substr(0, equals), item.substr(equals + 1)});
  }
  if (seed) options.overrides.push_back({"seed", std::to_string(*seed)});
  options.known_metrics = run::metric_names();
  options.known_behaviours = run::behaviour_names();
  options.known_bugs = run::seeded_bug_names();
  return options;
}

std::optional<scenario::Scenario> load(const ScenarioArgs& args) {
  const auto options = load_options(args.set, args.seed);
  if (!options) return std::nullopt;
  auto loaded = scenario::load_file(args.file, *options);
  if (loaded) return std::move(*loaded);
  for (const scenario::Diagnostic& diagnostic : loaded.error()) say(scenario::format(diagnostic));
  return std::nullopt;
}

std::string encode(const ReplayFile& replay) {
  json overrides = json::array();
  for (const scenario::Override& o : replay.options.overrides)
    overrides.push_back({o.key, o.value});
  return json{{"schema", "orrery.replay/1"},
              {"document", json::parse(replay.document)},
              {"set", overrides},
              {"until_ns", replay.until_ns},
              {"digest", replay.digest}}
             .dump(1) +
         "\n";
}

Result<ReplayFile> read_replay(const std::string& dir) {
  const std::string path = dir + "/replay.json";
  std::ifstream file(path);
  if (!file) return fail(ErrorCode::kNotFound, path + ": cannot be read; is this a run directory?");
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
  std::vector<std::string> set;
  for (const json& item : value["set"]) {
    if (!item.is_array() || item.size() != 2 || !item[0].is_string() || !item[1].is_string()) {
      return bad("an override is not a pair of texts");
    }
    set.push_back(item[0].get<std::string>() + "=" + item[1].get<std::string>());
  }
  const auto options = load_options(set, std::nullopt);
  if (!options) return bad("an override has no key");
  replay.options = *options;
  replay.until_ns = value["until_ns"].get<std::int64_t>();
  replay.digest = value["digest"].get<std::string>();
  return replay;
}

Result<scenario::Scenario> load_replay(const ReplayFile& replay, const std::string& dir) {
  auto loaded = scenario::load_text(replay.document, dir + "/replay.json", replay.options);
  if (loaded) return std::move(*loaded);
  std::string all;
  for (const scenario::Diagnostic& d : loaded.error()) all += "\n" + scenario::format(d);
  return fail(ErrorCode::kMalformed, "the scenario of the run does not load:" + all);
}

}  // namespace orrery::cli
