// Transactions waiting for a block: admission, order, replacement, eviction; bounded in all, and
// for each sender. One a node.
#pragma once

#include <map>
#include <vector>

#include "engine/base/lookup_map.h"
#include "protocol/ledger/execute.h"
#include "protocol/types/block.h"

namespace orrery::chain {

class Mempool {
 public:
  Mempool(const ChainParams& params, const ModuleTable& table) : params_(params), table_(table) {}

  // Admits if it could be included now or after earlier nonces of its sender. A transaction with a
  // nonce that is taken replaces the old one if its fee is at least a tenth higher. When full, the
  // lowest fee leaves, or the newcomer is refused (kLimit). `height` is that of the next block.
  Status add(const TransactionPtr& tx, const StateTree& state, std::uint64_t height);
  bool contains(const Hash256& id) const { return by_id_.contains(id); }
  TransactionPtr find(const Hash256& id) const;
  // Drops what can no longer be included on `state`.
  void prune(const StateTree& state, std::uint64_t height);
  // The same on the state right after `block`, in which only senders in it have used nonces and
  // money.
  void prune_after(const Block& block, const StateTree& state, std::uint64_t height);

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
  // Ids are SHA-256 digests: their first bytes are as good as any hash.
  struct Prefix {
    std::size_t operator()(const Hash256& id) const { return id.prefix(); }
  };
  using Queue = std::map<std::uint64_t, Entry>;  // by nonce

  static constexpr std::uint64_t kNeverExpires = ~std::uint64_t{0};

  void prune_sender(const Address& sender, const StateTree& state, std::uint64_t height);
  void remove(const Address& sender, std::uint64_t nonce);
  bool make_room(Amount fee);

  ChainParams params_;
  const ModuleTable& table_;
  std::map<Address, Queue> queues_;
  LookupMap<Hash256, TransactionPtr, Prefix> by_id_;
  std::uint64_t arrivals_ = 0;
  std::uint64_t first_expiry_ = kNeverExpires;  // no transaction here expires before this height
};

}  // namespace orrery::chain
