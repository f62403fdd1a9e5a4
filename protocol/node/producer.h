// Block production (P-1, P-2): looks ahead for the first slot it wins on the present head, proves
// the work the block needs, builds, records, and publishes.
#pragma once

#include <optional>
#include <vector>

#include "protocol/node/gossip.h"
#include "protocol/node/wallet.h"

namespace orrery::chain {

class Producer {
 public:
  static constexpr std::uint64_t kLookAhead = 128;     // slots searched before trying again
  static constexpr std::uint32_t kMaxBackground = 64;  // background tasks tried for one block

  Producer(const NodeConfig& config, Chain& chain, Mempool& mempool, Gossip& gossip)
      : config_(config), chain_(chain), mempool_(mempool), gossip_(gossip) {}

  void boot(env::Env& env);
  void on_head(env::Env& env);
  void on_slot(env::Env& env, const env::TimerFired& event);
  void on_job(env::Env& env, const env::JobDone& event);
  void on_synced(env::Env& env, const env::Synced& event);
  void keep_evidence(const Evidence& evidence);

 private:
  // The block being made: valid while its parent is the head.
  struct Draft {
    Hash256 parent;
    Block block;
    std::uint64_t work = 0;        // proved so far
    std::uint32_t background = 0;  // tasks proved
  };

  void plan(env::Env& env);
  void start(env::Env& env, std::uint64_t slot);
  void carry_revealed(Draft& draft);
  void prove_more(env::Env& env);
  void finish(env::Env& env);
  Hash256 next_background() const;

  const NodeConfig& config_;
  Chain& chain_;
  Mempool& mempool_;
  Gossip& gossip_;
  std::uint64_t round_ = 0;      // rises with each plan; older timers and jobs are stale
  std::uint64_t last_slot_ = 0;  // no second block for a slot up to here, also after a crash
  std::uint64_t timer_ = 0;
  // The draw depends on seed and height alone: computed once for both.
  struct Draw {
    Bytes input;
    VrfOutput output;  // its proof is made for a block only
  };
  std::optional<Draw> draw_;
  std::optional<Draft> draft_;
  BlockPtr recorded_;  // waits for its slot record to become durable
  std::vector<Evidence> evidence_;
};

}  // namespace orrery::chain
