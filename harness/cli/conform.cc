#include <fmt/format.h>

#include <chrono>
#include <filesystem>
#include <thread>

#include "harness/cli/exit_code.h"
#include "harness/cli/live_args.h"
#include "harness/cli/net.h"
#include "harness/cli/scenario_args.h"
#include "harness/cli/terminal.h"
#include "harness/testnet/conform.h"
#include "reports/record/write.h"
#include "reports/render/render.h"

namespace orrery::cli {
namespace {

using testnet::Conformance;

void print_replays(const Conformance& r) {
  std::uint64_t steps = 0, lives = 0;
  for (const testnet::ReplayedNode& n : r.nodes) {
    steps += n.steps;
    lives += n.lives;
    if (!n.problem.empty()) {
      say(fmt::format("  {} {}: {}", paint(Colour::kRed, "unreadable"), n.name, n.problem));
    } else if (n.difference) {
      say(fmt::format("  {} {}: step {} at t+{:.3f}s, {}", paint(Colour::kRed, "different"), n.name,
                      n.difference->step, static_cast<double>(n.difference->at.ns) / 1e9,
                      n.difference->event));
    }
  }
  say(fmt::format("  replay       {} nodes, {} lives, {} steps: {}", r.nodes.size(), lives,
                  human_count(steps),
                  r.replays_equal() ? paint(Colour::kGreen, "equal digests")
                                    : paint(Colour::kRed, "not equal")));
}

void print_invariants(const Conformance& r) {
  std::uint64_t checks = 0;
  for (const testnet::InvariantVerdict& v : r.invariants) {
    checks += v.checks;
    if (v.violations > 0) {
      say(fmt::format("  {} {}: {}", paint(Colour::kRed, "violated"), v.name, v.first));
    }
  }
  say(fmt::format("  invariants   {} of the live trace, {} checks: {}", r.invariants.size(),
                  human_count(checks),
                  r.invariants_hold() ? paint(Colour::kGreen, "none violated")
                                      : paint(Colour::kRed, "violated")));
}

void print_comparisons(const Conformance& r) {
  say(fmt::format("  {:<18}  {:>28}  {:>28}  {:>6}", "model error", "live median, p95 (n)",
                  "simulated median, p95 (n)", "KS"));
  for (const testnet::Comparison& c : r.comparisons) {
    const auto side = [&](const testnet::Samples& s) {
      return fmt::format("{:.4g}, {:.4g} {} ({})", testnet::quantile(s, 0.5),
                         testnet::quantile(s, 0.95), c.unit, s.size());
    };
    say(fmt::format("  {:<18}  {:>28}  {:>28}  {:>6.3f}", c.name, side(c.live), side(c.simulated),
                    c.ks));
  }
  if (r.link.messages > 0) {
    say(fmt::format("  fitted link  {} from {} messages; feed it back with", r.link.latency(),
                    human_count(r.link.messages)));
    say(fmt::format("               --set 'network.latency={}'", r.link.latency()));
  }
  for (const std::string& transition : r.only_live) say("  only live    " + transition);
}

// Runs a scenario file live for a while; `target` becomes the home that it leaves.
int run_live(const ConformArgs& args, std::string& target) {
  const auto time = parse_duration(args.for_);
  if (!time) return give_up({ErrorCode::kInvalidArgument, "--for: " + time.error().message});
  UpArgs up;
  up.scenario.file = target;
  const auto scenario = load(up.scenario);
  if (!scenario) return kUsage;
  up.home = testnet::default_home(scenario->name);
  if (const int code = up_command(up); code != kHeld) return code;
  if (!args.json) say(fmt::format("live for {}", args.for_));
  std::this_thread::sleep_for(std::chrono::nanoseconds(time->ns));
  target = up.home;
  return down_command({.net = {.home = up.home}, .keep = true});
}

}  // namespace

int conform_command(const ConformArgs& args) {
  std::string target = args.target;
  if (std::filesystem::is_regular_file(target)) {
    const int ran = run_live(args, target);
    if (ran != kHeld) return ran;
  }
  const auto home = testnet::find_home(target);
  if (!home) return give_up(home.error());
  ProgressBar bar("conform");
  testnet::ConformOptions options;
  options.use_fitted_link = args.fitted;
  const auto result = testnet::conform(*home, options);
  if (!result) return give_up(result.error());
  const std::string out = args.out.empty() ? home->dir() + "/conform" : args.out;
  std::error_code error;
  std::filesystem::create_directories(out, error);
  const std::string text = testnet::conformance_json(*result);
  if (const auto written = report::write_file_atomically(out + "/conform.json", text + "\n");
      !written) {
    return give_up(written.error());
  }
  const auto page = report::render_conformance(result->scenario, text);
  const Status paged = page ? report::write_file_atomically(out + "/conform.html", *page)
                            : tl::unexpected<Error>(page.error());
  if (!paged) return give_up(paged.error());
  if (args.json) {
    fmt::print("{}\n", text);
  } else {
    say(fmt::format("{} · {} live", paint(Colour::kBold, result->scenario),
                    human_duration(result->live_seconds)));
    print_replays(*result);
    print_invariants(*result);
    print_comparisons(*result);
    say("  report       " + out + "/conform.html");
  }
  if (!result->replays_equal()) return kNondeterminism;
  return result->invariants_hold() ? kHeld : kFinding;
}

}  // namespace orrery::cli
