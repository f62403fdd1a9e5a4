// The deterministic simulator: one world of nodes in virtual time, on the caller's thread, and on
// those of a crew if one is lent, which changes nothing but the time it takes. The same
// seed, options, nodes and driver calls give the same digest. Two simulators know nothing of each
// other. Use: make it, set links, add nodes, plan faults and load with call_at and inject_*, run.
//
// Methods that change the world are for the driver: between steps or inside a call_at callback,
// never from a node. Node i is dialled at "sim/<i>" and is PeerId{i} to everybody.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/digest_log.h"
#include "engine/base/result.h"
#include "engine/sim/batch.h"
#include "engine/sim/core.h"
#include "engine/sim/crew.h"
#include "engine/sim/host.h"
#include "engine/sim/links.h"
#include "engine/sim/network.h"
#include "engine/sim/options.h"
#include "engine/sim/watch.h"

namespace orrery::sim {

class Simulator {
 public:
  // kInvalidArgument if the default link is not valid.
  static Result<std::unique_ptr<Simulator>> make(SimOptions options);
  Simulator(const Simulator&) = delete;
  Simulator& operator=(const Simulator&) = delete;

  // Set-up -------------------------------------------------------------------------------------
  // The factory is called at each boot. The node boots at once (at time 0: in order of index).
  std::uint32_t add_node(NodeOptions options, NodeFactory factory);
  // Links: the most specific of pair, pair of regions, default. kInvalidArgument if not valid.
  Status set_default_link(const LinkModel& model) { return links_.set_default(model); }
  Status set_region_link(std::uint32_t from_region, std::uint32_t to_region,
                         const LinkModel& model) {
    return links_.set_region(from_region, to_region, model);
  }
  Status set_link(std::uint32_t from, std::uint32_t to, const LinkModel& model) {
    return links_.set_pair(from, to, model);
  }
  // Latencies by paths over a graph; before anything runs. The most specific still wins: a link
  // whose latency is not the default link's has that.
  void set_topology(std::unique_ptr<Topology> topology) {
    links_.set_topology(std::move(topology));
  }
  void set_compute(ComputeFunction function) { outside_.compute = std::move(function); }
  void set_reply_callback(ReplyFunction function) { outside_.on_reply = std::move(function); }
  // Sinks must outlive the simulator and must not change the world.
  void add_trace_sink(env::TraceSink& sink) { core_.sinks.push_back(&sink); }
  // One at a time; null: nobody. It must outlive its use.
  void watch(Watcher* watcher) { core_.watch(watcher); }

  // Handlers run on all threads of the crew, which outlives its use here; null: on the caller's
  // alone. What nodes are given (factories, compute functions) must then bear it.
  void use_crew(Crew* crew);

  // Driving from outside -----------------------------------------------------------------------
  // A time in the past means now. A request to a node that is down is counted and dropped.
  void inject_request(Time at, std::uint32_t node, std::uint64_t id, Buffer body);
  void inject_admin(Time at, std::uint32_t node, Buffer body);
  void call_at(Time at, std::function<void()> function);

  // Faults: see Fault for what is traced ---------------------------------------------------------
  void begin_partition(Fault fault, const std::vector<std::vector<std::uint32_t>>& sides);
  void begin_cut(Fault fault, Edges edges);  // directed edges
  void end_partition(Fault fault);           // also of a cut
  // `unnoticed`: torn records pass their checksums. Nodes whose disk failed are down already.
  void crash(Fault fault, std::uint32_t node, CrashLoss loss = CrashLoss::kLoseUnsynced,
             bool unnoticed = false);
  // The node boots when no crash holds it down any more.
  void restart(Fault fault, std::uint32_t node);
  void begin_clock(Fault fault, std::uint32_t node, const ClockFault& spec);  // effects add up
  void end_clock(Fault fault, std::uint32_t node);
  // A node whose disk fails stops: kStoreFailed and kNodeCrash. kLimit: more disks than
  // damageable_disks() would be damaged at a time, and what is final might be lost everywhere.
  Status begin_disk(Fault fault, std::uint32_t node, const DiskFault& spec);
  // The damage is gone. The node boots if its disk had stopped it and nothing else holds it down.
  void end_disk(Fault fault, std::uint32_t node);
  Status begin_link(Fault fault, Edges edges, const LinkModel& model);
  void end_link(Fault fault);
  // Nothing moves over `edges` meanwhile. A fault may have several clogs, told apart by `part`.
  void begin_clog(Fault fault, std::uint32_t part, Edges edges);
  void end_clog(Fault fault, std::uint32_t part);
  // At once: sessions over these edges are reset at both ends; or all sessions of `node` are
  // forgotten by it while its peers believe in them.
  void reset_sessions(Fault fault, const Edges& edges);
  void half_open(Fault fault, std::uint32_t node);
  // For effects that the engine does not bring about itself (a node's behaviour).
  void begin_fault(Fault fault);
  void end_fault(Fault fault);

  // From now on links, disks and nodes draw as with this seed: another future of the same past.
  void reseed(std::uint64_t seed);

  // Running --------------------------------------------------------------------------------------
  // Executes the next event; false if there is none. kInternal if a node or the engine broke an
  // ENSURE: the message has seed, virtual time, node and event, and the world cannot go on.
  Result<bool> step();
  // Executes all events up to and including `until`, then sets the clock to it. kInterrupted if
  // options.interrupt said so; the run can be continued.
  Status run_until(Time until);
  Time now() const { return core_.now; }
  // Of the next event; kNever if there is none.
  Time next_time() const { return core_.queue.empty() ? kNever : core_.queue.next().time; }
  // Events executed so far, the engine's own included.
  std::uint64_t events() const { return events_; }
  // Of these, those whose handlers ran ahead of their turn on a crew.
  std::uint64_t events_ahead() const { return events_ahead_; }

  // Digests --------------------------------------------------------------------------------------
  Digest128 digest() const;  // folds all nodes in order, then the world: costs every node's fold
  Digest128 node_digest(std::uint32_t node) const { return hosts_[node]->digest(); }
  Digest128 world_digest() const { return core_.world_chain.value(); }
  const DigestLog& digest_log() const { return log_; }
  void checkpoint();  // one more, now
  // While on, last_event() describes the last step. Costs a fold of the node an event.
  void record_events(bool on) { recording_ = on; }
  const EventRecord& last_event() const { return record_; }

  // Observing ------------------------------------------------------------------------------------
  std::uint32_t nodes() const { return static_cast<std::uint32_t>(hosts_.size()); }
  bool is_up(std::uint32_t node) const { return hosts_[node]->is_up(); }
  // nullptr while it is down. The pointer dies with the node at a crash.
  const env::Node* node(std::uint32_t node) const { return hosts_[node]->node(); }
  env::Node* mutable_node(std::uint32_t node) { return hosts_[node]->node(); }
  const NodeOptions& node_options(std::uint32_t node) const { return hosts_[node]->options(); }
  const NodeCounters& counters(std::uint32_t node) const { return core_.stats[node]; }
  std::vector<std::uint32_t> peers(std::uint32_t node) const { return network_.peers(node); }
  std::vector<PendingTimer> timers(std::uint32_t node) const { return hosts_[node]->timers(); }
  // What the node's disk would still hold after a crash now; for checkers.
  std::optional<Buffer> durable(std::uint32_t node, ByteView key) const {
    return hosts_[node]->disk().durable(key);
  }
  std::uint64_t durable_sequence(std::uint32_t node) const {
    return hosts_[node]->disk().durable_sequence();
  }
  const env::Memo& memo() const { return core_.memo; }

 private:
  explicit Simulator(SimOptions options);

  void run_event(const EventKey& key, Payload payload);
  void execute(const EventKey& key, Payload payload);
  // Does the work of an event; what it throws is the end of the world.
  template <class Work>
  void attempt(const EventKey& key, Work work) {
    try {
      work();
    } catch (const std::bad_alloc&) {
      in_node_ = false;
      if (failed_) return;
      failed_ = failure(key, "out of memory: it takes a smaller world or a larger machine");
      failed_->code = ErrorCode::kUnsupported;
    } catch (const std::exception& e) {
      in_node_ = false;
      if (!failed_) failed_ = failure(key, e.what());
    }
  }
  void end_event();
  void deliver(const EventKey& key, const std::optional<env::Event>& event);
  void record(const EventKey& key, const env::Event* event);
  void schedule_boot(std::uint32_t node);
  bool held_down(std::uint32_t node) const;  // by a crash that has not ended
  void check_driver(std::uint32_t node) const;
  Error failure(const EventKey& key, std::string_view what) const;

  // With a crew: simulator_ahead.cc.
  static bool stands_alone(const EventKey& key, const Payload& payload);
  bool may_run_ahead() const;
  Status run_batch(Time until);
  void fill_batch(Time until);
  void do_turns();
  void do_turn();
  void begin_turn(Batch::Item& item);
  void do_notes(Batch::Item& item);
  void run_item(Batch::Item& item);
  void await_turn(Batch::Item& item);
  bool is_ahead(std::uint32_t node) const;

  struct RunningFault {
    Fault fault;
    std::uint32_t effects;
  };
  struct NodeFault {
    std::uint32_t node;
    std::uint32_t fault;
    bool operator==(const NodeFault&) const = default;
  };

  Core core_;
  Links links_;
  Network network_;
  Outside outside_;
  std::vector<std::unique_ptr<Host>> hosts_;
  std::vector<RunningFault> faults_;
  std::vector<NodeFault> crashes_;    // that hold a node down
  std::vector<NodeFault> bad_disks_;  // faults that destroy
  std::uint64_t events_ = 0;
  std::uint64_t events_ahead_ = 0;
  DigestLog log_;
  bool recording_ = false;
  bool in_node_ = false;  // a node's handler is running
  std::string event_;     // name of the running event's kind, for failures
  EventRecord record_;
  std::optional<Error> failed_;
  std::uint64_t asked_in_ = 0;  // period of events in which `interrupt` was asked last
  Crew* crew_ = nullptr;
  std::unique_ptr<Batch> batch_;
  std::uint64_t batch_number_ = 0;
  std::vector<std::uint64_t> batch_of_node_;  // the last one that has an event of the node
};

}  // namespace orrery::sim
