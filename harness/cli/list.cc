#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "harness/cli/commands.h"
#include "harness/cli/exit_code.h"
#include "harness/cli/scenario_args.h"
#include "harness/cli/terminal.h"
#include "protocol/adversary/actor.h"
#include "protocol/invariants/observer.h"
#include "protocol/node/rare.h"
#include "reports/record/metrics.h"

namespace orrery::cli {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

json list_scenarios() {
  const fs::path library = fs::path(ORRERY_SOURCE_ROOT) / "scenarios/library";
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(library)) {
    const std::string relative = fs::relative(entry.path(), library).string();
    const bool part = relative.starts_with("negative") || relative.starts_with("parts");
    if (entry.path().extension() == ".yaml" && !part) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  json rows = json::array();
  for (const fs::path& file : files) {
    const auto options = load_options({}, std::nullopt);
    const auto loaded = scenario::load_file(file.string(), *options);
    if (!loaded) continue;  // `orrery check` says why
    rows.push_back({{"name", loaded->name},
                    {"file", fs::relative(file, ORRERY_SOURCE_ROOT).string()},
                    {"nodes", loaded->nodes.size()},
                    {"virtual_seconds", static_cast<double>(loaded->until.ns) / 1e9},
                    {"about", loaded->about}});
  }
  return rows;
}

json list_metrics() {
  json rows = json::array();
  for (const report::MetricInfo& m : report::metric_registry()) {
    rows.push_back({{"name", m.name}, {"unit", m.unit}, {"about", m.meaning}});
  }
  return rows;
}

json list_behaviours() {
  json rows = json::array();
  for (const chain::BehaviourInfo& b : chain::behaviours()) {
    rows.push_back({{"name", b.name}, {"about", b.about}});
  }
  return rows;
}

// Of debug.buggify.
json list_points() {
  json rows = json::array();
  for (const chain::RarePoint& p : chain::kRarePoints) {
    rows.push_back({{"name", p.name}, {"about", p.about}});
  }
  return rows;
}

// Checkers are made for a world; an empty one is enough to ask their names.
Result<json> list_invariants() {
  chain::GenesisAccount miner{.key = {}, .stake = chain::kToken * 1000, .worker = true};
  chain::Genesis genesis;
  genesis.accounts.push_back(miner);
  chain::Observer observer;
  ASSIGN_OR_RETURN(observer.network, chain::make_network({}, std::move(genesis)));
  check::CheckerSet set;
  chain::add_invariants(set, observer);
  json rows = json::array();
  for (std::size_t i = 0; i < set.size(); ++i) {
    rows.push_back({{"name", set.at(i).name()}, {"about", set.at(i).about()}});
  }
  return rows;
}

}  // namespace

int list_command(const ListArgs& args) {
  json rows;
  if (args.what == "scenarios") {
    rows = list_scenarios();
  } else if (args.what == "metrics") {
    rows = list_metrics();
  } else if (args.what == "behaviours") {
    rows = list_behaviours();
  } else if (args.what == "points") {
    rows = list_points();
  } else {
    const auto invariants = list_invariants();
    if (!invariants) {
      complain(invariants.error().message);
      return kInternal;
    }
    rows = *invariants;
  }
  if (args.json) {
    fmt::print("{}\n", json{{"schema", "orrery.list/1"}, {args.what, rows}}.dump());
    return kHeld;
  }
  for (const json& row : rows) {
    const std::string about = row["about"];
    if (row.contains("file")) {
      fmt::print("{:<18} {:>5} nodes  {:<14} {}\n", row["name"].get<std::string>(),
                 row["nodes"].get<int>(), human_duration(row["virtual_seconds"].get<double>()),
                 row["file"].get<std::string>());
    } else {
      fmt::print("{:<30} {}\n", row["name"].get<std::string>(), about);
    }
  }
  return kHeld;
}

}  // namespace orrery::cli
