#include "harness/cli/run_fork.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>
#include <thread>

#include "harness/cli/exit_code.h"
#include "harness/cli/interrupt.h"
#include "harness/cli/net.h"
#include "harness/cli/run_files.h"
#include "harness/cli/scenario_args.h"
#include "harness/cli/terminal.h"
#include "harness/run/network.h"
#include "harness/threads/thread_crew.h"
#include "reports/record/read.h"
#include "reports/record/write.h"
#include "scenarios/schema/diagnostics.h"
#include "scenarios/schema/schema.h"

namespace orrery::cli {
namespace {

using nlohmann::json;

struct Wish {
  std::string name;
  run::BranchSpec spec;
};

tl::unexpected<Error> refuse(std::string why) {
  return fail(ErrorCode::kInvalidArgument, std::move(why));
}

Result<std::uint64_t> read_seed(std::string_view text) {
  std::uint64_t seed = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seed);
  if (error == std::errc() && end == text.data() + text.size()) return seed;
  return refuse(fmt::format("'{}' is no seed: expected a whole number", text));
}

bool plain_name(const std::string& name) {
  return !name.empty() && name.size() <= 64 && name.front() != '.' &&
         name.find_first_not_of(
             "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") ==
             std::string::npos;
}

// as-is · seed=7 · a fault in the words of a timeline; with NAME := in front.
Result<Wish> read_variant(std::string text, std::size_t number) {
  Wish wish;
  if (const std::size_t sign = text.find(":="); sign != std::string::npos) {
    wish.name = text.substr(0, text.find_last_not_of(' ', sign - 1) + 1);
    text.erase(0, text.find_first_not_of(' ', sign + 2));
  }
  const auto call = [&](std::string name) {
    if (wish.name.empty()) wish.name = std::move(name);
  };
  if (text == "as-is") {
    call("as-is");
  } else if (text.starts_with("seed=")) {
    ASSIGN_OR_RETURN(wish.spec.seed, read_seed(std::string_view(text).substr(5)));
    call("seed-" + text.substr(5));
  } else {
    // The scenario's own reader takes the words.
    const std::string document =
        scenario::plain_document_json("{}", {{"timeline", "[{" + text + "}]"}});
    if (document.empty()) {
      return refuse(
          "expected as-is, seed=7, or a fault as in a timeline without braces, such as "
          "do: crash, targets: validators-0, restart_after: 2m; what has brackets needs "
          "quotes: targets: \"group(validators)[0..1]\"");
    }
    const json timeline = json::parse(document).at("timeline");
    wish.spec.timeline = timeline.dump();
    call(fmt::format("{}-{}", timeline.at(0).value("do", "fault"), number));
  }
  return wish;
}

Result<Wish> read_listed(const json& item) {
  if (!item.is_object()) return refuse("each of futures is a map: {name, seed, timeline}");
  Wish wish;
  for (const auto& [key, value] : item.items()) {
    if (key == "name" && value.is_string()) {
      wish.name = value.get<std::string>();
    } else if (key == "seed" && value.is_number_unsigned()) {
      wish.spec.seed = value.get<std::uint64_t>();
    } else if (key == "seed" && value.is_string()) {
      ASSIGN_OR_RETURN(wish.spec.seed, read_seed(value.get<std::string>()));
    } else if (key == "timeline" && value.is_array()) {
      wish.spec.timeline = value.dump();
    } else {
      return refuse(fmt::format("'{}' of a future ({})", key,
                                scenario::suggest(key, {"name", "seed", "timeline"})));
    }
  }
  return wish;
}

Result<std::vector<Wish>> read_wishes(const RunArgs& args) {
  std::vector<Wish> wishes;
  for (const std::string& text : args.variants) {
    auto wish = read_variant(text, wishes.size() + 1);
    if (!wish) return refuse(fmt::format("--variant {}: {}", text, wish.error().message));
    wishes.push_back(std::move(*wish));
  }
  if (args.variants_file.empty()) return wishes;
  const auto bad = [&](const std::string& why) {
    return refuse(fmt::format("--variants {}: {}", args.variants_file, why));
  };
  const std::string text = scenario::document_json(args.variants_file);
  const json document = json::parse(text, nullptr, false);
  if (!document.is_object() || !document.contains("futures") || !document["futures"].is_array()) {
    return bad("expected a YAML file with a list `futures:` of {name, seed, timeline}");
  }
  for (const json& item : document["futures"]) {
    auto wish = read_listed(item);
    if (!wish) return bad(wish.error().message);
    wishes.push_back(std::move(*wish));
  }
  return wishes;
}

// What every future came to, side by side.
class Comparison {
 public:
  explicit Comparison(const std::vector<inspect::Future>& futures) {
    for (const inspect::Future& future : futures) names_.push_back(future.name);
  }
  void add(std::optional<report::RunRecord> record) { records_.push_back(std::move(record)); }

  json to_json() const {
    json rows = json::array();
    for (std::size_t i = 0; i < names_.size(); ++i) {
      json row{{"name", names_[i]}};
      if (records_[i]) row["run"] = json::parse(report::summary_json(*records_[i]));
      rows.push_back(std::move(row));
    }
    return rows;
  }

  void print() const {
    line(
        "", [&](std::size_t i) { return names_[i]; }, true);
    row("digest", [](const auto& r) { return r.digest.substr(0, 12); });
    row("height", [](const auto& r) { return std::to_string(r.height); });
    row("final", [](const auto& r) { return std::to_string(r.finalized_height); });
    for (const char* state : {"settled", "refunded", "slashed"}) {
      row(std::string("tasks ") + state,
          [&](const auto& r) { return std::to_string(r.tasks.at(state)); });
    }
    row("nodes slashed", [](const auto& r) { return std::to_string(r.slashes.size()); });
    row("invariants", [](const auto& r) {
      const auto broken = std::count_if(r.invariants.begin(), r.invariants.end(),
                                        [](const auto& i) { return i.violations > 0; });
      return broken == 0 ? std::string("held") : fmt::format("{} violated", broken);
    });
    for (const std::string& name : asserts()) {
      row(name, [&](const auto& r) {
        for (const report::AssertRow& a : r.asserts) {
          if (a.name == name) return std::string(!a.decided ? "open" : a.ok ? "held" : "FAILED");
        }
        return std::string("-");
      });
    }
    print_metrics();
  }

 private:
  // The last values of metrics in which the futures differ.
  void print_metrics() const {
    std::map<std::string, std::map<std::size_t, double>> last;
    for (std::size_t i = 0; i < records_.size(); ++i) {
      if (!records_[i]) continue;
      for (const report::MetricRow& m : records_[i]->metrics) last[m.metric][i] = m.value;
    }
    for (const auto& [metric, by_future] : last) {
      std::set<double> values;
      for (const auto& [i, value] : by_future) values.insert(value);
      if (values.size() < 2) continue;
      line(
          metric,
          [&, &seen = by_future](std::size_t i) {
            return seen.count(i) ? fmt::format("{:g}", seen.at(i)) : std::string("-");
          },
          false);
    }
  }

  template <class Cell>
  void row(const std::string& title, Cell cell) const {
    line(
        title, [&](std::size_t i) { return records_[i] ? cell(*records_[i]) : "no result"; },
        false);
  }
  template <class Cell>
  void line(const std::string& title, Cell cell, bool bold) const {
    std::string text = fmt::format("  {:<26}", title);
    for (std::size_t i = 0; i < names_.size(); ++i) {
      text += fmt::format(" {:>{}}", std::string(cell(i)), width(i));
    }
    say(paint(bold ? Colour::kBold : Colour::kPlain, text));
  }
  std::size_t width(std::size_t i) const { return std::max<std::size_t>(12, names_[i].size()); }
  std::vector<std::string> asserts() const {
    for (const auto& record : records_) {
      if (!record) continue;
      std::vector<std::string> names;
      for (const report::AssertRow& a : record->asserts) names.push_back(a.name);
      return names;
    }
    return {};
  }

  std::vector<std::string> names_;
  std::vector<std::optional<report::RunRecord>> records_;
};

// In the child: the rest of the run, and its directory.
int live_on(const RunArgs& args, const inspect::Future& future, run::World& world,
            run::RunOptions options, const std::string& dir) {
  options.command += " --fork-at " + args.fork_at + "  # " + future.name;
  options.progress = nullptr;
  auto record = run::run_world(world, options);
  if (!record) return give_up(record.error());
  record->run_dir = dir + "/" + future.name;
  const auto load = load_options(args.scenario.set, args.scenario.seed);
  run::ReplayFile replay{.document = scenario::document_json(args.scenario.file),
                         .options = *load,
                         .until_ns = world.simulator().now().ns,
                         .digest = record->digest};
  if (future.branch.spec.changes_anything()) replay.branch = future.branch.spec;
  const Status written = write_run(*record, {.given_yaml = read_text(args.scenario.file),
                                             .lock_json = world.scenario().canonical_json,
                                             .replay = std::move(replay),
                                             .report = !args.no_report});
  return written ? record->exit : give_up(written.error());
}

}  // namespace

Result<std::vector<inspect::Future>> read_futures(const RunArgs& args, Time until) {
  std::vector<inspect::Future> futures;
  if (args.fork_at.empty()) {
    if (args.variants.empty() && args.variants_file.empty()) return futures;
    return refuse("--variant and --variants need --fork-at: from which virtual time on?");
  }
  const std::string text = args.fork_at.starts_with("t+") ? args.fork_at.substr(2) : args.fork_at;
  const auto at = parse_duration(text);
  if (!at || at->ns <= 0 || Time{at->ns} > until) {
    return refuse(fmt::format("--fork-at {}: expected a virtual time within the run, such as 20m",
                              args.fork_at));
  }
  if (args.trace) return refuse("--trace follows one future: use orrery trace on its directory");
  ASSIGN_OR_RETURN(std::vector<Wish> wishes, read_wishes(args));
  if (wishes.empty()) return refuse("--fork-at needs at least one --variant, such as as-is");
  const auto load = load_options(args.scenario.set, args.scenario.seed);
  const std::string document = scenario::document_json(args.scenario.file);
  for (Wish& wish : wishes) {
    if (!plain_name(wish.name)) {
      return refuse(
          fmt::format("a future called '{}': names have letters, digits and ._-", wish.name));
    }
    wish.spec.at = Time{at->ns};
    auto branch = run::load_branch(document, *load, args.scenario.file, wish.spec);
    if (!branch) return refuse(fmt::format("future {}: {}", wish.name, branch.error().message));
    futures.push_back({std::move(wish.name), std::move(*branch)});
  }
  TRY(inspect::check_names(futures));
  return futures;
}

int run_forked(const RunArgs& args, const scenario::Scenario& scenario,
               const std::vector<inspect::Future>& futures, const run::RunOptions& options,
               const std::string& dir) {
  const auto start = std::chrono::steady_clock::now();
  run::WorldOptions made{.memo = options.memo,
                         .interrupt = options.interrupt,
                         .log = options.log,
                         .log_level = options.log_level};
  made.actors.resize(scenario.nodes.size(), false);
  for (const inspect::Future& future : futures) {
    const auto misbehave = run::may_misbehave(future.branch.scenario);
    for (std::size_t n = 0; n < misbehave.size(); ++n) {
      if (misbehave[n]) made.actors[n] = true;
    }
  }
  const auto world = run::World::make(scenario, std::move(made));
  if (!world) return give_up(world.error());
  {
    // Its threads end before the fork: they would not live on in the children.
    harness::ThreadCrew crew(options.threads);
    (*world)->simulator().use_crew(options.threads > 1 ? &crew : nullptr);
    const Status ran = (*world)->run_until(futures.front().branch.spec.at);
    (*world)->simulator().use_crew(nullptr);
    if (!ran) return give_up(ran.error());
  }
  const std::chrono::duration<double> past = std::chrono::steady_clock::now() - start;
  if (!args.quiet && !args.json) {
    say(fmt::format("{} · seed {} · forked at t+{} after {} events in {}: {} futures",
                    paint(Colour::kBold, scenario.name), scenario.seed, args.fork_at,
                    human_count((*world)->simulator().events()), human_duration(past.count()),
                    futures.size()));
  }
  for (const inspect::Future& future : futures) {
    std::error_code failed;
    std::filesystem::create_directories(dir + "/" + future.name, failed);
    if (failed) return give_up({ErrorCode::kIo, dir + "/" + future.name + ": " + failed.message()});
  }
  const unsigned cores = std::max(1u, std::thread::hardware_concurrency());
  const auto ends =
      inspect::run_futures(**world, futures,
                           {.jobs = args.jobs > 0 ? args.jobs : cores,
                            .finish = [&](const inspect::Future& future, run::World& w) {
                              return live_on(args, future, w, options, dir);
                            }});
  if (!ends) return give_up(ends.error());
  Comparison comparison(futures);
  int worst = kHeld;
  for (std::size_t i = 0; i < futures.size(); ++i) {
    const inspect::FutureEnd& end = (*ends)[i];
    if (!end.ran) complain(fmt::format("{}: killed by signal {}", futures[i].name, end.code));
    worst = std::max(worst, end.ran ? end.code : static_cast<int>(kNodeFailure));
    auto record = report::read_record(dir + "/" + futures[i].name);
    comparison.add(record ? std::optional(std::move(*record)) : std::nullopt);
  }
  const json summary{{"schema", "orrery.futures/1"},
                     {"fork_at_ns", futures.front().branch.spec.at.ns},
                     {"past_seconds", past.count()},
                     {"futures", comparison.to_json()}};
  const Status written = report::write_file_atomically(dir + "/futures.json", summary.dump(1));
  if (args.json) fmt::print("{}\n", summary.dump());
  if (!args.quiet && !args.json) {
    comparison.print();
    say("  runs       " + dir + "/NAME; orrery diff finds where two of them part");
  }
  return written ? worst : give_up(written.error());
}

}  // namespace orrery::cli
