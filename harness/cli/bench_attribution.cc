#include "harness/model/bench_attribution.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "harness/cli/bench_args.h"
#include "harness/cli/exit_code.h"
#include "harness/cli/terminal.h"
#include "harness/model/stopwatch.h"
#include "harness/run/machine.h"

namespace orrery::cli {
namespace {

nlohmann::ordered_json json_of(const model::AttributionRow& row) {
  nlohmann::ordered_json out{{"corpus", row.corpus}, {"name", row.name}, {"value", row.value}};
  if (row.interval) out["ci95"] = {row.interval->low, row.interval->high};
  if (row.ceiling) out["ceiling"] = *row.ceiling;
  if (row.target) {
    out["target"] = *row.target;
    out["target_is"] = row.at_most ? "at most" : "at least";
    out["missed"] = row.missed();
  }
  return out;
}

void print(const model::AttributionRow& row) {
  std::string line = fmt::format("{:<11} {:<32} {:>7.3f}", row.corpus, row.name, row.value);
  if (row.interval)
    line += fmt::format("  [{:.3f}, {:.3f}]", row.interval->low, row.interval->high);
  if (row.ceiling) line += fmt::format("  ceiling {:.3f}", *row.ceiling);
  if (row.target) {
    line += fmt::format("  {} {:.2f}: {}", row.at_most ? "at most" : "at least", *row.target,
                        row.missed() ? "missed" : "reached");
  }
  fmt::print("{}\n", line);
}

}  // namespace

void add_attribution_bench(CLI::App& bench, BenchArgs& args) {
  model::AttributionBench& o = args.attribution;
  CLI::App* verb = bench.add_subcommand(
      "attribution", "Scores of training texts against what training without them changes");
  verb->add_option("--corpora", o.corpora, "plain, shared, wide (default: all)")->delimiter(',');
  verb->add_option("--models", o.models, "Random halves of a corpus to train on");
  verb->add_option("--seeds", o.seeds, "Trainings of each half");
  verb->add_option("--threads", o.threads, "Threads; the numbers do not depend on them");
  verb->add_option("--seed", o.seed, "Of the corpora");
  verb->add_flag("!--no-coalitions", o.coalitions,
                 "Do not train on every coalition of contributors");
  verb->add_flag("--json", args.json, "One JSON object on standard output");
  verb->footer("Example: orrery bench attribution --corpora plain --models 24 --seeds 2");
  verb->callback([&args] { args.what = "attribution"; });
}

int run_attribution_bench(const BenchArgs& args) {
  const model::Stopwatch watch;
  nlohmann::ordered_json out = nlohmann::ordered_json::array();
  std::size_t missed = 0;
  const auto take = [&](const std::vector<model::AttributionRow>& rows) {
    for (const model::AttributionRow& row : rows) {
      out.push_back(json_of(row));
      missed += row.missed();
      if (!args.json) print(row);
    }
    std::fflush(stdout);
  };
  const Status status =
      model::bench_attribution(args.attribution, {[](const std::string& s) { say(s); }, take});
  if (!status) {
    complain(status.error().message);
    return exit_code(status.error());
  }
  const double seconds = watch.elapsed().cpu;
  if (args.json) {
    fmt::print("{}\n", nlohmann::ordered_json{{"schema", "orrery.bench.attribution/1"},
                                              {"machine", run::machine_facts().machine},
                                              {"models", args.attribution.models},
                                              {"seeds", args.attribution.seeds},
                                              {"seed", args.attribution.seed},
                                              {"cpu_seconds", seconds},
                                              {"rows", out}}
                           .dump());
  }
  say(fmt::format("{:.0f} s of processor time; {} targets missed", seconds, missed));
  return kHeld;
}

}  // namespace orrery::cli
