// A validator's voice (P-5, P-6): one checkpoint vote an epoch, sent only after its record is
// durable, so that the key never signs two conflicting votes, also across a crash.
#pragma once

#include "protocol/node/chain.h"
#include "protocol/node/gossip.h"

namespace orrery::chain {

class Voter {
 public:
  Voter(const NodeConfig& config, Chain& chain, Gossip& gossip)
      : config_(config), chain_(chain), gossip_(gossip) {}

  void boot(env::Env& env);
  void on_epoch(env::Env& env);
  void on_synced(env::Env& env, const env::Synced& event);

 private:
  void arm(env::Env& env);
  void prepare(env::Env& env, const Vote& vote);
  void send(env::Env& env, Vote vote);

  const NodeConfig& config_;
  Chain& chain_;
  Gossip& gossip_;
  std::uint64_t last_source_ = 0;  // epochs of the last vote on disk
  std::uint64_t last_target_ = 0;
  // A disk without a vote record, on a chain that is under way: we may have voted before it was
  // lost. No vote until an epoch after this one is justified: then no vote that the key could have
  // made before can be doubled or surrounded.
  std::uint64_t abstain_until_ = 0;
  std::optional<Vote> waiting_;  // for its record to become durable
};

}  // namespace orrery::chain
