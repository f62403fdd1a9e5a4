#include "harness/run/compare.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "harness/run/world.h"

namespace orrery::run {
namespace {

class SteppableWorld final : public check::Steppable {
 public:
  SteppableWorld(std::unique_ptr<World> world, Time until)
      : world_(std::move(world)), until_(until) {}

  Result<bool> step() override { return world_->step(until_); }
  std::uint64_t events() const override { return simulator().events(); }
  const DigestLog& log() const override { return simulator().digest_log(); }
  void checkpoint() override { simulator().checkpoint(); }
  void record_events(bool on) override { simulator().record_events(on); }
  const EventRecord& last_event() const override { return simulator().last_event(); }

 private:
  sim::Simulator& simulator() { return world_->simulator(); }
  const sim::Simulator& simulator() const { return std::as_const(*world_).simulator(); }

  std::unique_ptr<World> world_;
  Time until_;
};

#ifdef ORRERY_SEEDED_BUGS
Status schedule(const CompareOptions::Flip& flip, World& world) {
  if (flip.node >= world.simulator().nodes()) {
    return fail(ErrorCode::kInvalidArgument, "no such node to flip a bit of");
  }
  world.simulator().call_at(flip.at, [flip, &world] {
    if (flip.apply) world.flip_state_bit(flip.node);
  });
  return {};
}
#else
Status schedule(const CompareOptions::Flip&, World&) {
  return fail(ErrorCode::kInvalidArgument, "flipping a bit needs a build with seeded bugs");
}
#endif

}  // namespace

check::MakeRun make_run(const scenario::Scenario& scenario, Time until,
                        const CompareOptions& options) {
  return [scenario, end = std::min(until, scenario.until),
          options]() -> Result<std::unique_ptr<check::Steppable>> {
    ASSIGN_OR_RETURN(auto world,
                     World::make(scenario, {.memo = options.memo,
                                            .checkpoint_events = options.checkpoint_events,
                                            .branch = options.branch}));
    if (options.flip) TRY(schedule(*options.flip, *world));
    return std::make_unique<SteppableWorld>(std::move(world), end);
  };
}

}  // namespace orrery::run
