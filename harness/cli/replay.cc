#include <fmt/format.h>

#include "harness/cli/commands.h"
#include "harness/cli/exit_code.h"
#include "harness/cli/net.h"
#include "harness/cli/replay_stop.h"
#include "harness/cli/run_files.h"
#include "harness/cli/terminal.h"
#include "harness/run/run_scenario.h"

namespace orrery::cli {

int replay_command(const ReplayArgs& args) {
  const auto run = open_run(args.run);
  if (!run) {
    complain(run.error().message);
    return kUsage;
  }
  if (!args.to.empty() || !args.node.empty() || !args.conditions.empty()) {
    return replay_stop(args, *run);
  }
  ProgressBar bar("replay " + run->scenario.name);
  run::RunOptions options;
  options.until = run->until;
  options.branch = run->branch;
  options.command = "harness/orrery replay " + args.run;
  if (!args.json) {
    options.progress = [&](Time now, Time until, std::uint64_t events) {
      bar.update(now, until, events);
    };
  }
  const auto record = run::run_scenario(run->scenario, options);
  bar.clear();
  if (!record) return give_up(record.error());
  const bool equal = record->digest == run->digest;
  if (args.json) {
    fmt::print(
        "{{\"schema\":\"orrery.replay/1\",\"equal\":{},\"digest\":\"{}\",\"recorded\":\"{}\"}}\n",
        equal, record->digest, run->digest);
  } else if (equal) {
    say(fmt::format("{}: {} events, digest {}", paint(Colour::kGreen, "equal"),
                    human_count(record->events), record->digest));
  } else {
    say(
        fmt::format("{}: recorded {}, now {}; another version of the program, or non-determinism: "
                    "run it twice and compare with orrery diff",
                    paint(Colour::kRed, "different"), run->digest, record->digest));
  }
  return equal ? kHeld : kNondeterminism;
}

}  // namespace orrery::cli
