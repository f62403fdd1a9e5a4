#include "harness/testnet/rpc/follower.h"

#include <algorithm>
#include <set>

#include "protocol/work/task.h"

namespace orrery::testnet {
namespace {

bool is_task_event(chain::ChainEventKind kind) {
  return kind >= chain::ChainEventKind::kTaskRequested &&
         kind <= chain::ChainEventKind::kTaskSlashed;
}

bool ends_task(chain::ChainEventKind kind) {
  return kind == chain::ChainEventKind::kTaskSettled ||
         kind == chain::ChainEventKind::kTaskRefunded ||
         kind == chain::ChainEventKind::kTaskSlashed;
}

}  // namespace

const FollowedBlock* ChainFollower::at(std::uint64_t height) const {
  if (blocks_.empty() || height < blocks_.front().height || height > blocks_.back().height) {
    return nullptr;
  }
  return &blocks_[height - blocks_.front().height];
}

bool ChainFollower::holds(const chain::BlockNode& node) const {
  const FollowedBlock* mine = at(node.height());
  return mine && mine->hash == node.hash();
}

ChainFollower::Update ChainFollower::update(NodeView& view) {
  const chain::Chain& chain = view.node().chain();
  Update update;
  std::vector<Adopted> fresh;  // newest first
  const chain::BlockNode* node = &chain.head();
  for (; node && !holds(*node); node = node->parent) {
    fresh.push_back({node->block, node->result});
  }
  std::uint64_t common = 0;  // height of the newest block that stays
  bool linked = node != nullptr;
  if (node) {
    common = node->height();
  } else {
    // Below the tree everything is final: what the window holds there is canonical.
    const std::size_t most = blocks_.empty() ? kStartBlocks : kMaxBlocks;
    std::uint64_t height = fresh.back().block->header().height;
    while (height > 0 && fresh.size() < most) {
      --height;
      const chain::BlockPtr block = chain.block_at(view.env(), height);
      if (!block) break;
      const FollowedBlock* mine = at(height);
      if (mine && mine->hash == block->hash) {
        linked = true;
        common = height;
        break;
      }
      fresh.push_back({block, nullptr});
    }
  }
  while (!blocks_.empty() && (!linked || blocks_.back().height > common)) {
    update.abandoned.push_back(pop_newest());
  }
  update.gap = !linked && !update.abandoned.empty();
  std::reverse(fresh.begin(), fresh.end());
  for (const Adopted& adopted : fresh) push(adopted);
  update.adopted = std::move(fresh);
  while (blocks_.size() > 1 &&
         (blocks_.size() > kMaxBlocks || transactions_.size() > kMaxTransactions)) {
    forget_oldest();
  }
  return update;
}

void ChainFollower::push(const Adopted& adopted) {
  const chain::Header& header = adopted.block->header();
  FollowedBlock block{
      .height = header.height, .hash = adopted.block->hash, .timestamp_ns = header.timestamp_ns};
  std::set<Hash256> failed;
  if (adopted.result) {
    for (const chain::ChainEvent& event : adopted.result->events) {
      if (event.kind == chain::ChainEventKind::kTransactionFailed) failed.insert(event.subject);
      if (is_task_event(event.kind)) block.task_events.push_back(event);
    }
  }
  const auto& transactions = adopted.block->block.transactions;
  for (std::size_t i = 0; i < transactions.size(); ++i) {
    const chain::SharedTransaction& tx = *transactions[i];
    TransactionPlace place{.height = block.height, .index = i, .ok = std::nullopt};
    if (adopted.result) place.ok = failed.count(tx.id) == 0;
    transactions_[tx.id] = place;
    block.transactions.push_back({tx.id, place.ok});
    if (tx.tx.tag != chain::kRevealTag || place.ok == false) continue;
    const auto reveal = chain::decode_reveal(tx.tx.payload);
    if (!reveal) continue;  // cannot be: blocks are checked
    reveals_[reveal->task].push_back(place);
    block.revealed.push_back(reveal->task);
  }
  blocks_.push_back(std::move(block));
}

void ChainFollower::forget_places(const FollowedBlock& block) {
  for (const FollowedTransaction& tx : block.transactions) transactions_.erase(tx.id);
  for (const Hash256& task : block.revealed) {
    const auto it = reveals_.find(task);
    if (it == reveals_.end()) continue;
    std::erase_if(it->second, [&](const TransactionPlace& p) { return p.height == block.height; });
    if (it->second.empty()) reveals_.erase(it);
  }
}

FollowedBlock ChainFollower::pop_newest() {
  FollowedBlock block = std::move(blocks_.back());
  blocks_.pop_back();
  forget_places(block);
  return block;
}

void ChainFollower::forget_oldest() {
  forget_places(blocks_.front());
  blocks_.pop_front();
}

std::optional<TransactionPlace> ChainFollower::find_transaction(const Hash256& id) const {
  const auto it = transactions_.find(id);
  if (it == transactions_.end()) return std::nullopt;
  return it->second;
}

std::vector<TransactionPlace> ChainFollower::reveals(const Hash256& task) const {
  const auto it = reveals_.find(task);
  return it == reveals_.end() ? std::vector<TransactionPlace>{} : it->second;
}

const chain::ChainEvent* ChainFollower::end_of_task(const Hash256& task) const {
  for (auto block = blocks_.rbegin(); block != blocks_.rend(); ++block) {
    for (const chain::ChainEvent& event : block->task_events) {
      if (event.subject == task && ends_task(event.kind)) return &event;
    }
  }
  return nullptr;
}

}  // namespace orrery::testnet
