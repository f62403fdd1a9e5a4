// trace: a run directory's run once more, written down for the Perfetto viewer.
#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "harness/cli/commands.h"
#include "harness/cli/exit_code.h"
#include "harness/cli/interrupt.h"
#include "harness/cli/net.h"
#include "harness/cli/run_files.h"
#include "harness/cli/terminal.h"
#include "harness/inspect/trace_file.h"
#include "harness/run/world.h"
#include "scenarios/schema/selector.h"

namespace orrery::cli {
namespace {

Result<Time> time_of(const char* option, std::string text, Time otherwise) {
  if (text.empty()) return otherwise;
  if (text.starts_with("t+")) text.erase(0, 2);
  const auto duration = parse_duration(text);
  if (duration && duration->ns >= 0) return Time{duration->ns};
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("{} {}: expected a virtual time, such as 12m30s", option, text));
}

Result<inspect::TraceWindow> window_of(const TraceArgs& args, const RunAgain& run) {
  inspect::TraceWindow window{.max_rows = args.max_rows};
  ASSIGN_OR_RETURN(window.from, time_of("--from", args.from, Time{}));
  ASSIGN_OR_RETURN(window.to, time_of("--to", args.to, run.until));
  if (window.from > window.to) {
    return fail(ErrorCode::kInvalidArgument, "--from lies behind --to, or behind the run's end");
  }
  if (args.nodes.empty()) return window;
  const auto chosen = scenario::select_nodes(
      args.nodes, {.nodes = run.scenario.nodes, .seed = run.scenario.seed, .path = "--nodes"});
  if (!chosen) {
    return fail(ErrorCode::kInvalidArgument,
                "--nodes " + args.nodes + ": " + chosen.error().message);
  }
  window.nodes.resize(run.scenario.nodes.size(), false);
  for (const std::uint32_t node : *chosen) window.nodes[node] = true;
  return window;
}

}  // namespace

int trace_command(const TraceArgs& args) {
  const auto run = open_run(args.run);
  if (!run) return give_up(run.error());
  const auto window = window_of(args, *run);
  if (!window) return give_up(window.error());
  const std::string path = args.out.empty() ? args.run + "/trace.json" : args.out;
  std::ofstream file(path, std::ios::binary);
  if (!file) return give_up({ErrorCode::kIo, path + ": cannot be written"});
  inspect::TraceFile trace(file, run->whole(), *window);
  const auto world =
      run::World::make(run->scenario, {.interrupt = catch_interrupts(), .branch = run->branch});
  if (!world) return give_up(world.error());
  (*world)->simulator().watch(&trace);
  (*world)->simulator().add_trace_sink(trace);
  const Status ran = (*world)->run_until(std::min(window->to, run->until));
  const inspect::TraceCounts counts = trace.finish((*world)->simulator().now());
  file.close();
  if (!file) return give_up({ErrorCode::kIo, path + ": could not be written whole; disk full?"});
  if (args.json) {
    fmt::print("{}\n", nlohmann::json{{"schema", "orrery.trace-counts/1"},
                                      {"file", path},
                                      {"rows", counts.rows},
                                      {"slices", counts.slices},
                                      {"flows", counts.flows},
                                      {"lost", counts.lost},
                                      {"unheard", counts.unheard},
                                      {"marks", counts.marks},
                                      {"cut", counts.cut}}
                           .dump());
  } else {
    say(fmt::format("{}: {} handlers, {} messages ({} lost, {} not heard by the end), {} marks",
                    path, human_count(counts.slices), human_count(counts.flows),
                    human_count(counts.lost), human_count(counts.unheard),
                    human_count(counts.marks)));
    if (counts.cut) {
      say(paint(Colour::kYellow, "cut after --rows; --from, --to and --nodes narrow it"));
    }
    say("open it in https://ui.perfetto.dev or chrome://tracing");
  }
  return ran ? kHeld : give_up(ran.error());
}

}  // namespace orrery::cli
