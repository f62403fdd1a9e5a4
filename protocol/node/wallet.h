// The node's own account: makes, signs and submits its transactions, each obligation at most once
// at a time. What users signed themselves enters the pool here, too.
#pragma once

#include <map>

#include "protocol/node/chain.h"
#include "protocol/node/gossip.h"

namespace orrery::chain {

class Wallet {
 public:
  static constexpr std::uint64_t kValidBlocks = 30;  // after that an unincluded transaction expires

  Wallet(const NodeConfig& config, Chain& chain, Mempool& mempool, Gossip& gossip)
      : config_(config), chain_(chain), mempool_(mempool), gossip_(gossip) {}

  Address address() const { return address_of(config_.key.public_key()); }
  const KeyPair& key() const { return config_.key; }

  // Signs and submits a payload; the id, or why this node's own pool refuses it.
  Result<Hash256> submit(env::Env& env, PayloadTag tag, Bytes payload);
  // Submits a transaction that somebody else has signed; the id, or why it is refused. One that
  // waits already is accepted and not announced again.
  Result<Hash256> pass_on(env::Env& env, ByteView encoded);
  // Submits unless a transaction for the same (tag, subject) is still waiting.
  void fulfil(env::Env& env, PayloadTag tag, const Hash256& subject, Bytes payload);
  // Nonce that the next submission will use.
  std::uint64_t next_nonce() const { return mempool_.next_nonce(address(), chain_.state()); }

 private:
  Result<Hash256> admit(env::Env& env, const TransactionPtr& tx);

  const NodeConfig& config_;
  Chain& chain_;
  Mempool& mempool_;
  Gossip& gossip_;
  std::map<std::pair<PayloadTag, Hash256>, Hash256> pending_;
};

}  // namespace orrery::chain
