// A node of a simulated world behind the interface that a live node shows to RPC.
#pragma once

#include <fmt/format.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "engine/base/ensure.h"
#include "harness/run/keys.h"
#include "harness/run/network.h"
#include "harness/run/run_scenario.h"
#include "harness/run/world.h"
#include "harness/testnet/rpc/node_view.h"
#include "scenarios/schema/load.h"

namespace orrery::testnet {

// One bootstrap, four validators, three workers, two users (nodes 8 and 9) that chat and pay.
inline std::unique_ptr<run::World> rpc_world(const std::string& more = "",
                                             const std::string& until = "2h") {
  const std::string text = fmt::format(R"yaml(orrery: 1
name: rpc-world
seed: 3
until: {}
models:
  - {{name: small, dim: 32, hidden: 64, layers: 1, heads: 2}}
chain:
  preset: aigen
groups:
  - {{name: boot, role: bootstrap}}
  - {{name: validators, role: validator, count: 4, stake: 50000 AIGEN, balance: 100 AIGEN}}
  - {{name: workers, role: miner, count: 3, stake: 10000 AIGEN, balance: 100 AIGEN}}
  - {{name: users, role: user, count: 2, balance: 1000 AIGEN}}
network:
  latency: uniform(10ms, 60ms)
load:
  - {{name: chats, users: group(users), rate: 2/m, start: t+20s, output: 6}}
{}
)yaml",
                                       until, more);
  auto loaded = scenario::load_text(text, "rpc-world.yaml",
                                    {.known_metrics = run::metric_names(),
                                     .known_behaviours = run::behaviour_names(),
                                     .known_bugs = run::seeded_bug_names()});
  ENSURE(loaded.has_value(), "the scenario of the tests is valid");
  auto world = run::World::make(*loaded, {.invariants = false});
  ENSURE(world.has_value(), "and makes a world");
  ENSURE((*world)->run_until(Time{}).has_value(), "whose nodes boot");
  return std::move(*world);
}

inline constexpr std::uint32_t kServedNode = 8;

class SimView final : public NodeView {
 public:
  explicit SimView(run::World& world, std::uint32_t index = kServedNode)
      : world_(world),
        index_(index),
        outside_(*this),
        env_{.clock = outside_,
             .timers = outside_,
             .random = outside_,
             .transport = outside_,
             .store = outside_,
             .compute = outside_,
             .trace = outside_,
             .replies = outside_,
             .log = outside_,
             .memo = memo_} {
    world.simulator().set_reply_callback(
        [this](Time, std::uint32_t node, std::uint64_t id, const Buffer& body) {
          const auto waiting = node == index_ ? waiting_.find(id) : waiting_.end();
          if (waiting == waiting_.end()) return;
          const auto on_reply = std::move(waiting->second);
          waiting_.erase(waiting);
          const auto reply = chain::decode_user_reply(body.view());
          ENSURE(reply.has_value(), "a node's reply decodes");
          on_reply(*reply);
        });
  }

  const chain::ChainNode& node() const override { return *world_.node(index_); }
  env::Env& env() override { return env_; }
  std::string name() const override { return world_.scenario().nodes[index_].name; }
  std::string role() const override { return "user"; }
  std::vector<ModelView> models() const override {
    std::vector<ModelView> models;
    const chain::Genesis& genesis = node().chain().network().genesis;
    for (std::size_t i = 0; i < genesis.models.size(); ++i) {
      const scenario::ModelSpec& spec = world_.scenario().models[i];
      models.push_back({.name = spec.name,
                        .digest = genesis.models[i].digest,
                        .bytes = 1,
                        .dim = spec.dim,
                        .layers = spec.layers,
                        .heads = spec.heads,
                        .context = spec.context});
    }
    return models;
  }
  std::vector<PeerView> peers() const override {
    std::vector<PeerView> peers;
    for (const std::uint32_t peer : world_.simulator().peers(index_)) {
      const std::string& name = world_.scenario().nodes[peer].name;
      peers.push_back({.name = name,
                       .key = run::account_key(world_.scenario(), name).public_key().hex(),
                       .address = "sim/" + std::to_string(peer),
                       .outbound = peer < index_});
    }
    return peers;
  }
  std::vector<FaultView> faults() const override {
    std::vector<FaultView> faults;
    const Time now = world_.simulator().now();
    for (const scenario::FaultSpec& fault : world_.scenario().timeline) {
      if (fault.at > now) continue;
      const Time end = fault.at + fault.duration;
      const bool active = fault.duration == Duration{} || end > now;
      faults.push_back({.name = fault.name,
                        .kind = run::fault_name(fault.kind),
                        .active = active,
                        .begin_ms = (sim::kWallOrigin + fault.at.ns) / 1'000'000,
                        .end_ms = active ? 0 : (sim::kWallOrigin + end.ns) / 1'000'000});
    }
    return faults;
  }
  NetworkCounters counters() const override {
    const sim::NodeCounters& c = world_.simulator().counters(index_);
    return {.messages_sent = c.messages_sent,
            .bytes_sent = c.bytes_sent,
            .messages_received = c.messages_received,
            .bytes_received = c.bytes_received};
  }
  void request(chain::UserRequest request,
               std::function<void(const chain::UserReply&)> on_reply) override {
    const std::uint64_t id = next_++;
    waiting_[id] = std::move(on_reply);
    world_.simulator().inject_request(world_.simulator().now(), index_, id,
                                      Buffer(chain::encode(request)));
  }

 private:
  // Only clock and store are real: a view reads, the rest of the seam is the node's.
  class Outside final : public env::Clock,
                        public env::Timers,
                        public env::Random,
                        public env::Transport,
                        public env::Store,
                        public env::Compute,
                        public env::Trace,
                        public env::Replies,
                        public env::Log {
   public:
    explicit Outside(SimView& view) : view_(view) {}
    Time mono() const override { return view_.world_.simulator().now(); }
    Time wall() const override { return {sim::kWallOrigin + mono().ns}; }
    Duration wall_error() const override { return {}; }
    std::optional<Buffer> get(ByteView key) const override {
      return view_.world_.simulator().durable(view_.index_, key);
    }
    std::uint64_t arm(Time, env::Cookie) override { return 0; }
    void cancel(std::uint64_t) override {}
    std::uint64_t u64(std::uint64_t) override { return 0; }
    env::Address self() const override { return {}; }
    env::SendStatus send(env::PeerId, env::Channel, const Buffer&) override {
      return env::SendStatus::kNotConnected;
    }
    void dial(const env::Address&) override {}
    void drop(env::PeerId) override {}
    std::size_t queued(env::PeerId, env::Channel) const override { return 0; }
    std::uint64_t apply(env::WriteBatch) override { return 0; }
    void sync(std::uint64_t, env::Cookie) override {}
    std::vector<env::KeyValue> scan(ByteView, ByteView, std::size_t) const override { return {}; }
    std::uint64_t snapshot() override { return 0; }
    std::optional<Buffer> get_at(std::uint64_t, ByteView) const override { return std::nullopt; }
    void release(std::uint64_t) override {}
    std::uint64_t submit(const env::JobSpec&, env::Cookie) override { return 0; }
    std::uint32_t device_class() const override { return 0; }
    void emit(const env::TraceEvent&) override {}
    void reply(std::uint64_t, Buffer) override {}
    void write(env::LogLevel, std::string_view) override {}

   private:
    SimView& view_;
  };

  run::World& world_;
  std::uint32_t index_;
  env::Memo memo_{true};
  Outside outside_;
  env::Env env_;
  std::map<std::uint64_t, std::function<void(const chain::UserReply&)>> waiting_;
  std::uint64_t next_ = std::uint64_t{1} << 60;  // above the ids of the scenario's load
};

}  // namespace orrery::testnet
