#include "protocol/invariants/observer.h"

#include "engine/base/codec.h"
#include "protocol/types/trace_kinds.h"

namespace orrery::chain {

std::vector<env::TraceKind> BlockChecker::interests() const { return {kTraceExecuted}; }

void BlockChecker::on_trace(Time now, std::uint32_t node, const env::TraceEvent& event) {
  if (!seen_.insert(event.a).second) return;
  const ChainNode* source = observer_.node(node);
  const BlockNode* block = source ? source->chain().tree().find(event.a) : nullptr;
  ENSURE(block && block->parent, "an executed block stands in its node's tree on its parent");
  on_block(now, *block);
}

SupplyBook::SupplyBook(const Network& network) : table_(network.modules) {
  Pools& genesis = after_[network.genesis_block->hash];
  network.genesis_state.for_each("/", [&](std::string_view path, ByteView value) {
    const std::string pool = table_.pool_of(path);
    if (!pool.empty()) genesis[pool] += Reader(value).wide();
    return true;
  });
}

const SupplyBook::Pools& SupplyBook::add(const BlockNode& block) {
  const auto known = after_.find(block.hash());
  if (known != after_.end()) return known->second;
  const auto parent = after_.find(block.parent->hash());
  ENSURE(parent != after_.end(), "blocks are seen parents first");
  Pools pools = parent->second;
  StateTree::diff(block.parent->state(), block.state(),
                  [&](std::string_view path, std::optional<ByteView> before,
                      std::optional<ByteView> after) {
                    const std::string pool = table_.pool_of(path);
                    if (pool.empty()) return;
                    if (before) pools[pool] -= Reader(*before).wide();
                    if (after) pools[pool] += Reader(*after).wide();
                  });
  return after_.emplace(block.hash(), std::move(pools)).first->second;
}

const SupplyBook::Pools* SupplyBook::find(const Hash256& block) const {
  const auto it = after_.find(block);
  return it == after_.end() ? nullptr : &it->second;
}

Amount SupplyBook::total(const Pools& pools) {
  Amount sum = 0;
  for (const auto& [pool, amount] : pools) sum += amount;
  return sum;
}

}  // namespace orrery::chain
