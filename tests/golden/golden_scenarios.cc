// Runs every scenario of the library and compares it with what tests/golden/expect pins.
//   golden_scenarios                 all; 1 if any differs, lacks a file, or a file is left over
//   golden_scenarios NAME...         only these, such as baseline-four
//   golden_scenarios --update [...]  writes what is seen; the commit must say why it changed
// A file's `until_s` says how far its scenario runs (0: to its end); --update keeps it.
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "harness/run/run_scenario.h"
#include "scenarios/schema/load.h"

namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;
using namespace orrery;

fs::path root() {
  const char* root = std::getenv("ORRERY_ROOT");
  return root ? fs::path(root) : fs::current_path();
}
fs::path expectation(const std::string& name) {
  return root() / "tests/golden/expect" / (name + ".expect.json");
}

// baseline/four.yaml -> baseline-four
std::map<std::string, fs::path> library() {
  std::map<std::string, fs::path> found;
  const fs::path top = root() / "scenarios/library";
  for (const auto& entry : fs::recursive_directory_iterator(top)) {
    const fs::path relative = fs::relative(entry.path(), top);
    const std::string folder = relative.begin()->string();
    if (entry.path().extension() != ".yaml" || folder == "negative" || folder == "parts") continue;
    if (folder == "regressions") continue;  // tests/property runs them: too small to look at all
    std::string name = fs::path(relative).replace_extension().generic_string();
    std::replace(name.begin(), name.end(), '/', '-');
    found[name] = entry.path();
  }
  return found;
}

std::vector<std::string> expected_names() {
  std::vector<std::string> names;
  constexpr std::string_view kSuffix = ".expect.json";
  for (const auto& entry : fs::directory_iterator(root() / "tests/golden/expect")) {
    std::string name = entry.path().filename().string();
    if (!name.ends_with(kSuffix)) continue;
    names.push_back(name.substr(0, name.size() - kSuffix.size()));
  }
  std::sort(names.begin(), names.end());
  return names;
}

ordered_json read_expectation(const std::string& name) {
  std::ifstream in(expectation(name));
  return in ? ordered_json::parse(in) : ordered_json{{"until_s", 0}};
}

// Nothing, with the reason printed, if the scenario does not run.
std::optional<ordered_json> see(const fs::path& file, std::int64_t until_s) {
  const auto scenario = scenario::load_file(file, {.known_metrics = run::metric_names(),
                                                   .known_behaviours = run::behaviour_names()});
  if (!scenario) {
    for (const auto& d : scenario.error()) fmt::print("{}\n", scenario::format(d));
    return std::nullopt;
  }
  run::RunOptions options;
  if (until_s > 0) options.until = Time{} + Duration::seconds(until_s);
  const auto record = run::run_scenario(*scenario, options);
  if (!record) {
    fmt::print("{}\n", record.error().message);
    return std::nullopt;
  }
  for (const auto& row : record->invariants) {
    if (row.violations > 0) fmt::print("  {}: {}\n", row.name, row.first_violation);
  }
  for (const auto& row : record->asserts) {
    if (!row.ok) fmt::print("  {}: {}\n", row.name, row.seen);
  }
  return ordered_json{{"until_s", until_s},
                      {"digest", record->digest},
                      {"scenario_hash", record->scenario_hash},
                      {"events", record->events},
                      {"height", record->height},
                      {"finalized_height", record->finalized_height},
                      {"tasks", record->tasks},
                      {"exit", record->exit}};
}

bool compare(const std::string& name, const ordered_json& expected, const ordered_json& seen) {
  if (expected == seen) {
    fmt::print("{}: as expected, {}\n", name, seen.at("digest").get<std::string>());
    return true;
  }
  fmt::print("{}: differs\n", name);
  for (const auto& [key, value] : seen.items()) {
    const auto before = expected.find(key);
    const std::string was = before == expected.end() ? "nothing" : before->dump();
    if (was != value.dump()) fmt::print("  {}: expected {}, saw {}\n", key, was, value.dump());
  }
  return false;
}

int run_all(bool update, const std::vector<std::string>& only) {
  const auto files = library();
  bool good = !files.empty();
  for (const std::string& name : only) {
    if (files.count(name) != 0) continue;
    fmt::print("{}: no such scenario\n", name);
    good = false;
  }
  for (const auto& [name, file] : files) {
    if (!only.empty() && std::find(only.begin(), only.end(), name) == only.end()) continue;
    const ordered_json expected = read_expectation(name);
    const auto seen = see(file, expected.value("until_s", std::int64_t{0}));
    if (!seen) {
      fmt::print("{}: did not run\n", name);
      good = false;
    } else if (update) {
      std::ofstream(expectation(name)) << seen->dump(2) << "\n";
      fmt::print("{}: written\n", name);
    } else if (!expected.contains("digest")) {
      fmt::print("{}: has no expectation; write one with --update\n", name);
      good = false;
    } else {
      good = compare(name, expected, *seen) && good;
    }
  }
  for (const std::string& name : expected_names()) {
    if (files.count(name) != 0) continue;
    fmt::print("{}: an expectation without a scenario\n", name);
    good = false;
  }
  if (update) fmt::print("say in the commit why the results changed\n");
  return good ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<std::string> names(argv + 1, argv + argc);
  const bool update = std::erase(names, "--update") > 0;
  return run_all(update, names);
}
