#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "harness/cli/bench_args.h"
#include "harness/cli/exit_code.h"
#include "harness/cli/terminal.h"
#include "harness/run/machine.h"

namespace orrery::cli {
namespace {

using model::Cheat;
using model::Level;
using nlohmann::ordered_json;

std::string level(std::size_t l) { return std::string(model::level_name(static_cast<Level>(l))); }

ordered_json json_of(const model::VerificationReport& r) {
  ordered_json levels = ordered_json::array(), cheats = ordered_json::array();
  for (std::size_t l = 0; l < model::kLevels; ++l) {
    levels.push_back({{"level", level(l)},
                      {"cost", r.cost[l]},
                      {"bytes_a_token", r.bytes_a_token[l]},
                      {"false_alarms", r.rows.front().rejected[l]}});
  }
  for (const model::DetectionRow& row : r.rows) {
    if (row.cheat == Cheat::kNone) continue;
    ordered_json rates = ordered_json::object();
    for (std::size_t l = 0; l < model::kLevels; ++l) {
      rates[level(l)] = static_cast<double>(row.rejected[l]) / row.tasks;
    }
    cheats.push_back(
        {{"cheat", model::cheat_name(row.cheat)}, {"tasks", row.tasks}, {"detected", rates}});
  }
  const model::DisputeReport& d = r.disputes;
  return {{"schema", "orrery.bench.verification/1"},
          {"machine", run::machine_facts().machine},
          {"inference_ms", r.inference_ms},
          {"fast_inference_ms", r.fast_inference_ms},
          {"levels", levels},
          {"cheats", cheats},
          {"honest_noise",
           {{"least_exponents", r.least_exponents},
            {"largest_mean_mantissa", r.largest_mantissa},
            {"largest_margin", r.largest_margin}}},
          {"disputes",
           {{"played", d.played},
            {"won_by_the_honest_side", d.honest_won},
            {"at_an_element", d.at_an_element},
            {"most_rounds", d.most_rounds},
            {"most_multiplications_a_step", d.most_multiplications},
            {"median_step_ms", d.median_step_ms},
            {"longest_step_ms", d.longest_step_ms},
            {"wide_step_ms", r.wide_step_ms}}}};
}

void print(const model::VerificationReport& r) {
  fmt::print("rejected claims of workers, of {} tasks each\n{:<18}", r.rows.front().tasks, "");
  for (std::size_t l = 0; l < model::kLevels; ++l) fmt::print("{:>12}", level(l));
  for (const model::DetectionRow& row : r.rows) {
    fmt::print("\n{:<18}", model::cheat_name(row.cheat));
    for (const std::uint32_t n : row.rejected) fmt::print("{:>11.1f}%", 100.0 * n / row.tasks);
  }
  fmt::print("\n{:<18}", "cost / inference");
  for (const double cost : r.cost) fmt::print("{:>12.2f}", cost);
  fmt::print("\n{:<18}", "bytes / token");
  for (const double bytes : r.bytes_a_token) fmt::print("{:>12.1f}", bytes);
  const model::DisputeReport& d = r.disputes;
  fmt::print(
      "\nhonest passes in bfloat16 agree on {:.1f}% of the exponents or more; mantissas differ by "
      "{:.2f} at most in the mean, likeliest logits by {:.2f}\na task takes {:.2f} ms of CPU in "
      "exact-i8, "
      "{:.2f} ms in fast bfloat16\n"
      "{} random disputes: {} won by the honest side, {} at one element; at most {} rounds; a step "
      "takes {:.4f} ms (median), {:.4f} ms (longest), at most {} multiplications\n",
      100 * r.least_exponents, r.largest_mantissa, r.largest_margin, r.inference_ms,
      r.fast_inference_ms, d.played, d.honest_won, d.at_an_element, d.most_rounds, d.median_step_ms,
      d.longest_step_ms, d.most_multiplications);
  fmt::print("the slowest step in a layer of 768 x 2048 after 256 positions takes {:.3f} ms\n",
             r.wide_step_ms);
}

}  // namespace

void add_bench_verification(CLI::App& bench, BenchArgs& args) {
  CLI::App* verb = bench.add_subcommand(
      "verification", "What each level of verification finds of each cheat, and its cost");
  model::VerificationBench& o = args.verification;
  verb->add_option("--tasks", o.tasks, "Of each cheat")->check(CLI::Range(1, 100'000));
  verb->add_option("--prompt", o.prompt_bytes, "Bytes of a prompt");
  verb->add_option("--tokens", o.tokens, "Of an answer");
  verb->add_option("--disputes", o.disputes.count, "Random disputes to play")
      ->check(CLI::Range(1, 10'000'000));
  verb->add_option("--seed", o.seed, "Of keys, samples and lies");
  verb->add_flag("--json", args.json, "One JSON object on standard output");
  verb->footer("Example: orrery bench verification --tasks 50 --disputes 10000");
  verb->callback([&args] { args.what = "verification"; });
}

// Exit 1 if an honest side lost: the exact levels may find too little, never the wrong one.
int bench_verification(const BenchArgs& args) {
  model::VerificationBench options = args.verification;
  options.disputes.seed = options.seed;
  const auto report = model::bench_verification(options);
  if (!report) {
    complain(report.error().message);
    return exit_code(report.error());
  }
  if (args.json) {
    fmt::print("{}\n", json_of(*report).dump());
  } else {
    print(*report);
  }
  const model::DetectionRow& honest = report->rows.front();
  const bool exact_levels_hold = honest.rejected[0] + honest.rejected[1] + honest.rejected[2] == 0;
  const bool won = report->disputes.honest_won == report->disputes.played;
  return exact_levels_hold && won ? kHeld : kFinding;
}

}  // namespace orrery::cli
