// Misbehaving nodes. An Actor is the honest node on an intercepting environment: a Behaviour sees
// each event before the node and each message before it leaves, and may change or drop it. So an
// attacker runs the real code with a lie at one named point.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "protocol/node/node.h"

namespace orrery::chain {

class Behaviour {
 public:
  virtual ~Behaviour() = default;
  // Before the node hears it; may change it. False: the node never hears it.
  virtual bool incoming(env::Env&, env::Event&) { return true; }
  // Before it leaves; may replace `payload`. False: it never leaves.
  virtual bool outgoing(env::PeerId, Buffer& payload) {
    (void)payload;
    return true;
  }
};

struct BehaviourInfo {
  std::string_view name;
  std::string_view about;  // one sentence
};
// All behaviours, "honest" first.
std::span<const BehaviourInfo> behaviours();
// kNotFound for an unknown name.
Result<std::unique_ptr<Behaviour>> make_behaviour(std::string_view name, const ChainNode& node);

class Actor : public env::Node {
 public:
  // `behaviour` is a known name; an Admin event whose body is a known name switches it.
  Actor(NodeConfig config, std::string_view behaviour);

  void boot(env::Env& env, const env::BootInfo& info) override;
  void on(env::Env& env, const env::Event& event) override;
  Digest128 fold(Digest128 digest) const override { return node_.fold(digest); }

  const ChainNode& node() const { return node_; }
#ifdef ORRERY_SEEDED_BUGS
  void flip_state_bit_for_test() { node_.flip_state_bit_for_test(); }
#endif

 private:
  // The transport that the inner node sees.
  class Wire : public env::Transport {
   public:
    explicit Wire(Actor& actor) : actor_(actor) {}
    void attach(env::Transport& real) { real_ = &real; }
    env::Address self() const override { return real_->self(); }
    env::SendStatus send(env::PeerId peer, env::Channel channel, const Buffer& payload) override;
    void dial(const env::Address& address) override { real_->dial(address); }
    void drop(env::PeerId peer) override { real_->drop(peer); }
    std::size_t queued(env::PeerId peer, env::Channel channel) const override {
      return real_->queued(peer, channel);
    }

   private:
    Actor& actor_;
    env::Transport* real_ = nullptr;  // the environment's; outlives the node
  };

  env::Env intercepted(env::Env& env);

  ChainNode node_;
  Wire wire_;
  std::unique_ptr<Behaviour> behaviour_;
  // What node_ holds on to between events must outlive the event, so the inner Env lives here.
  std::unique_ptr<env::Env> inner_;
};

}  // namespace orrery::chain
