#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <thread>

#include "harness/cli/exit_code.h"
#include "harness/cli/interrupt.h"
#include "harness/cli/net.h"
#include "harness/cli/scenario_args.h"
#include "harness/cli/search_args.h"
#include "harness/cli/small_scenario.h"
#include "harness/cli/terminal.h"
#include "harness/run/stamped_folder.h"
#include "harness/sweep/swarm.h"
#include "reports/record/write.h"
#include "scenarios/schema/schema.h"
#include "scenarios/schema/yaml_text.h"

namespace orrery::cli {
namespace {

using nlohmann::json;

// The seeds' scenarios as files; the first of each different failure made small.
Result<json> present_failures(const SwarmArgs& args, const sweep::SwarmOptions& options,
                              const sweep::SwarmResult& result, const std::string& out) {
  json rows = json::array();
  std::vector<sweep::Failure> shrunk;
  for (const sweep::FailedSeed& failed : result.failed) {
    const sweep::Failure& f = failed.failure;
    ASSIGN_OR_RETURN(const auto document, sweep::swarm_document(options, failed.seed));
    const std::string path = fmt::format("{}/seed-{}.yaml", out, failed.seed);
    TRY(report::write_file_atomically(path, scenario::yaml_text(document.dump(), f.text)));
    json row{{"seed", failed.seed}, {"kind", std::string(sweep::to_string(f.kind))},
             {"name", f.name},      {"text", f.text},
             {"at_ns", f.at.ns},    {"scenario", path}};
    const bool known = std::any_of(shrunk.begin(), shrunk.end(),
                                   [&](const sweep::Failure& s) { return s.same_as(f); });
    const bool stopped = options.interrupt && options.interrupt();
    if (!known && shrunk.size() < args.shrink && !stopped) {
      shrunk.push_back(f);
      say(fmt::format("seed {}: {} {}", failed.seed, sweep::to_string(f.kind), f.name));
      const auto small =
          sweep::shrink_scenario(document, {.load = options.load,
                                            .interrupt = options.interrupt,
                                            .progress = [](auto tried, auto kept) {
                                              show_count("shrink", tried, kept, "runs", "kept");
                                            }});
      clear_count();
      if (!small) return tl::unexpected<Error>(small.error());
      ASSIGN_OR_RETURN(
          row["small"],
          present_small(*small, options.load,
                        fmt::format("{}/seed-{}.small.yaml", out, failed.seed), args.keep));
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

void print_coverage(const sweep::SwarmResult& result) {
  say("seeds that met");
  std::string last_kind;
  for (const auto& [goal, seeds] : result.coverage) {
    const std::size_t colon = goal.find(": ");  // "buggify: voter.late"; goals of runs have no kind
    const std::string kind = colon == std::string::npos ? "sometimes" : goal.substr(0, colon);
    if (kind != last_kind) say(fmt::format("  {}", paint(Colour::kBold, kind)));
    last_kind = kind;
    const std::string name = colon == std::string::npos ? goal : goal.substr(colon + 2);
    say(fmt::format("  {:>7}  {}", seeds, seeds == 0 ? paint(Colour::kYellow, name) : name));
  }
  const auto unmet = std::count_if(result.coverage.begin(), result.coverage.end(),
                                   [](const auto& goal) { return goal.second == 0; });
  say(fmt::format("  {} of {} goals met", result.coverage.size() - static_cast<std::size_t>(unmet),
                  result.coverage.size()));
}

}  // namespace

int swarm_command(const SwarmArgs& args) {
  const auto load = load_options(args.set, std::nullopt);
  if (!load) return kUsage;
  const auto until = parse_duration(args.until);
  constexpr Duration kLeast = Duration::minutes(3);  // faults, then calm
  if (!until || until->ns < kLeast.ns) {
    complain(fmt::format("--until {}: expected a duration of at least 3m", args.until));
    return kUsage;
  }
  const bool timed = args.minutes > 0;
  sweep::SwarmOptions options{.load = *load,
                              .first_seed = args.first,
                              .seeds = args.seeds.value_or(timed ? UINT64_MAX - args.first : 100),
                              .minutes = args.minutes,
                              .jobs = args.jobs,
                              .again_every = args.again_every,
                              .until = *until,
                              .interrupt = catch_interrupts()};
  if (options.jobs == 0) options.jobs = std::max(1u, std::thread::hardware_concurrency());
  if (!args.file.empty()) {
    options.document = scenario::document_json(args.file);
    if (options.document.empty()) {
      complain(args.file + ": not a scenario file; orrery check says why");
      return kUsage;
    }
  }
  options.progress = [](std::uint64_t done, std::uint64_t failed) {
    show_count("swarm", done, failed, "seeds", "failed");
  };
  const auto result = sweep::run_swarm(options);
  clear_count();
  if (!result) return give_up(result.error());
  const std::string out = args.out.empty() ? run::stamped_folder("out/swarm") : args.out;
  std::error_code error;
  std::filesystem::create_directories(out, error);
  const auto failures = present_failures(args, options, *result, out);
  if (!failures) return give_up(failures.error());
  const json summary{{"schema", "orrery.swarm/1"},
                     {"first_seed", args.first},
                     {"runs", result->runs},
                     {"compared", result->compared},
                     {"events", result->events},
                     {"simulated_ns", result->simulated.ns},
                     {"failed", *failures},
                     {"coverage", result->coverage},
                     {"interrupted", result->interrupted}};
  if (const Status written = report::write_file_atomically(out + "/swarm.json", summary.dump(1));
      !written) {
    return give_up(written.error());
  }
  if (args.json) {
    fmt::print("{}\n", summary.dump());
  } else {
    print_coverage(*result);
    say(fmt::format("{} seeds from {}, {} of them twice, {} of virtual time, {} events: {}",
                    result->runs, args.first, result->compared,
                    human_duration(static_cast<double>(result->simulated.ns) / 1e9),
                    human_count(result->events),
                    result->failed.empty()
                        ? paint(Colour::kGreen, "nothing failed")
                        : paint(Colour::kRed, fmt::format("{} failed", result->failed.size()))));
    say("  results    " + out + "/swarm.json");
  }
  if (result->interrupted && args.minutes <= 0) return kInterrupted;
  return result->failed.empty() ? kHeld : kFinding;
}

}  // namespace orrery::cli
