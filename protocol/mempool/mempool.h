// Transactions waiting for a block: admission, order, replacement, eviction; bounded in all, and
// for each sender. One a node.
#pragma once

#include <map>
#include <vector>

#include "protocol/ledger/execute.h"

namespace orrery::chain {

class Mempool {
 public:
  Mempool(const ChainParams& params, const ModuleTable& table) : params_(params), table_(table) {}

  // Admits if it could be included now or after earlier nonces of its sender. A transaction with a
  // nonce that is taken replaces the old one if its fee is at least a tenth higher. When full, the
  // lowest fee leaves, or the newcomer is refused (kLimit). `height` is that of the next block.
  Status add(const TransactionPtr& tx, const StateTree& state, std::uint64_t height);
  bool contains(const Hash256& id) const { return by_id_.count(id) != 0; }
  TransactionPtr find(const Hash256& id) const;
  // Drops what can no longer be included on `state`.
  void prune(const StateTree& state, std::uint64_t height);

  // Candidates for a block on `state`: by fee, then arrival, nonces of one sender in order and
  // without a gap, so that what cannot be included yet crowds out nobody.
  std::vector<TransactionPtr> candidates(const StateTree& state, std::size_t limit) const;
  std::vector<Hash256> ids(std::size_t limit) const;
  // First nonce of `sender` that neither `state` nor this pool has used.
  std::uint64_t next_nonce(const Address& sender, const StateTree& state) const;
  std::size_t size() const { return by_id_.size(); }

 private:
  struct Entry {
    TransactionPtr tx;
    std::uint64_t arrival = 0;
  };
  using Queue = std::map<std::uint64_t, Entry>;  // by nonce

  void remove(const Address& sender, std::uint64_t nonce);
  bool make_room(Amount fee);

  ChainParams params_;
  const ModuleTable& table_;
  std::map<Address, Queue> queues_;
  std::map<Hash256, std::pair<Address, std::uint64_t>> by_id_;
  std::uint64_t arrivals_ = 0;
};

}  // namespace orrery::chain
