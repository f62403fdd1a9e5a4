#include <fmt/format.h>

#include "harness/cli/commands.h"
#include "harness/cli/exit_code.h"
#include "harness/cli/terminal.h"
#include "harness/run/replay_file.h"
#include "harness/run/run_scenario.h"

namespace orrery::cli {

int replay_command(const ReplayArgs& args) {
  const auto replay = run::read_replay_file(args.run + "/replay.json");
  if (!replay) {
    complain(replay.error().message);
    return kUsage;
  }
  const auto scenario = run::load_replay(*replay, args.run + "/replay.json");
  if (!scenario) {
    complain(scenario.error().message);
    return kUsage;
  }
  ProgressBar bar("replay " + scenario->name);
  run::RunOptions options;
  options.until = Time{replay->until_ns};
  options.command = "harness/orrery replay " + args.run;
  if (!args.json) {
    options.progress = [&](Time now, Time until, std::uint64_t events) {
      bar.update(now, until, events);
    };
  }
  const auto record = run::run_scenario(*scenario, options);
  bar.clear();
  if (!record) {
    complain(record.error().message);
    return exit_code(record.error());
  }
  const bool equal = record->digest == replay->digest;
  if (args.json) {
    fmt::print(
        "{{\"schema\":\"orrery.replay/1\",\"equal\":{},\"digest\":\"{}\",\"recorded\":\"{}\"}}\n",
        equal, record->digest, replay->digest);
  } else if (equal) {
    say(fmt::format("{}: {} events, digest {}", paint(Colour::kGreen, "equal"),
                    human_count(record->events), record->digest));
  } else {
    say(fmt::format("{}: recorded {}, now {}; another version of the program, or non-determinism: "
                    "run it twice and compare with orrery diff",
                    paint(Colour::kRed, "different"), replay->digest, record->digest));
  }
  return equal ? kHeld : kNondeterminism;
}

}  // namespace orrery::cli
