#include "protocol/adversary/actor.h"

namespace orrery::chain {

Actor::Actor(NodeConfig config, std::string_view behaviour)
    : node_(std::move(config)), wire_(*this) {
  auto made = make_behaviour(behaviour, node_);
  ENSURE(made.has_value(), "unknown behaviour " + std::string(behaviour));
  behaviour_ = std::move(*made);
}

env::Env Actor::intercepted(env::Env& env) {
  wire_.attach(env.transport);
  return {env.clock, env.timers, env.random, wire_,       env.store,
          env.compute, env.trace, env.replies, env.log, env.memo};
}

void Actor::boot(env::Env& env, const env::BootInfo& info) {
  inner_ = std::make_unique<env::Env>(intercepted(env));
  node_.boot(*inner_, info);
}

void Actor::on(env::Env&, const env::Event& event) {
  if (const auto* admin = std::get_if<env::Admin>(&event)) {
    auto next = make_behaviour(as_text(admin->body.view()), node_);
    if (next) behaviour_ = std::move(*next);
    return;
  }
  env::Event changed = event;
  if (behaviour_->incoming(*inner_, changed)) node_.on(*inner_, changed);
}

env::SendStatus Actor::Wire::send(env::PeerId peer, env::Channel channel, const Buffer& payload) {
  Buffer changed = payload;
  if (!actor_.behaviour_->outgoing(peer, changed)) return env::SendStatus::kQueued;
  return real_->send(peer, channel, changed);
}

}  // namespace orrery::chain
