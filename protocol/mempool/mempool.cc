#include "protocol/mempool/mempool.h"

#include <algorithm>
#include <queue>

#include "protocol/ledger/accounts.h"

namespace orrery::chain {

Status Mempool::add(const TransactionPtr& shared, const StateTree& state, std::uint64_t height) {
  const Transaction& tx = shared->tx;
  if (contains(shared->id)) return {};
  const std::uint64_t next = number_at(state, nonce_path(tx.sender));
  if (tx.nonce < next || tx.nonce >= next + params_.mempool.max_per_sender) {
    return fail(ErrorCode::kRefused, "the nonce is used or too far ahead");
  }
  if (tx.nonce == next) {
    TRY(check_inclusion(params_, table_, state, height, *shared));
  } else {
    // The same checks, as if the nonces before were used.
    StateTree later = state;
    set_number(later, nonce_path(tx.sender), tx.nonce);
    TRY(check_inclusion(params_, table_, later, height, *shared));
  }
  const auto queue = queues_.find(tx.sender);
  if (queue != queues_.end()) {
    const auto taken = queue->second.find(tx.nonce);
    if (taken != queue->second.end()) {
      const Amount old = taken->second.tx->tx.fee;
      // Strictly more: equals would replace each other for ever where fees are zero.
      if (tx.fee <= old || tx.fee < old + old / 10) {
        return fail(ErrorCode::kRefused, "the nonce is taken");
      }
      remove(tx.sender, tx.nonce);
    }
  }
  if (size() >= params_.mempool.max_transactions && !make_room(tx.fee)) {
    return fail(ErrorCode::kLimit, "the pool is full and the fee too low");
  }
  queues_[tx.sender][tx.nonce] = {shared, arrivals_++};
  by_id_[shared->id] = shared;
  first_expiry_ = std::min(first_expiry_, tx.valid_until);
  return {};
}

bool Mempool::make_room(Amount fee) {
  // The cheapest last transaction of any sender: dropping a middle nonce would strand the rest.
  const Entry* cheapest = nullptr;
  for (const auto& [sender, queue] : queues_) {
    const Entry& last = queue.rbegin()->second;
    if (!cheapest || last.tx->tx.fee < cheapest->tx->tx.fee) cheapest = &last;
  }
  if (!cheapest || cheapest->tx->tx.fee >= fee) return false;
  const Transaction& tx = cheapest->tx->tx;
  remove(Address(tx.sender), tx.nonce);
  return true;
}

void Mempool::remove(const Address& sender, std::uint64_t nonce) {
  const auto queue = queues_.find(sender);
  by_id_.erase(queue->second.at(nonce).tx->id);
  queue->second.erase(nonce);
  if (queue->second.empty()) queues_.erase(queue);
}

TransactionPtr Mempool::find(const Hash256& id) const {
  const TransactionPtr* found = by_id_.find(id);
  return found != nullptr ? *found : nullptr;
}

void Mempool::prune_sender(const Address& sender, const StateTree& state, std::uint64_t height) {
  const auto queue = queues_.find(sender);
  if (queue == queues_.end()) return;
  const std::uint64_t next = number_at(state, nonce_path(sender));
  const Amount balance = amount_at(state, balance_path(sender));
  std::vector<std::uint64_t> gone;
  for (const auto& [nonce, entry] : queue->second) {
    // A fee that is no longer covered: or high fees on emptied accounts would hold the pool.
    if (nonce < next || entry.tx->tx.valid_until < height || entry.tx->tx.fee > balance) {
      gone.push_back(nonce);
    }
  }
  for (const std::uint64_t nonce : gone) remove(sender, nonce);
}

void Mempool::prune(const StateTree& state, std::uint64_t height) {
  std::vector<Address> senders;
  for (const auto& [sender, queue] : queues_) senders.push_back(sender);
  for (const Address& sender : senders) prune_sender(sender, state, height);
  first_expiry_ = kNeverExpires;
  for (const auto& [sender, queue] : queues_) {
    for (const auto& [nonce, entry] : queue) {
      first_expiry_ = std::min(first_expiry_, entry.tx->tx.valid_until);
    }
  }
}

void Mempool::prune_after(const Block& block, const StateTree& state, std::uint64_t height) {
  if (first_expiry_ < height) return prune(state, height);
  for (const TransactionPtr& tx : block.transactions) {
    const auto queue = queues_.find(tx->tx.sender);
    if (queue == queues_.end()) continue;
    // The usual case, a thousand times a block and node, asks nothing of the state.
    const bool only = queue->second.size() == 1 && queue->second.begin()->second.tx->id == tx->id;
    only ? remove(tx->tx.sender, tx->tx.nonce) : prune_sender(tx->tx.sender, state, height);
  }
}

std::vector<TransactionPtr> Mempool::candidates(const StateTree& state,
                                                std::size_t limit) const {
  // Each sender's next transaction competes; the winner makes room for the sender's following one.
  struct Front {
    Queue::const_iterator at, end;
  };
  const auto worse = [](const Front& a, const Front& b) {
    const Amount fa = a.at->second.tx->tx.fee, fb = b.at->second.tx->tx.fee;
    return fa != fb ? fa < fb : a.at->second.arrival > b.at->second.arrival;
  };
  std::priority_queue<Front, std::vector<Front>, decltype(worse)> fronts(worse);
  for (const auto& [sender, queue] : queues_) {
    const auto next = queue.find(number_at(state, nonce_path(sender)));
    if (next != queue.end()) fronts.push({next, queue.end()});
  }
  std::vector<TransactionPtr> result;
  while (!fronts.empty() && result.size() < limit) {
    Front front = fronts.top();
    fronts.pop();
    result.push_back(front.at->second.tx);
    const std::uint64_t nonce = front.at->first;
    if (++front.at != front.end && front.at->first == nonce + 1) fronts.push(front);
  }
  return result;
}

std::vector<Hash256> Mempool::ids(std::size_t limit) const {
  std::vector<Hash256> ids;
  for (const auto& [sender, queue] : queues_) {
    for (const auto& [nonce, entry] : queue) {
      if (ids.size() >= limit) return ids;
      ids.push_back(entry.tx->id);
    }
  }
  return ids;
}

std::uint64_t Mempool::next_nonce(const Address& sender, const StateTree& state) const {
  std::uint64_t nonce = number_at(state, nonce_path(sender));
  const auto queue = queues_.find(sender);
  if (queue == queues_.end()) return nonce;
  // The usual case: the pool holds all nonces from the next one on. A sender may have thousands.
  const std::uint64_t last = queue->second.rbegin()->first;
  if (queue->second.begin()->first == nonce && queue->second.size() == last - nonce + 1) {
    return last + 1;
  }
  while (queue->second.count(nonce) != 0) ++nonce;
  return nonce;
}

}  // namespace orrery::chain
