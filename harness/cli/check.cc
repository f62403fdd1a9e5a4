#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "harness/cli/commands.h"
#include "harness/cli/exit_code.h"
#include "harness/cli/scenario_args.h"
#include "harness/cli/terminal.h"

namespace orrery::cli {

int check_command(const CheckArgs& args) {
  nlohmann::json out = nlohmann::json::array();
  bool fine = true;
  for (const std::string& file : args.files) {
    const auto options = load_options(args.set, std::nullopt);
    if (!options) return kUsage;
    const auto loaded = scenario::load_file(file, *options);
    nlohmann::json problems = nlohmann::json::array();
    if (!loaded) {
      fine = false;
      for (const scenario::Diagnostic& d : loaded.error()) {
        if (!args.json) say(scenario::format(d));
        problems.push_back({{"file", d.file}, {"line", d.line}, {"column", d.column},
                            {"path", d.path}, {"message", d.message}, {"hint", d.hint}});
      }
    } else if (!args.json) {
      say(fmt::format("{} {}: {} nodes, {} of virtual time, hash {}", paint(Colour::kGreen, "ok"),
                      file, loaded->nodes.size(),
                      human_duration(static_cast<double>(loaded->until.ns) / 1e9),
                      to_hex(loaded->hash)));
    }
    out.push_back({{"file", file},
                   {"ok", loaded.has_value()},
                   {"hash", loaded ? to_hex(loaded->hash) : ""},
                   {"problems", std::move(problems)}});
  }
  if (args.json) {
    fmt::print("{}\n", nlohmann::json{{"schema", "orrery.check/1"}, {"files", out}}.dump());
  }
  return fine ? kHeld : kUsage;
}

}  // namespace orrery::cli
