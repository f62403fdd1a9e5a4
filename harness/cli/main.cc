// The command: parses words, calls one function of commands.h, returns its exit code.
#include <CLI/CLI.hpp>
#include <exception>

#include "harness/cli/attribute_args.h"
#include "harness/cli/bench_args.h"
#include "harness/cli/client_args.h"
#include "harness/cli/commands.h"
#include "harness/cli/exit_code.h"
#include "harness/cli/live_args.h"
#include "harness/cli/model_args.h"
#include "harness/cli/search_args.h"
#include "harness/cli/terminal.h"

namespace orrery::cli {
namespace {

constexpr const char* kExitCodes =
    "Exit codes: 0 all held · 1 an assertion or invariant failed · 2 bad usage or scenario ·\n"
    "3 this machine cannot honour it · 4 not in time · 5 non-determinism · 6 a node failed ·\n"
    "7 internal error · 130 interrupted, partial results kept. Data goes to standard output,\n"
    "words for people to standard error.";

void add_scenario(CLI::App& verb, ScenarioArgs& args) {
  verb.add_option("file", args.file, "Scenario file (YAML or JSON)")->required();
  verb.add_option("--set", args.set, "Change a value: key=value, as in chain.consensus.slot=2s")
      ->allow_extra_args(false);
  verb.add_option("--seed", args.seed, "Seed of every random draw, instead of the file's");
}

struct Options {
  RunArgs run;
  CheckArgs check;
  ShowArgs show;
  ListArgs list;
  NewArgs create;
  ReplayArgs replay;
  TraceArgs trace;
  DiffArgs diff;
  ReportArgs report;
  SchemaArgs schema;
  DoctorArgs doctor;
  LiveArgs live;
  ClientArgs client;
  BenchArgs bench;
  ModelArgs model;
  AttributeArgs attribute;
  SearchArgs search;
};

void add_run(CLI::App& app, RunArgs& args) {
  CLI::App* verb = app.add_subcommand("run", "Run a scenario in virtual time and report on it");
  add_scenario(*verb, args.scenario);
  verb->add_option("--out", args.out, "Run directory (default: out/NAME/TIME-SEED)");
  verb->add_option("--until", args.until, "Stop at this virtual time, such as 10m");
  verb->add_flag("--json", args.json, "One JSON object on standard output, nothing else");
  verb->add_flag("-q,--quiet", args.quiet, "No progress and no summary");
  verb->add_flag("--no-memo", args.no_memo,
                 "Do pure work again for every node (slow; same digest)");
  verb->add_flag("--no-report", args.no_report, "Do not render report.html");
  verb->add_option("--threads", args.threads, "Threads; they change nothing but the time")
      ->check(CLI::Range(1u, 256u));
  verb->add_option("--log", args.log, "Show the nodes' log from this level: debug info warn error");
  verb->add_flag("--trace", args.trace,
                 "Also write trace.json for ui.perfetto.dev (orrery trace has a window)");
  verb->add_option("--fork-at", args.fork_at,
                   "Run once up to this virtual time, then each --variant from there");
  verb->add_option("--variant", args.variants,
                   "A future: as-is, seed=7, or a fault: 'do: partition, for: 1m, sides: [...]'; "
                   "NAME := in front names it")
      ->allow_extra_args(false);
  verb->add_option("--variants", args.variants_file,
                   "YAML list of futures: {name, seed, timeline}");
  verb->add_option("--jobs", args.jobs, "Futures side by side (default: one a core)");
  verb->footer(
      "Examples: orrery run scenarios/library/quickstart.yaml --seed 7 --until 15m\n"
      "          orrery run scenarios/library/quickstart.yaml --fork-at 20m --variant as-is \\\n"
      "            --variant seed=7 --variant 'do: crash, targets: validators-0 | users-1, "
      "restart_after: 2m'");
}

void add_look(CLI::App& app, Options& o) {
  CLI::App* check = app.add_subcommand("check", "Check scenario files, with places and hints");
  check->add_option("files", o.check.files, "Scenario files")->required();
  check->add_option("--set", o.check.set, "Change a value: key=value")->allow_extra_args(false);
  check->add_flag("--json", o.check.json, "One JSON object on standard output");
  check->footer("Example: orrery check scenarios/library/*.yaml");

  CLI::App* show = app.add_subcommand("show", "Say what a scenario will do");
  add_scenario(*show, o.show.scenario);
  show->add_flag("--resolved", o.show.resolved, "The canonical JSON that the hash is taken of");
  show->add_flag("--json", o.show.json, "The same");
  show->footer("Example: orrery show scenarios/library/quickstart.yaml");

  CLI::App* list = app.add_subcommand("list", "List what there is to run and to name in scenarios");
  list->add_option("what", o.list.what,
                   "scenarios, metrics, behaviours, invariants or points (of debug.buggify)")
      ->check(CLI::IsMember({"scenarios", "metrics", "behaviours", "invariants", "points"}));
  list->add_flag("--json", o.list.json, "One JSON object on standard output");
  list->footer("Example: orrery list metrics");

  CLI::App* schema = app.add_subcommand("schema", "Print the JSON Schema of scenario files");
  schema->add_flag("--markdown", o.schema.markdown, "Every key with its meaning, for people");
  schema->add_flag("--json", o.schema.json, "JSON Schema, the default");
  schema->footer("Example: orrery schema > orrery.schema.json");

  CLI::App* doctor = app.add_subcommand("doctor", "Look at this machine and say what is missing");
  doctor->add_flag("--json", o.doctor.json, "One JSON object on standard output");
  doctor->footer("Example: orrery doctor");
}

void add_make(CLI::App& app, Options& o) {
  CLI::App* create = app.add_subcommand("new", "Start a scenario of your own, with comments");
  create->add_option("dir", o.create.dir, "Folder to put scenario.yaml in")->required();
  create->add_option("--template", o.create.model, "minimal or attack")
      ->check(CLI::IsMember({"minimal", "attack"}));
  create->add_flag("--json", o.create.json, "One JSON object on standard output");
  create->footer("Example: orrery new my-network --template attack");

  CLI::App* replay =
      app.add_subcommand("replay", "Run a run directory again; its digest must come");
  replay->add_option("run", o.replay.run, "Run directory")->required();
  replay->add_option("--to", o.replay.to,
                     "Stop there: a virtual time (12m30s) or the number of an event (48213)");
  replay->add_option("--break", o.replay.conditions,
                     "Stop at the first event where this holds: key op value, all of a list with "
                     "commas. Keys: kind node group from height final mempool peers time event "
                     "fault invariant. Several --break: any of them")
      ->allow_extra_args(false);
  replay->add_option("--node", o.replay.node,
                     "Tell all about this node there (default: a line each)");
  replay->add_flag("--json", o.replay.json, "One JSON object on standard output");
  replay->footer(
      "Examples: orrery replay out/latest\n"
      "          orrery replay out/latest --to 20m --node validators-0\n"
      "          orrery replay out/latest --break invariant\n"
      "          orrery replay out/latest --break 'kind=vote-sent,node=validators-2,height>=40'\n"
      "Exit 4: no --break held up to --to or the end.");

  CLI::App* trace = app.add_subcommand(
      "trace", "Write what a run did for the Perfetto viewer: nodes, handlers, messages, faults");
  trace->add_option("run", o.trace.run, "Run directory")->required();
  trace->add_option("-o,--out", o.trace.out, "File (default: RUN/trace.json)");
  trace->add_option("--from", o.trace.from, "From this virtual time, such as 12m");
  trace->add_option("--to", o.trace.to, "Up to this virtual time");
  trace->add_option("--nodes", o.trace.nodes, "Only these nodes: group(validators) | users-3");
  trace->add_option("--rows", o.trace.max_rows, "Rows at most");
  trace->add_flag("--json", o.trace.json, "Counts as one JSON object on standard output");
  trace->footer(
      "Example: orrery trace out/latest --from 19m --to 21m -o split.json\n"
      "Open the file in https://ui.perfetto.dev or chrome://tracing.");

  CLI::App* diff = app.add_subcommand(
      "diff", "Find the first event in which two runs differ, and how metrics do");
  diff->add_option("a", o.diff.a, "Run directory")->required();
  diff->add_option("b", o.diff.b, "Run directory")->required();
  diff->add_flag("--json", o.diff.json, "One JSON object on standard output");
  diff->footer("Example: orrery diff out/a out/b");

  CLI::App* report = app.add_subcommand("report", "Render a run's report again");
  report->add_option("runs", o.report.runs, "Run directories")->required();
  report->add_option("--html", o.report.html, "Write the page here (default: RUN/report.html)");
  report->add_option("--markdown", o.report.markdown, "Write a summary in Markdown here; - prints");
  report->add_flag("--json", o.report.json, "Print the run's summary object");
  report->footer("Example: orrery report out/latest --markdown -");
}

int dispatch(const CLI::App& app, const Options& o) {
  const std::string verb = app.get_subcommands().front()->get_name();
  if (verb == "run") return run_command(o.run);
  if (verb == "check") return check_command(o.check);
  if (verb == "show") return show_command(o.show);
  if (verb == "list") return list_command(o.list);
  if (verb == "new") return new_command(o.create);
  if (verb == "replay") return replay_command(o.replay);
  if (verb == "trace") return trace_command(o.trace);
  if (verb == "diff") return diff_command(o.diff);
  if (verb == "report") return report_command(o.report);
  if (verb == "schema") return schema_command(o.schema);
  if (verb == "doctor") return doctor_command(o.doctor);
  if (const auto code = dispatch_client(verb, o.client)) return *code;
  if (const auto code = dispatch_bench(verb, o.bench)) return *code;
  if (const auto code = dispatch_model(verb, o.model)) return *code;
  if (const auto code = dispatch_attribute(verb, o.attribute)) return *code;
  if (const auto code = dispatch_search(verb, o.search)) return *code;
  return dispatch_live(verb, o.live).value_or(kUsage);
}

int main_checked(int argc, char** argv) {
  CLI::App app(
      "Orrery: a deterministic simulation and testnet framework for decentralized-AI networks",
      "orrery");
  Options options;
  add_run(app, options.run);
  add_look(app, options);
  add_make(app, options);
  add_live_verbs(app, options.live);
  add_client_verbs(app, options.client);
  add_bench_verbs(app, options.bench);
  add_model_verbs(app, options.model);
  add_attribute_verb(app, options.attribute);
  add_search_verbs(app, options.search);
  app.require_subcommand(1);
  app.set_version_flag("--version", ORRERY_VERSION);
  app.footer(kExitCodes);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    // Help and version are answers; everything else is bad usage.
    return app.exit(error) == 0 ? kHeld : kUsage;
  }
  return dispatch(app, options);
}

}  // namespace
}  // namespace orrery::cli

int main(int argc, char** argv) {
  try {
    return orrery::cli::main_checked(argc, argv);
  } catch (const std::bad_alloc&) {
    orrery::cli::complain("out of memory");
    return orrery::cli::kEnvironment;
  } catch (const std::exception& error) {
    orrery::cli::complain(std::string("internal error: ") + error.what());
    return orrery::cli::kInternal;
  }
}
