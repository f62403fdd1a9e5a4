#include "harness/run/recorder.h"

#include <algorithm>

#include "engine/base/hash_text.h"
#include "protocol/types/trace_kinds.h"

namespace orrery::run {
namespace {

double seconds(Duration d) { return static_cast<double>(d.ns) / 1e9; }

// Which task a path of the state tree holds, if any.
std::optional<Hash256> task_at(std::string_view path) {
  constexpr std::string_view kPrefix = "/tasks/";
  if (!path.starts_with(kPrefix)) return std::nullopt;
  return hash_from_hex(path.substr(kPrefix.size()));
}

void count_task(SeenBlock& seen, const chain::StateTree& state, const Hash256& id, int by) {
  const auto task = chain::find_task(state, id);
  if (!task || task->kind == chain::TaskKind::kBackground) return;
  seen.tasks[static_cast<std::size_t>(task->state)] += static_cast<std::uint64_t>(by);
}

}  // namespace

Recorder::Recorder(const scenario::Scenario& scenario, const chain::Observer& observer,
                   const sim::Simulator& simulator)
    : scenario_(scenario),
      observer_(observer),
      simulator_(simulator),
      book_(*observer.network),
      last_head_(observer.network->genesis_block->hash) {
  SeenBlock& genesis = blocks_[last_head_];
  genesis.block = observer.network->genesis_block;
  genesis.pools = *book_.find(last_head_);
  genesis.finalized = Time{};
}

void Recorder::on_trace(Time now, std::uint32_t node, const env::TraceEvent& event) {
  switch (event.kind) {
    case env::kFaultBegin:
      faults_.emplace(static_cast<std::uint32_t>(event.n[0]), SeenFault{now, kNever});
      return;
    case env::kFaultEnd:
      faults_[static_cast<std::uint32_t>(event.n[0])].end = now;
      return;
    case chain::kTraceExecuted:
      return on_block(node, event.a);
    case chain::kTraceFinalized:
      if (observer_.honest[node]) on_finalized(now, event.a);
      return;
    case chain::kTraceHead:
      if (observer_.honest[node]) reorg_depth_ = std::max(reorg_depth_, event.n[1]);
      return;
    case chain::kTraceFinalConflict:
      ++conflicts_;
      return;
    default:
      return;
  }
}

void Recorder::on_block(std::uint32_t node, const Hash256& hash) {
  if (blocks_.count(hash) != 0) return;
  const chain::BlockNode* block = observer_.node(node)->chain().tree().find(hash);
  ENSURE(block && block->parent, "an executed block stands in its node's tree");
  SeenBlock seen = blocks_.at(block->parent->hash());
  seen.block = block->block;
  seen.events = block->result->events;
  seen.pools = book_.add(*block);
  seen.finalized = kNever;
  chain::StateTree::diff(block->parent->state(), block->state(),
                         [&](std::string_view path, auto before, auto after) {
                           const auto id = task_at(path);
                           if (!id) return;
                           if (before) count_task(seen, block->parent->state(), *id, -1);
                           if (after) count_task(seen, block->state(), *id, +1);
                         });
  for (const chain::ChainEvent& e : seen.events) {
    if (e.kind == chain::ChainEventKind::kTaskRequested) ++seen.requested;
    if (e.kind == chain::ChainEventKind::kTaskSettled) seen.tokens += e.number;
    if (e.kind == chain::ChainEventKind::kProofCarried) seen.work += e.number;
    if (e.kind == chain::ChainEventKind::kSlashed) seen.slashed.insert(e.who);
  }
  blocks_.emplace(hash, std::move(seen));
}

void Recorder::on_finalized(Time now, const Hash256& hash) {
  auto it = blocks_.find(hash);
  if (it == blocks_.end()) return;
  const std::uint64_t height = it->second.block->header().height;
  if (height > finalized_height_) {
    finalized_height_ = height;
    ++finality_advanced_;
  }
  while (it != blocks_.end() && it->second.finalized == kNever) {
    it->second.finalized = now;
    it = blocks_.find(it->second.block->header().parent);
  }
}

const SeenBlock* Recorder::find(const Hash256& block) const {
  const auto it = blocks_.find(block);
  return it == blocks_.end() ? nullptr : &it->second;
}

const chain::ChainNode* Recorder::reference() const {
  const chain::ChainNode* best = nullptr;
  const auto rank = [](const chain::ChainNode& n) {
    return std::pair(n.chain().finalized_height(), n.chain().head().score);
  };
  for (std::uint32_t i = 0; i < simulator_.nodes(); ++i) {
    const chain::ChainNode* node = observer_.honest[i] ? observer_.node(i) : nullptr;
    if (node && (!best || rank(*node) > rank(*best))) best = node;
  }
  return best;
}

Hash256 Recorder::reference_head() const {
  const chain::ChainNode* node = reference();
  return node ? node->chain().head().hash() : last_head_;
}

std::vector<const SeenBlock*> Recorder::canonical() const {
  std::vector<const SeenBlock*> chain;
  const SeenBlock* block = find(reference_head());
  while (block && block->block->header().height > 0) {
    chain.push_back(block);
    block = find(block->block->header().parent);
  }
  std::reverse(chain.begin(), chain.end());
  return chain;
}

void Recorder::sample(Time now) {
  Sample sample{.time = now};
  last_head_ = reference_head();
  chain_metrics(sample);
  world_metrics(sample);
  interval_metrics(sample);
  // A sample at an instant already sampled (an assert's) replaces it.
  if (!samples_.empty() && samples_.back().time == now) samples_.pop_back();
  samples_.push_back(std::move(sample));
}

void Recorder::chain_metrics(Sample& sample) const {
  using chain::TaskState;
  const SeenBlock& head = blocks_.at(last_head_);
  Metrics& m = sample.metrics;
  sample.height = head.block->header().height;
  sample.pools = head.pools;
  m["height"] = static_cast<double>(sample.height);
  m["finalized_height"] = static_cast<double>(finalized_height_);
  m["finality.lag_blocks"] = m["height"] - m["finalized_height"];
  m["finality.advanced"] = static_cast<double>(finality_advanced_);
  m["finality.conflicts"] = static_cast<double>(conflicts_);
  m["reorgs.depth_max"] = static_cast<double>(reorg_depth_);
  // Genesis is in blocks_ too.
  m["forks.blocks"] = static_cast<double>(blocks_.size() - 1 - sample.height);
  const auto count = [&](TaskState s) {
    return static_cast<double>(head.tasks[static_cast<std::size_t>(s)]);
  };
  m["tasks.requested"] = static_cast<double>(head.requested);
  m["tasks.queued"] = count(TaskState::kQueued);
  m["tasks.assigned"] = count(TaskState::kAssigned);
  m["tasks.committed"] = count(TaskState::kCommitted);
  m["tasks.revealed"] = count(TaskState::kRevealed);
  m["tasks.challenged"] = count(TaskState::kChallenged);
  m["tasks.settled"] = count(TaskState::kSettled);
  m["tasks.refunded"] = count(TaskState::kRefunded);
  m["tasks.slashed"] = count(TaskState::kSlashed);
  m["tasks.open"] = m["tasks.queued"] + m["tasks.assigned"] + m["tasks.committed"] +
                    m["tasks.revealed"] + m["tasks.challenged"];
  m["tasks.tokens"] = static_cast<double>(head.tokens);
  m["work.proved"] = static_cast<double>(head.work);
  std::size_t honest = 0;
  for (const chain::Address& who : head.slashed) honest += observer_.is_honest(who) ? 1 : 0;
  m["slashed.nodes"] = static_cast<double>(head.slashed.size());
  m["slashed.honest"] = static_cast<double>(honest);
  const auto error = static_cast<i128>(chain::SupplyBook::total(head.pools)) -
                     static_cast<i128>(scenario_.chain.token.supply);
  m["supply.error"] = static_cast<double>(error);
  const auto staked = head.pools.find("staked");
  m["staked.share"] = staked == head.pools.end()
                          ? 0
                          : static_cast<double>(staked->second) /
                                static_cast<double>(scenario_.chain.token.supply);
}

void Recorder::world_metrics(Sample& sample) const {
  Metrics& m = sample.metrics;
  double up = 0, synced = 0, behind = 0, pool = 0, peers = 0;
  double least_peers = simulator_.nodes(), least_height = static_cast<double>(sample.height);
  double messages = 0, bytes = 0, dropped = 0;
  for (std::uint32_t i = 0; i < simulator_.nodes(); ++i) {
    const sim::NodeCounters& counters = simulator_.counters(i);
    messages += static_cast<double>(counters.messages_sent);
    bytes += static_cast<double>(counters.bytes_sent);
    dropped += static_cast<double>(counters.messages_lost);
    const chain::ChainNode* node = observer_.node(i);
    if (!node) continue;
    ++up;
    const auto height = static_cast<double>(node->chain().head().height());
    const bool is_synced = height + 2 >= static_cast<double>(sample.height);
    synced += is_synced ? 1 : 0;
    if (observer_.honest[i]) {
      least_height = std::min(least_height, height);
      behind += is_synced ? 0 : 1;
    }
    pool += static_cast<double>(node->mempool().size());
    peers += static_cast<double>(node->gossip().peers());
    least_peers = std::min(least_peers, static_cast<double>(node->gossip().peers()));
  }
  m["nodes.up"] = up;
  m["nodes.synced"] = synced;
  m["nodes.behind"] = behind;
  m["height.min"] = least_height;
  m["mempool.transactions"] = up > 0 ? pool / up : 0;
  m["peers.mean"] = up > 0 ? peers / up : 0;
  m["peers.min"] = up > 0 ? least_peers : 0;
  m["messages.total"] = messages;
  m["bytes.total"] = bytes;
  m["messages.dropped"] = dropped;
  m["events.total"] = static_cast<double>(simulator_.events());
}

// Means over the blocks that became canonical, and those that became final, since the last sample.
void Recorder::interval_metrics(Sample& sample) const {
  const std::uint64_t since = samples_.empty() ? 0 : samples_.back().height;
  const Time last = samples_.empty() ? Time{} : samples_.back().time;
  double blocks = 0, transactions = 0, slots = 0, latency = 0, finalized = 0;
  const SeenBlock* block = find(last_head_);
  while (block && block->block->header().height > 0) {
    const chain::Header& header = block->block->header();
    const bool fresh = header.height > since;
    const bool now_final = block->finalized != kNever && block->finalized > last;
    // Everything below is neither new nor newly final.
    if (!fresh && block->finalized != kNever && !now_final) break;
    const SeenBlock* parent = find(header.parent);
    if (fresh) {
      ++blocks;
      transactions += static_cast<double>(block->block->block.transactions.size());
      slots += static_cast<double>(header.slot - parent->block->header().slot);
    }
    if (now_final) {
      const Time slot_start{header.timestamp_ns - observer_.network->genesis.time_ns};
      latency += seconds(block->finalized - slot_start);
      ++finalized;
    }
    block = parent;
  }
  Metrics& m = sample.metrics;
  if (blocks > 0) {
    m["block.transactions"] = transactions / blocks;
    m["block.interval_s"] = slots / blocks * seconds(scenario_.chain.consensus.slot);
  }
  if (finalized > 0) m["finality.latency_s"] = latency / finalized;
}

}  // namespace orrery::run
