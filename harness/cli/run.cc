#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <optional>

#include "harness/cli/commands.h"
#include "harness/cli/exit_code.h"
#include "harness/cli/interrupt.h"
#include "harness/cli/net.h"
#include "harness/cli/run_files.h"
#include "harness/cli/run_fork.h"
#include "harness/cli/scenario_args.h"
#include "harness/cli/terminal.h"
#include "harness/inspect/trace_file.h"
#include "harness/run/run_scenario.h"
#include "harness/run/stamped_folder.h"
#include "reports/record/amount.h"
#include "reports/record/write.h"
#include "scenarios/schema/quantity.h"
#include "scenarios/schema/schema.h"

namespace orrery::cli {
namespace {

namespace fs = std::filesystem;

std::string quoted(const std::string& word) {
  const bool plain = word.find_first_of(" '\"$&|;<>()*?[]{}\\`!#~\n") == std::string::npos;
  return plain && !word.empty() ? word : "'" + word + "'";
}

// What to type to get this very run again.
std::string reproduce(const RunArgs& args, std::uint64_t seed) {
  std::string command = "harness/orrery run " + quoted(args.scenario.file);
  command += fmt::format(" --seed {}", seed);
  for (const std::string& item : args.scenario.set) command += " --set " + quoted(item);
  if (!args.until.empty()) command += " --until " + args.until;
  return command;
}

std::optional<env::LogLevel> log_level(const std::string& name) {
  if (name == "debug") return env::LogLevel::kDebug;
  if (name == "info") return env::LogLevel::kInfo;
  if (name == "warn") return env::LogLevel::kWarn;
  if (name == "error") return env::LogLevel::kError;
  return std::nullopt;
}

// Texts are escaped already; the cut shows as dots.
std::string excerpt(const std::string& text) {
  constexpr std::size_t kLongest = 60;
  return text.size() <= kLongest ? text : text.substr(0, kLongest) + "...";
}

// The first one, as an example; all are in the report and in tasks.csv.
void print_answer(const report::RunRecord& record) {
  for (const report::TaskRow& row : record.task_rows) {
    if (row.state != "settled" || row.prompt.empty() || row.answer.empty()) continue;
    say(fmt::format("  answer     \"{}\" to \"{}\"", excerpt(row.answer), excerpt(row.prompt)));
    return;
  }
}

void print_summary(const report::RunRecord& record) {
  const auto amount = [&](const std::string& base_units) {
    return report::format_amount(base_units, record.token_decimals, report::Fraction::kTrimmed) +
           " " + record.token_symbol;
  };
  say(fmt::format("{} · seed {} · {} of virtual time in {} · {} events",
                  paint(Colour::kBold, record.scenario_name), record.seed,
                  human_duration(record.virtual_seconds), human_duration(record.wall_seconds),
                  human_count(record.events)));
  say(fmt::format("  blocks     height {}, final {}", record.height, record.finalized_height));
  say(fmt::format("  tasks      {} requested, {} settled, {} refunded, {} slashed, {} open",
                  record.tasks.at("requested"), record.tasks.at("settled"),
                  record.tasks.at("refunded"), record.tasks.at("slashed"),
                  record.tasks.at("open")));
  print_answer(record);
  say(fmt::format("  money      {} in {} pools, exact", amount(record.supply.at("total")),
                  record.supply.size() - 1));
  for (const report::SlashRow& slash : record.slashes) {
    say(fmt::format("  slashed    {} lost {} at t+{:.0f}s: {}", slash.node, amount(slash.amount),
                    slash.time_s, slash.cause));
    if (&slash - record.slashes.data() == 4 && record.slashes.size() > 5) {
      say(fmt::format("             and {} more", record.slashes.size() - 5));
      break;
    }
  }
  std::uint64_t checks = 0, broken = 0;
  for (const report::InvariantRow& row : record.invariants) {
    checks += row.checks;
    if (row.violations == 0) continue;
    ++broken;
    say(fmt::format("  {} {}: {}", paint(Colour::kRed, "violated"), row.name, row.first_violation));
  }
  say(fmt::format("  invariants {} armed, {} checks, {}", record.invariants.size(),
                  human_count(checks),
                  broken == 0 ? paint(Colour::kGreen, "none violated")
                              : paint(Colour::kRed, fmt::format("{} violated", broken))));
  for (const report::AssertRow& row : record.asserts) {
    const std::string verdict = !row.decided ? paint(Colour::kYellow, "open      ")
                                : row.ok     ? paint(Colour::kGreen, "held      ")
                                             : paint(Colour::kRed, "failed    ");
    say(fmt::format("  {} {} ({})", verdict, row.name, row.seen));
  }
  if (record.partial) say(paint(Colour::kYellow, "  partial: the run was cut short"));
  say(fmt::format("  digest     {}", record.digest));
}

void print_place(const std::string& dir, bool html) {
  say(fmt::format("  {}     {}", html ? "report" : "record",
                  dir + (html ? "/report.html" : "/record.json")));
}

void point_latest_at(const std::string& dir) {
  std::error_code ignored;
  const fs::path link = "out/latest";
  fs::remove(link, ignored);
  fs::create_directory_symlink(fs::relative(dir, "out"), link, ignored);
}

// What the run does, written down as it goes on.
struct Traced {
  std::ofstream file;
  std::optional<inspect::TraceFile> trace;

  void attach(const std::string& path, const scenario::Scenario& scenario, run::World& world) {
    file.open(path, std::ios::binary);
    trace.emplace(file, scenario, inspect::TraceWindow{});
    world.simulator().watch(&*trace);
    world.simulator().add_trace_sink(*trace);
  }
  Status finish(const std::string& path, Time now) {
    if (!trace) return {};
    trace->finish(now);
    file.close();
    if (file) return {};
    return fail(ErrorCode::kIo, path + ": could not be written whole; disk full?");
  }
};

}  // namespace

int run_command(const RunArgs& args) {
  const auto scenario = load(args.scenario);
  if (!scenario) return kUsage;
  run::RunOptions options;
  options.command = reproduce(args, scenario->seed);
  options.memo = !args.no_memo;
  options.threads = args.threads;
  if (!args.until.empty()) {
    const auto until = scenario::parse_quantity(args.until, scenario::Dimension::kDuration);
    if (!until) {
      complain(fmt::format("--until {}: {}", args.until, until.error().message));
      return kUsage;
    }
    options.until = Time{static_cast<std::int64_t>(*until)};
  }
  if (!args.log.empty()) {
    const auto level = log_level(args.log);
    if (!level) {
      complain(fmt::format("--log {}: expected debug, info, warn or error", args.log));
      return kUsage;
    }
    options.log_level = *level;
    options.log = [&](Time now, std::uint32_t node, env::LogLevel, std::string_view line) {
      say(fmt::format("t+{:.3f}s {}: {}", static_cast<double>(now.ns) / 1e9,
                      scenario->nodes[node].name, line));
    };
  }
  // Before anything runs: what is wrong with a future must not show after its past.
  const auto forked = read_futures(args, options.until);
  if (!forked) return give_up(forked.error());
  // Before the run: hours of it must not be lost to a folder that cannot be made.
  const std::string dir = args.out.empty()
                              ? run::stamped_folder("out/" + scenario->name,
                                                    fmt::format("-{}", scenario->seed))
                              : args.out;
  std::error_code failed;
  fs::create_directories(dir, failed);
  if (failed || access(dir.c_str(), W_OK) != 0) {
    complain(fmt::format("--out {}: cannot write there: {}", dir,
                         failed ? failed.message() : "permission denied"));
    return kEnvironment;
  }
  options.interrupt = catch_interrupts();
  ProgressBar bar(scenario->name);
  if (!args.quiet && !args.json) {
    options.progress = [&](Time now, Time until, std::uint64_t events) {
      bar.update(now, until, events);
    };
  }
  if (!forked->empty()) {
    const int code = run_forked(args, *scenario, *forked, options, dir);
    if (args.out.empty()) point_latest_at(dir);
    return code;
  }
  Traced traced;
  const std::string trace_path = dir + "/trace.json";
  if (args.trace) options.attach = [&](run::World& w) { traced.attach(trace_path, *scenario, w); };
  std::optional<Error> cut_short;
  options.cut_short = [&](const Error& error) { cut_short = error; };
  auto record = run::run_scenario(*scenario, options);
  bar.clear();
  if (!record) {
    complain(record.error().message);
    return exit_code(record.error());
  }
  record->run_dir = dir;
  if (cut_short) record->exit = exit_code(*cut_short);
  const Time end{static_cast<std::int64_t>(record->virtual_seconds * 1e9)};
  const auto load_opts = load_options(args.scenario.set, args.scenario.seed);
  Status written = write_run(*record, {.given_yaml = read_text(args.scenario.file),
                                       .lock_json = scenario->canonical_json,
                                       .replay = {.document =
                                                      scenario::document_json(args.scenario.file),
                                                  .options = *load_opts,
                                                  .until_ns = end.ns,
                                                  .digest = record->digest},
                                       .report = !args.no_report});
  if (written) written = traced.finish(trace_path, end);
  if (written && args.out.empty()) point_latest_at(dir);
  if (args.json) fmt::print("{}\n", report::summary_json(*record));
  if (!args.quiet && !args.json) {
    print_summary(*record);
    if (written) print_place(record->run_dir, !args.no_report);
  }
  if (!written) {
    complain(written.error().message + "; what was written before stays in " + dir);
    return exit_code(written.error());
  }
  if (cut_short) complain(cut_short->message);
  return record->exit;
}

}  // namespace orrery::cli
