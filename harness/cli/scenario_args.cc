#include "harness/cli/scenario_args.h"

#include <fmt/format.h>

#include "harness/cli/terminal.h"
#include "harness/run/replay_file.h"

namespace orrery::cli {

std::optional<scenario::LoadOptions> load_options(const std::vector<std::string>& set,
                                                  std::optional<std::uint64_t> seed) {
  std::vector<scenario::Override> overrides;
  for (const std::string& item : set) {
    const std::size_t equals = item.find('=');
    if (equals == std::string::npos || equals == 0) {
      complain(fmt::format("--set {}: expected key=value, such as chain.consensus.slot=2s", item));
      return std::nullopt;
    }
    overrides.push_back({item.substr(0, equals), item.substr(equals + 1)});
  }
  if (seed) overrides.push_back({"seed", std::to_string(*seed)});
  return run::loader_options(std::move(overrides));
}

std::optional<scenario::Scenario> load(const ScenarioArgs& args) {
  const auto options = load_options(args.set, args.seed);
  if (!options) return std::nullopt;
  auto loaded = scenario::load_file(args.file, *options);
  if (loaded) return std::move(*loaded);
  for (const scenario::Diagnostic& diagnostic : loaded.error()) say(scenario::format(diagnostic));
  return std::nullopt;
}

}  // namespace orrery::cli
