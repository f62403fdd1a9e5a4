// One simulated machine: it carries a node through its lives and is the node's environment. Its
// clock, disk and device outlive the node object, which is made anew at each boot. Internal to
// engine/sim; owned by the Simulator.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/base/random.h"
#include "engine/sim/ahead.h"
#include "engine/sim/clock.h"
#include "engine/sim/core.h"
#include "engine/sim/device.h"
#include "engine/sim/network.h"
#include "engine/sim/store.h"

namespace orrery::sim {

using NodeFactory = std::function<std::unique_ptr<env::Node>()>;
// An answer that a node gives to a Request.
using ReplyFunction =
    std::function<void(Time now, std::uint32_t node, std::uint64_t request, const Buffer& body)>;

// What all hosts of a world share besides Core.
struct Outside {
  ComputeFunction compute;
  ReplyFunction on_reply;
};

class Host final : public env::Clock,
                   public env::Timers,
                   public env::Random,
                   public env::Transport,
                   public env::Trace,
                   public env::Replies,
                   public env::Log {
 public:
  Host(Core& core, Network& network, const Outside& outside, std::uint32_t index,
       NodeOptions options, NodeFactory factory);
  Host(const Host&) = delete;
  Host& operator=(const Host&) = delete;

  bool is_up() const { return node_ != nullptr; }
  env::Node* node() { return node_.get(); }
  const env::Node* node() const { return node_.get(); }
  const NodeOptions& options() const { return options_; }
  const SimStore& disk() const { return store_; }

  // Starts the next life; `boot` is ignored unless it names that life.
  void boot(const EventKey& key, const pending::Boot& boot);
  std::uint64_t next_boot() const { return boots_; }
  // The node is gone at once, with what its disk loses by `loss`; see SimStore::crash.
  void crash(CrashLoss loss, bool unnoticed);
  // The node is down because its disk failed.
  bool stopped_by_disk() const { return stopped_by_disk_; }

  // Faults of the machine's parts, until they end. Pending timers move with a clock's rate.
  void begin_clock(std::uint32_t fault, const ClockFault& spec);
  void end_clock(std::uint32_t fault);
  void begin_disk(std::uint32_t fault, const DiskFault& spec);
  void end_disk(std::uint32_t fault) { store_.end_fault(fault); }

  // Executes a pending event of this machine's own; what the node is to hear, if anything.
  std::optional<env::Event> arrive(const pending::Timer& timer);
  std::optional<env::Event> arrive(const pending::Synced& synced);
  std::optional<env::Event> arrive(const pending::Job& job) { return device_.finish(job); }
  std::optional<env::Event> arrive(const pending::Request& request);
  std::optional<env::Event> arrive(const pending::Admin& admin) { return env::Admin{admin.body}; }
  // True if the processor is busy: the event waits, and comes again by a CpuFree.
  bool wait_in_line(const EventKey& key, const env::Event& event);
  std::optional<env::Event> next_in_line(const pending::CpuFree& free);
  // Digests the event and gives it to the node, which is up.
  void deliver(const EventKey& key, const env::Event& event);
  // Armed, in the order in which they were.
  std::vector<PendingTimer> timers() const;
  // Named draws start anew, as the present seed has them.
  void forget_streams() { streams_.clear(); }
  // While set, the node's handler runs before its turn: see ahead.h.
  void run_ahead(Ahead* ahead) { ahead_ = ahead; }
  // Chain of everything heard and traced, with the present state folded in if the node is up.
  Digest128 digest() const;

  // env::Clock
  Time mono() const override { return clock_.mono(now()); }
  Time wall() const override { return clock_.wall(now()); }
  Duration wall_error() const override { return clock_.error(now()); }
  // env::Timers
  std::uint64_t arm(Time at, env::Cookie cookie) override;
  void cancel(std::uint64_t timer) override;
  // env::Random
  std::uint64_t u64(std::uint64_t stream) override;
  bool rare(std::uint64_t point) override;
  // env::Transport
  env::Address self() const override { return Network::address(index_); }
  env::SendStatus send(env::PeerId peer, env::Channel channel, const Buffer& payload) override;
  void dial(const env::Address& address) override {
    act([this, address] { network_.dial(index_, address); });
  }
  void drop(env::PeerId peer) override {
    if (ahead_ != nullptr) ahead_->dropped = true;
    act([this, peer] { network_.drop(index_, peer.value); });
  }
  std::size_t queued(env::PeerId peer, env::Channel channel) const override {
    take_turn();
    return network_.queued(index_, peer.value, channel);
  }
  // env::Trace
  void emit(const env::TraceEvent& event) override;
  // env::Replies
  void reply(std::uint64_t request, Buffer body) override {
    act([this, request, body = std::move(body)] {
      if (outside_.on_reply) outside_.on_reply(core_.now, index_, request, body);
    });
  }
  // env::Log
  void write(env::LogLevel level, std::string_view line) override;

 private:
  struct Armed {
    std::uint64_t id;
    Time at;  // monotonic
    env::Cookie cookie;
    bool operator<(std::uint64_t other) const { return id < other; }
  };

  // Runs a handler of the node; a disk that failed in it stops the node.
  template <class Handler>
  void handle(Handler&& handler);
  void stop_for_disk(std::string_view reason);
  void schedule_timers();
  void schedule_cpu();
  Duration cost_of(const env::Event& event) const;
  void tell_watcher(const EventKey& key, const env::Event& event);

  Time now() const { return ahead_ != nullptr ? ahead_->now : core_.now; }
  // Does something to the world outside this machine, in turn.
  template <class Effect>
  void act(Effect effect) {
    if (ahead_ != nullptr) {
      ahead_->effects.emplace_back(std::move(effect));
    } else {
      effect();
    }
  }
  // From here on the running handler acts directly.
  void take_turn() const;

  Core& core_;
  Network& network_;
  const Outside& outside_;
  std::uint32_t index_;
  NodeOptions options_;
  NodeFactory factory_;
  ClockModel clock_;
  SimStore store_;
  SimDevice device_;
  env::Env env_;
  std::unique_ptr<env::Node> node_;
  mutable Ahead* ahead_ = nullptr;
  std::uint64_t boots_ = 0;  // lives begun; the present one is boots_ - 1
  std::uint64_t next_timer_ = 1;
  bool stopped_by_disk_ = false;
  bool has_cpu_ = false;  // events take time
  Time cpu_free_{};       // the end of the event that is handled now
  bool waited_ = false;   // the event being delivered has
  struct Waiting {
    EventKey key;  // under which it arrived
    env::Event event;
  };
  EventKey arrived_{};  // of the event being delivered, where events take time
  Fifo<Waiting> inbox_;
  std::vector<Armed> timers_;  // neither fired nor cancelled, ascending by id
  std::vector<std::pair<std::uint64_t, RandomStream>> streams_;  // by stream id, ascending
};

}  // namespace orrery::sim
