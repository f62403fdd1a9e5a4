#include "harness/run/run_scenario.h"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <new>
#include <utility>

#include "harness/run/record.h"
#include "harness/threads/thread_crew.h"
#include "protocol/adversary/actor.h"
#include "protocol/types/seeded_bug.h"
#include "reports/record/metrics.h"

namespace orrery::run {
namespace {

using WallClock = std::chrono::steady_clock;
constexpr auto kProgressPeriod = std::chrono::milliseconds(100);
// Memory kept for the record of a run that has used up the rest; untouched until then. By calls and
// not by an expression, which a compiler may leave out where nothing reads what it makes.
class Reserve {
 public:
  Reserve() : memory_(::operator new(kBytes)) {}
  ~Reserve() { release(); }
  Reserve(const Reserve&) = delete;
  Reserve& operator=(const Reserve&) = delete;
  void release() { ::operator delete(std::exchange(memory_, nullptr)); }

 private:
  static constexpr std::size_t kBytes = std::size_t{64} << 20;
  void* memory_;
};

}  // namespace

Result<report::RunRecord> run_scenario(const scenario::Scenario& scenario,
                                       const RunOptions& options) {
  auto last = WallClock::now();
  World* running = nullptr;
  const Time until = std::min(options.until, scenario.until);
  const auto poll = [&] {
    if (options.progress && running && WallClock::now() - last >= kProgressPeriod) {
      last = WallClock::now();
      options.progress(running->simulator().now(), until, running->simulator().events());
    }
    return options.interrupt && options.interrupt();
  };
  WorldOptions made{.memo = options.memo,
                    .interrupt = poll,
                    .log = options.log,
                    .log_level = options.log_level,
                    .branch = options.branch};
  ASSIGN_OR_RETURN(const auto world, World::make(scenario, std::move(made)));
  running = world.get();
  return run_world(*world, options);
}

Result<report::RunRecord> run_world(World& world, const RunOptions& options) {
  const auto start = WallClock::now();
  const Time until = std::min(options.until, world.scenario().until);
  harness::ThreadCrew crew(options.threads);
  world.simulator().use_crew(options.threads > 1 ? &crew : nullptr);
  if (options.attach) options.attach(world);
  Reserve reserve;
  const Status ran = world.run_until(until);
  reserve.release();
  world.simulator().use_crew(nullptr);
  const bool cut_short = !ran && ran.error().code == ErrorCode::kUnsupported;
  const bool interrupted = cut_short || (!ran && ran.error().code == ErrorCode::kInterrupted);
  if (!ran && !interrupted) return tl::unexpected<Error>(ran.error());
  if (cut_short && options.cut_short) options.cut_short(ran.error());
  world.finish();
  const std::chrono::duration<double> wall = WallClock::now() - start;
  return make_record(world, {.command = options.command,
                             .wall_seconds = wall.count(),
                             .partial = interrupted || until < world.scenario().until,
                             .interrupted = interrupted});
}

std::vector<std::string> metric_names() {
  std::vector<std::string> names;
  for (const auto& metric : report::metric_registry()) names.emplace_back(metric.name);
  return names;
}

std::vector<std::string> behaviour_names() {
  std::vector<std::string> names;
  for (const auto& behaviour : chain::behaviours()) names.emplace_back(behaviour.name);
  return names;
}

std::vector<std::string> seeded_bug_names() {
  std::vector<std::string> names;
#ifdef ORRERY_SEEDED_BUGS
  for (const auto& bug : chain::kSeededBugs) names.emplace_back(bug.name);
#endif
  return names;
}

}  // namespace orrery::run
