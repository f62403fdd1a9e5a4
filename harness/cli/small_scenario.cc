#include "harness/cli/small_scenario.h"

#include <fmt/format.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "harness/cli/terminal.h"
#include "harness/sweep/document.h"
#include "harness/sweep/story.h"
#include "reports/record/write.h"
#include "scenarios/schema/yaml_text.h"

namespace orrery::cli {

namespace fs = std::filesystem;

Result<nlohmann::json> present_small(const sweep::Shrunk& shrunk,
                                     const scenario::LoadOptions& options, const std::string& path,
                                     bool keep) {
  const auto document = nlohmann::ordered_json::parse(shrunk.document);
  ASSIGN_OR_RETURN(const scenario::Scenario scenario, sweep::load_document(document, options));
  ASSIGN_OR_RETURN(const auto story, sweep::tell(scenario, shrunk.failure));
  const std::string text =
      scenario::yaml_text(shrunk.document, fmt::format("{}", fmt::join(story, "\n")));
  TRY(report::write_file_atomically(path, text));
  nlohmann::json out{{"kind", std::string(sweep::to_string(shrunk.failure.kind))},
                     {"name", shrunk.failure.name},
                     {"text", shrunk.failure.text},
                     {"at_ns", shrunk.failure.at.ns},
                     {"nodes", scenario.nodes.size()},
                     {"faults", scenario.timeline.size()},
                     {"tried", shrunk.tried},
                     {"complete", shrunk.complete},
                     {"scenario", path},
                     {"story", story}};
  if (keep) {
    const fs::path folder = fs::path(ORRERY_SOURCE_ROOT) / "scenarios/library/regressions";
    std::error_code error;
    fs::create_directories(folder, error);
    const std::string kept =
        (folder / fmt::format("{}-{}.yaml", shrunk.failure.name, scenario.seed)).string();
    TRY(report::write_file_atomically(kept, text));
    out["kept"] = kept;
  }
  for (const std::string& line : story) say("  " + line);
  say(fmt::format("  {} nodes, {} faults after {} runs{}: {}", scenario.nodes.size(),
                  scenario.timeline.size(), shrunk.tried,
                  shrunk.complete ? "" : " (the budget ended first)", path));
  return out;
}

}  // namespace orrery::cli
