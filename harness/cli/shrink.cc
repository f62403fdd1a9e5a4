#include <fmt/format.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "harness/cli/exit_code.h"
#include "harness/cli/interrupt.h"
#include "harness/cli/net.h"
#include "harness/cli/scenario_args.h"
#include "harness/cli/search_args.h"
#include "harness/cli/small_scenario.h"
#include "harness/cli/terminal.h"
#include "harness/run/replay_file.h"
#include "harness/sweep/document.h"
#include "scenarios/schema/schema.h"

namespace orrery::cli {
namespace {

namespace fs = std::filesystem;

// The document of a scenario file or a run directory, with what the command line changes in it.
Result<nlohmann::ordered_json> open_target(const ShrinkArgs& args,
                                           std::vector<scenario::Override> overrides) {
  std::string text;
  if (fs::is_directory(args.target)) {
    ASSIGN_OR_RETURN(run::ReplayFile replay, run::read_replay_file(args.target + "/replay.json"));
    if (replay.branch) {
      return fail(ErrorCode::kInvalidArgument,
                  args.target + ": a future forked from another run; put what it adds into the "
                                "timeline of a scenario, and shrink that");
    }
    text = replay.document;
    overrides.insert(overrides.begin(), replay.options.overrides.begin(),
                     replay.options.overrides.end());
  } else {
    text = scenario::document_json(args.target);
  }
  const std::string plain = scenario::plain_document_json(text, overrides);
  if (plain.empty()) {
    return fail(ErrorCode::kInvalidArgument,
                args.target + ": not a scenario file or run directory; orrery check says why");
  }
  return nlohmann::ordered_json::parse(plain);
}

}  // namespace

int shrink_command(const ShrinkArgs& args) {
  auto options = load_options(args.set, args.seed);
  if (!options) return kUsage;
  auto overrides = std::exchange(options->overrides, {});
  const auto document = open_target(args, std::move(overrides));
  if (!document) return give_up(document.error());
  const auto interrupt = catch_interrupts();
  const auto shrunk =
      sweep::shrink_scenario(*document, {.load = *options,
                                         .max_trials = args.trials,
                                         .max_minutes = args.minutes,
                                         .interrupt = interrupt,
                                         .progress = [](auto tried, auto kept) {
                                           show_count("shrink", tried, kept, "runs", "kept");
                                         }});
  clear_count();
  if (!shrunk) {
    complain(shrunk.error().message);
    return shrunk.error().code == ErrorCode::kNotFound ? kHeld : exit_code(shrunk.error());
  }
  const fs::path beside = fs::is_directory(args.target)
                              ? fs::path(args.target) / "small.yaml"
                              : fs::path(args.target).replace_extension(".small.yaml");
  const auto shown =
      present_small(*shrunk, *options, args.out.empty() ? beside.string() : args.out, args.keep);
  if (!shown) return give_up(shown.error());
  if (args.json) {
    nlohmann::json out = *shown;
    out["schema"] = "orrery.shrink/1";
    fmt::print("{}\n", out.dump());
  }
  return interrupt() ? kInterrupted : kFinding;
}

}  // namespace orrery::cli
