// Words of the verbs that look for failures.
#include <CLI/CLI.hpp>

#include "harness/cli/search_args.h"

namespace orrery::cli {

void add_search_verbs(CLI::App& app, SearchArgs& args) {
  SwarmArgs& s = args.swarm;
  CLI::App* swarm =
      app.add_subcommand("swarm", "Run many seeds with random faults; failures come back small");
  swarm->add_option("file", s.file,
                    "Scenario that every seed starts from (default: a world drawn for each)");
  swarm->add_option("--set", s.set, "Change a value: key=value")->allow_extra_args(false);
  swarm->add_option("--seeds", s.seeds, "At most; default 100, or what --minutes allow");
  swarm->add_option("--first", s.first, "The first of them");
  swarm->add_option("--minutes", s.minutes, "Stop after this many minutes of wall time")
      ->check(CLI::NonNegativeNumber);
  swarm->add_option("--jobs", s.jobs, "Worlds side by side (default: one a core)");
  swarm->add_option("--until", s.until, "Virtual length of drawn worlds, such as 10m");
  swarm->add_option("--again-every", s.again_every,
                    "Run every n-th seed twice and compare the digests; 0: none");
  swarm->add_option("--shrink", s.shrink, "How many different failures to shrink");
  swarm->add_option("--out", s.out, "Folder of the results (default: out/swarm/TIME)");
  swarm->add_flag("--keep", s.keep, "Put shrunk failures into scenarios/library/regressions");
  swarm->add_flag("--json", s.json, "One JSON object on standard output");
  swarm->footer(
      "Examples: orrery swarm --seeds 1000\n"
      "          orrery swarm scenarios/library/quickstart.yaml --minutes 10");

  ShrinkArgs& k = args.shrink;
  CLI::App* shrink = app.add_subcommand(
      "shrink", "Make a failing scenario as small as it fails, and tell its story");
  shrink->add_option("target", k.target, "Scenario file or run directory")->required();
  shrink->add_option("--set", k.set, "Change a value: key=value")->allow_extra_args(false);
  shrink->add_option("--seed", k.seed, "Seed of every random draw, instead of the file's");
  shrink->add_option("--trials", k.trials, "Runs at most");
  shrink->add_option("--minutes", k.minutes, "Wall time at most")->check(CLI::PositiveNumber);
  shrink->add_option("--out", k.out, "File of the small scenario (default: small.yaml beside it)");
  shrink->add_flag("--keep", k.keep, "Put it into scenarios/library/regressions");
  shrink->add_flag("--json", k.json, "One JSON object on standard output");
  shrink->footer("Example: orrery shrink out/latest");
}

std::optional<int> dispatch_search(const std::string& verb, const SearchArgs& args) {
  if (verb == "swarm") return swarm_command(args.swarm);
  if (verb == "shrink") return shrink_command(args.shrink);
  return std::nullopt;
}

}  // namespace orrery::cli
