// A World: a scenario brought to life in the simulator, with its checkers and its recorder. The one
// place that decides that nodes run in simulation.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/check/checker.h"
#include "engine/sim/simulator.h"
#include "harness/run/asserts.h"
#include "harness/run/branch.h"
#include "harness/run/fault_plan.h"
#include "harness/run/inference.h"
#include "harness/run/recorder.h"
#include "protocol/adversary/actor.h"
#include "protocol/invariants/observer.h"
#include "scenarios/schema/scenario.h"

namespace orrery::run {

struct WorldOptions {
  bool memo = true;
  sim::Crew* crew = nullptr;  // threads that run handlers; outlives the world
  bool invariants = true;  // off only to measure what they cost
  std::function<bool()> interrupt;
  sim::LogFunction log;
  env::LogLevel log_level = env::LogLevel::kWarn;
  std::uint64_t checkpoint_events = 4096;
  std::optional<Branch> branch;  // to take on the way
  // Nodes, by index, that a branch still unknown may let misbehave; empty: none but the scenario's.
  std::vector<bool> actors;
};

class World {
 public:
  // kInvalidArgument if the scenario cannot make a genesis.
  static Result<std::unique_ptr<World>> make(const scenario::Scenario& scenario,
                                             WorldOptions options = {});
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  // Runs to `until`. kInterrupted: what has run so far is whole and can be reported.
  Status run_until(Time until);
  // Executes the next event; false if there is none up to `until`.
  Result<bool> step(Time until);
  // Goes another way from now on: the faults that `branch` adds are put into the queue, its seed is
  // drawn from. At most once, at branch.spec.at. kInvalidArgument: a node is to misbehave that was
  // not made for it (WorldOptions::actors).
  Status take(const Branch& branch);
  // Closes checkers, metrics and asserts; once, after the last run_until.
  void finish();

  // With what the branch has added, if one was taken.
  const scenario::Scenario& scenario() const { return branch_ ? branch_->scenario : scenario_; }
  const std::optional<Branch>& branch() const { return branch_; }
  sim::Simulator& simulator() { return *simulator_; }
  const sim::Simulator& simulator() const { return *simulator_; }
  const check::CheckerSet& checkers() const { return checkers_; }
  const Recorder& recorder() const { return *recorder_; }
  const Asserts& asserts() const { return *asserts_; }
  const chain::Observer& observer() const { return observer_; }
  // The node's chain side; null while it is down.
  const chain::ChainNode* node(std::uint32_t index) const;
  bool finished() const { return finished_; }
#ifdef ORRERY_SEEDED_BUGS
  // See ChainNode::flip_state_bit_for_test; the node must be up.
  void flip_state_bit(std::uint32_t index);
#endif

 private:
  explicit World(const scenario::Scenario& scenario) : scenario_(scenario) {}

  Status add_links();
  Status add_topology();
  void add_nodes(const std::shared_ptr<const chain::Network>& network);
  void observe(const std::shared_ptr<const chain::Network>& network, bool invariants,
               const std::vector<bool>& actors);
  Status take_coming(Time until);
  void sample();
  void schedule_samples();

  scenario::Scenario scenario_;
  std::unique_ptr<Inference> inference_;
  std::unique_ptr<sim::Simulator> simulator_;
  std::unique_ptr<FaultPlan> faults_;
  std::optional<Branch> coming_;  // still to be taken
  std::optional<Branch> branch_;  // taken
  std::unique_ptr<FaultPlan> branch_faults_;
  chain::Observer observer_;
  check::CheckerSet checkers_;
  std::unique_ptr<Recorder> recorder_;
  std::unique_ptr<Asserts> asserts_;
  std::vector<bool> may_misbehave_;
  bool finished_ = false;
};

}  // namespace orrery::run
