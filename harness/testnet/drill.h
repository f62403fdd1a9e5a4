// What is done to a live network on the clock: the scenario's timeline, faults that an operator
// adds in the same words, and the load. Each fault's begin and end go to faults.jsonl of the home.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "harness/run/load.h"
#include "harness/testnet/alarms.h"
#include "harness/testnet/fleet.h"
#include "harness/testnet/link_faults.h"

namespace orrery::testnet {

struct RunningFault {
  scenario::FaultSpec spec;
  std::int64_t begin_ns = 0;  // UTC
};

class Drill {
 public:
  Drill(boost::asio::io_context& loop, const Home& home, const scenario::Scenario& scenario,
        std::int64_t genesis_ns, Fleet& fleet);

  // From now on, at the scenario's instants. What of the timeline has passed is left out, unless it
  // still lasts (a behaviour until the end, say).
  void start_timeline();
  // kInvalidArgument if a model of the load cannot be made.
  Status start_load();
  // 1: as the scenario says; 2: twice as often; 0: none.
  void set_load_rate(double rate);
  double load_rate() const { return rate_; }
  std::uint64_t requests() const { return requests_; }
  // Of them, those whose node was down or could not keep up.
  std::uint64_t unheard() const { return unheard_; }

  // A fault now, for its duration; ids of added faults lie above the timeline's.
  void begin(scenario::FaultSpec fault);
  // False: no such fault runs.
  bool clear(const std::string& name);
  const std::map<std::uint32_t, RunningFault>& running() const { return running_; }
  std::uint32_t next_id() const { return next_id_; }

 private:
  void end(std::uint32_t id);
  void write_links();
  void write_clock(std::uint32_t node);
  void note(const scenario::FaultSpec& fault, bool active);
  void next_request(const std::shared_ptr<run::LoadSource>& source, Time at);

  Alarms alarms_;
  const Home& home_;
  const scenario::Scenario& scenario_;
  std::int64_t genesis_ns_;
  Fleet& fleet_;
  LinkFaults links_;
  std::map<std::uint32_t, RunningFault> running_;  // by id
  std::uint32_t next_id_ = 1;
  std::unique_ptr<run::Inference> inference_;
  double rate_ = 1;
  std::uint64_t load_epoch_ = 0;  // rises when the rate changes: older alarms are stale
  std::vector<std::pair<std::shared_ptr<run::LoadSource>, Time>> sources_;  // and the next instant
  std::uint64_t requests_ = 0;
  std::uint64_t unheard_ = 0;
};

}  // namespace orrery::testnet
