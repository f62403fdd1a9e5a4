#include "harness/sweep/swarm.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <thread>

#include "engine/base/random.h"
#include "harness/sweep/document.h"
#include "scenarios/generate/draw.h"

namespace orrery::sweep {
namespace {

using Json = nlohmann::ordered_json;
using WallClock = std::chrono::steady_clock;

// Appends the items of `more` to the list `document[key]`.
void append(Json& document, const char* key, const Json& more) {
  if (!document.contains(key)) document[key] = Json::array();
  for (const Json& item : more) document[key].push_back(item);
}

// In half of the worlds nodes do what is rare but legal, between one in a hundred times and one in
// twenty; a scenario that says how often itself keeps that.
void draw_buggify(Json& document, std::uint64_t seed) {
  if (document.contains("debug") && document["debug"].contains("buggify")) return;
  RandomStream draws(seed, 0, stream_id("swarm.buggify"));
  const std::uint64_t percent = 1 + draws.below(5);
  if (draws.below(2) == 1) document["debug"]["buggify"] = fmt::format("{}%", percent);
}

// What the threads of a swarm share.
class Swarm {
 public:
  explicit Swarm(const SwarmOptions& options)
      : options_(options), deadline_(WallClock::now() + time_of(options.minutes)) {}

  Result<SwarmResult> run() {
    std::vector<std::thread> threads;
    for (unsigned i = 1; i < std::max(1u, options_.jobs); ++i) {
      threads.emplace_back([this] { work(); });
    }
    work();
    for (std::thread& thread : threads) thread.join();
    if (error_) return tl::unexpected<Error>(*error_);
    std::sort(result_.failed.begin(), result_.failed.end(),
              [](const FailedSeed& a, const FailedSeed& b) { return a.seed < b.seed; });
    result_.interrupted = stopped_;
    return std::move(result_);
  }

 private:
  static WallClock::duration time_of(double minutes) {
    constexpr double kForEver = 60.0 * 24 * 365;
    return std::chrono::duration_cast<WallClock::duration>(
        std::chrono::duration<double, std::ratio<60>>(minutes > 0 ? minutes : kForEver));
  }

  bool over() {
    if (options_.interrupt && options_.interrupt()) stopped_ = true;
    return stopped_ || (options_.minutes > 0 && WallClock::now() >= deadline_);
  }

  void work() {
    for (;;) {
      const std::uint64_t index = next_.fetch_add(1);
      if (index >= options_.seeds || over()) return;
      const std::uint64_t seed = options_.first_seed + index;
      const bool again = options_.again_every > 0 && index % options_.again_every == 0;
      const auto trial = try_seed(seed, again);
      const std::lock_guard lock(mutex_);
      if (!trial) {
        if (!error_) error_ = trial.error();
        stopped_ = true;
        return;
      }
      add(seed, again, *trial);
    }
  }

  Result<Trial> try_seed(std::uint64_t seed, bool again) {
    ASSIGN_OR_RETURN(const Json document, swarm_document(options_, seed));
    ASSIGN_OR_RETURN(const scenario::Scenario scenario, load_document(document, options_.load));
    return run_trial(scenario, {.again = again, .interrupt = [this] { return over(); }});
  }

  void add(std::uint64_t seed, bool again, const Trial& trial) {
    if (trial.interrupted) return;
    ++result_.runs;
    result_.compared += again ? 1 : 0;
    result_.events += trial.events;
    result_.simulated = result_.simulated + Duration{trial.ended.ns};
    for (const auto& [goal, times] : trial.goals) {
      result_.coverage[goal] += times > 0 ? 1 : 0;
    }
    if (trial.failure) result_.failed.push_back({seed, *trial.failure});
    if (options_.progress) options_.progress(result_.runs, result_.failed.size());
  }

  const SwarmOptions& options_;
  WallClock::time_point deadline_;
  std::atomic<std::uint64_t> next_{0};
  std::atomic<bool> stopped_{false};
  std::mutex mutex_;  // of what follows
  SwarmResult result_;
  std::optional<Error> error_;
};

}  // namespace

Result<Json> swarm_document(const SwarmOptions& options, std::uint64_t seed) {
  Json document = options.document.empty()
                      ? scenario::draw_world({.seed = seed, .until = options.until})
                      : Json::parse(options.document);
  document["seed"] = seed;
  draw_buggify(document, seed);
  ASSIGN_OR_RETURN(const scenario::Scenario plain, load_document(document, options.load));
  for (const Json& item : scenario::draw_faults(seed, scenario::field_of(plain))) {
    Json more = document;
    append(more, "timeline", Json::array({item}));
    // What changes nothing in this very world (a loss that its links have anyway) is left out.
    if (load_document(more, options.load)) document = std::move(more);
  }
  if (options.document.empty()) {
    append(document, "asserts", scenario::sound_asserts(options.until, plain.nodes.size()));
  }
  return document;
}

Result<SwarmResult> run_swarm(const SwarmOptions& options) {
  // What is wrong with the document shows at the first seed, before threads start.
  TRY(swarm_document(options, options.first_seed));
  return Swarm(options).run();
}

}  // namespace orrery::sweep
