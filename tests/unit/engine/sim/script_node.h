// A node for tests: its behaviour is a pair of functions, and it notes what it hears.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "engine/sim/simulator.h"

namespace orrery::sim {

// What a node heard, with the virtual time at which it did.
struct Heard {
  Time time{};
  env::Event event;
};

struct Script {
  std::function<void(env::Env&, const env::BootInfo&)> boot;
  std::function<void(env::Env&, const env::Event&)> on;
};

class ScriptNode final : public env::Node {
 public:
  ScriptNode(const Script& script, std::vector<Heard>& heard, const Simulator& simulator)
      : script_(script), heard_(heard), simulator_(simulator) {}

  void boot(env::Env& env, const env::BootInfo& info) override {
    environment = &env;
    if (script_.boot) script_.boot(env, info);
  }
  void on(env::Env& env, const env::Event& event) override {
    ++state;
    heard_.push_back({simulator_.now(), event});
    if (script_.on) script_.on(env, event);
  }
  Digest128 fold(Digest128 digest) const override {
    Writer out;
    out.u64(state);
    return extend(digest, out.view());
  }

  std::uint64_t state = 0;
  env::Env* environment = nullptr;

 private:
  const Script& script_;
  std::vector<Heard>& heard_;
  const Simulator& simulator_;
};

inline Buffer buffer(std::string_view text) {
  return Buffer(Bytes(as_bytes(text).begin(), as_bytes(text).end()));
}
inline void must(const Status& status) {
  ENSURE(status.has_value(), status ? "" : status.error().message);
}
inline LinkModel constant_link(Duration latency) {
  return {.latency = {.kind = DistributionKind::kConst, .a = latency.ns}};
}

// A simulator with script nodes; keeps what they hear.
struct TestWorld {
  explicit TestWorld(SimOptions options = {.default_link = constant_link(Duration::millis(10))})
      : simulator(Simulator::make(std::move(options)).value()) {}
  TestWorld(const TestWorld&) = delete;
  TestWorld& operator=(const TestWorld&) = delete;

  std::uint32_t add(Script script, NodeOptions options = {}) {
    scripts.push_back(std::make_unique<Script>(std::move(script)));
    heard.push_back(std::make_unique<std::vector<Heard>>());
    const Script& kept = *scripts.back();
    std::vector<Heard>& notes = *heard.back();
    options.name = "node-" + std::to_string(simulator->nodes());
    return simulator->add_node(options, [&kept, &notes, this] {
      return std::make_unique<ScriptNode>(kept, notes, *simulator);
    });
  }
  // The environment of a node that is up, for tests that act as the node.
  env::Env& env(std::uint32_t node) {
    return *static_cast<ScriptNode*>(simulator->mutable_node(node))->environment;
  }
  void run(Duration until) { must(simulator->run_until(Time{until.ns})); }
  template <class T>
  std::vector<std::pair<Time, T>> all(std::uint32_t node) const {
    std::vector<std::pair<Time, T>> found;
    for (const Heard& h : *heard[node]) {
      if (const T* event = std::get_if<T>(&h.event)) found.emplace_back(h.time, *event);
    }
    return found;
  }
  // Texts of the messages that `node` heard.
  std::vector<std::string> messages(std::uint32_t node) const {
    std::vector<std::string> texts;
    for (const auto& [time, message] : all<env::MessageIn>(node)) {
      texts.emplace_back(as_text(message.payload.view()));
    }
    return texts;
  }

  std::unique_ptr<Simulator> simulator;
  std::vector<std::unique_ptr<Script>> scripts;
  std::vector<std::unique_ptr<std::vector<Heard>>> heard;
};

inline Script dials(std::string address) {
  return {
      .boot = [address](env::Env& env, const env::BootInfo&) { env.transport.dial({address}); }};
}

// Nodes that dial everybody below them and answer each message with one of their own to a peer
// drawn at random, after a pause drawn at random; every tenth event writes and syncs.
inline Script chatter(std::uint32_t self, std::uint32_t nodes) {
  Script script;
  script.boot = [self](env::Env& env, const env::BootInfo&) {
    for (std::uint32_t peer = 0; peer < self; ++peer) {
      env.transport.dial({"sim/" + std::to_string(peer)});
    }
    env.timers.arm(env.clock.mono() + Duration::seconds(1), {1, 0, 0});
  };
  script.on = [self, nodes, count = 0u](env::Env& env, const env::Event& event) mutable {
    ++count;
    if (const auto* timer = std::get_if<env::TimerFired>(&event)) {
      const auto peer = static_cast<std::uint32_t>(env.random.u64(stream_id("peer")) % nodes);
      const auto channel = env.random.u64(stream_id("channel")) % 2 ? env::Channel::kReliable
                                                                    : env::Channel::kDatagram;
      const std::string text = std::to_string(self) + ":" + std::to_string(timer->timer);
      env.transport.send({peer}, channel, buffer(text));
      const auto pause = static_cast<std::int64_t>(env.random.u64(stream_id("pause")) % 200);
      env.timers.arm(env.clock.mono() + Duration::millis(pause), {1, 0, 0});
    }
    if (const auto* message = std::get_if<env::MessageIn>(&event)) {
      env.memo.get<std::size_t>(stream_id("size"), message->payload.hash(),
                                [&] { return message->payload.size(); });
      env.trace.emit({.kind = 300, .n = {count, message->from.value, 0, 0}});
    }
    if (count % 10 == 0) {
      const auto sequence = env.store.apply({{{1, 2}, buffer(std::to_string(count))}});
      env.store.sync(sequence, {});
    }
  };
  return script;
}

}  // namespace orrery::sim
