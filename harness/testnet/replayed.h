// A live network's flight logs, executed again together: the steps of all nodes in the order of
// their instants, so that observers see the network as they would see a simulated one. All nodes
// wrote with the clock of one machine; on several, order between nodes is as good as their clocks.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/live/flight_log.h"
#include "engine/sim/flight_replay.h"
#include "harness/run/network.h"
#include "harness/testnet/home.h"

namespace orrery::testnet {

// The first step at which a node, executed again, did something else than live.
struct FlightDifference {
  std::uint64_t step = 0;  // from 1
  Time at{};               // since slot 0
  std::string event;
};

struct ReplayedNode {
  std::string name;
  std::uint64_t lives = 0;
  std::uint64_t steps = 0;
  std::uint64_t compared = 0;  // of them, with a digest in the log
  std::uint64_t messages = 0;  // heard
  bool torn = false;           // the log ends within a record: the process was killed
  std::optional<FlightDifference> difference;
  std::string problem;  // the log cannot be read or does not fit together; empty: none
};

// A message's way from one node to another, both ends seen.
struct MessageSeen {
  std::uint32_t from = 0, to = 0;
  Duration latency{};
  std::size_t bytes = 0;
};

class ReplayedNetwork {
 public:
  static Result<std::unique_ptr<ReplayedNetwork>> open(const Home& home);

  // Times since slot 0. Sinks outlive this object.
  void add_sink(env::TraceSink& sink) { sinks_.push_back(&sink); }
  void on_message(std::function<void(const MessageSeen&)> function) {
    on_message_ = std::move(function);
  }
  // Executes everything; `progress` is called now and then with the steps done so far.
  void run(const std::function<void(std::uint64_t steps)>& progress);

  const scenario::Scenario& scenario() const { return scenario_; }
  const chain::Observer& observer() const { return observer_; }
  const std::vector<ReplayedNode>& nodes() const { return results_; }
  Time last() const { return last_; }  // of the last step, since slot 0

 private:
  struct Lane;
  ReplayedNetwork();
  void prepare(std::uint32_t node);
  void step(std::uint32_t node);
  void feed_faults(Time until);

  Home home_{""};
  NetworkFile network_;
  scenario::Scenario scenario_;
  std::unique_ptr<run::Inference> inference_;
  env::Memo memo_;
  chain::Observer observer_;
  std::vector<std::unique_ptr<Lane>> lanes_;
  std::map<env::NodeKey, std::uint32_t> nodes_by_key_;
  std::vector<ReplayedNode> results_;
  std::vector<env::TraceSink*> sinks_;
  std::function<void(const MessageSeen&)> on_message_;
  struct Fault {
    Time at{};
    env::TraceEvent event;
  };
  std::vector<Fault> faults_;  // of faults.jsonl, ascending
  std::size_t next_fault_ = 0;
  Time last_{};

 public:
  ~ReplayedNetwork();
};

}  // namespace orrery::testnet
