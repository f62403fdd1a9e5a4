#include "harness/sweep/shrink.h"

#include <chrono>
#include <nlohmann/json.hpp>
#include <set>

#include "harness/sweep/document.h"
#include "harness/sweep/passes.h"

namespace orrery::sweep {
namespace {

using WallClock = std::chrono::steady_clock;

class Shrinker {
 public:
  explicit Shrinker(const ShrinkOptions& options)
      : options_(options),
        deadline_(WallClock::now() +
                  std::chrono::duration_cast<WallClock::duration>(
                      std::chrono::duration<double, std::ratio<60>>(options.max_minutes))) {}

  Result<Shrunk> run(const Document& document) {
    ASSIGN_OR_RETURN(const scenario::Scenario scenario, load_document(document, options_.load));
    // A divergence shows only where a run is repeated.
    ASSIGN_OR_RETURN(const Trial first,
                     run_trial(scenario, {.again = true, .interrupt = options_.interrupt}));
    if (first.interrupted) return fail(ErrorCode::kInterrupted, "stopped before anything shrank");
    if (!first.failure) {
      return fail(ErrorCode::kNotFound, scenario.name + ": nothing fails, so nothing shrinks");
    }
    failure_ = *first.failure;
    const std::string keep =
        failure_.kind == Failure::Kind::kAssert ? failure_.name : std::string();
    Shrunk shrunk;
    const Document small =
        check::shrink<Document>(document, shrink_passes([this] { return failure_.at; }, keep),
                                [this](const Document& d) { return fails(d); });
    shrunk.document = small.dump();
    shrunk.failure = failure_;
    shrunk.tried = tried_;
    shrunk.kept = kept_;
    shrunk.complete = !over();
    return shrunk;
  }

 private:
  bool over() const {
    return tried_ >= options_.max_trials || WallClock::now() >= deadline_ ||
           (options_.interrupt && options_.interrupt());
  }

  bool fails(const Document& document) {
    // A run repeats itself, so what did not fail once never will.
    if (over() || !seen_.insert(document.dump()).second) return false;
    const auto scenario = load_document(document, options_.load);
    if (!scenario) return false;
    ++tried_;
    const auto trial = run_trial(*scenario, {.again = failure_.kind == Failure::Kind::kDivergence,
                                             .interrupt = [this] { return over(); }});
    const bool same = trial && trial->failure && trial->failure->same_as(failure_);
    if (same) {
      ++kept_;
      failure_ = *trial->failure;
    }
    if (options_.progress) options_.progress(tried_, kept_);
    return same;
  }

  const ShrinkOptions& options_;
  WallClock::time_point deadline_;
  std::set<std::string> seen_;
  Failure failure_;  // of the smallest document so far
  std::uint64_t tried_ = 0;
  std::uint64_t kept_ = 0;
};

}  // namespace

Result<Shrunk> shrink_scenario(const Document& document, const ShrinkOptions& options) {
  return Shrinker(options).run(document);
}

}  // namespace orrery::sweep
