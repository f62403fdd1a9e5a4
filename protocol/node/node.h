// One node: the composition of its parts into a state machine on the seam. Which parts act depends
// on its roles; every node keeps the whole chain.
#pragma once

#include <memory>

#include "engine/env/env.h"
#include "protocol/node/auditor.h"
#include "protocol/node/chain.h"
#include "protocol/node/config.h"
#include "protocol/node/gossip.h"
#include "protocol/node/producer.h"
#include "protocol/node/voter.h"
#include "protocol/node/wallet.h"
#include "protocol/node/worker.h"

namespace orrery::chain {

class ChainNode : public env::Node {
 public:
  explicit ChainNode(NodeConfig config);

  void boot(env::Env& env, const env::BootInfo& info) override;
  void on(env::Env& env, const env::Event& event) override;
  Digest128 fold(Digest128 digest) const override;

  // For observers: checkers, recorders, RPC.
  const Chain& chain() const { return chain_; }
  const Mempool& mempool() const { return mempool_; }
  const Gossip& gossip() const { return gossip_; }
  const NodeConfig& config() const { return config_; }
#ifdef ORRERY_SEEDED_BUGS
  // Memory gone bad: flips the lowest bit of the rewards pool in the state of the head, of this
  // node alone. For tests of what notices.
  void flip_state_bit_for_test() { chain_.flip_state_bit_for_test(); }
#endif

 private:
  void handle(env::Env& env, const env::MessageIn& e) { gossip_.on_message(env, e); }
  void handle(env::Env& env, const env::TimerFired& e);
  void handle(env::Env& env, const env::Synced& e);
  void handle(env::Env& env, const env::JobDone& e);
  void handle(env::Env& env, const env::PeerUp& e) { gossip_.on_peer_up(env, e); }
  void handle(env::Env& env, const env::PeerDown& e) { gossip_.on_peer_down(env, e); }
  void handle(env::Env&, const env::DialFailed& e) { gossip_.on_dial_failed(e); }
  void handle(env::Env& env, const env::Request& e);
  void handle(env::Env&, const env::Admin&) {}  // no operator's command yet
  // Drops from the pool what the new head has used up.
  void prune_pool(env::Env& env, const Chain::Changes& changes);
  // Lets all parts act on what the event changed, until nothing changes.
  void settle(env::Env& env);

  NodeConfig config_;
  Chain chain_;
  Mempool mempool_;
  Gossip gossip_;
  Wallet wallet_;
  Worker worker_;
  Auditor auditor_;
  Voter voter_;
  Producer producer_;
  bool stale_pool_ = false;
};

}  // namespace orrery::chain
