#include "protocol/work/schedule.h"

#include <algorithm>

#include "engine/base/hash_text.h"
#include "protocol/ledger/accounts.h"
#include "protocol/ledger/staking.h"
#include "protocol/work/settle.h"

namespace orrery::chain {
namespace {

constexpr std::string_view kQueuePrefix = "/queue/waiting/";
constexpr std::string_view kQueueCount = "/queue/count";

// A worker's chance in the sortition is its bond, capped so that the largest does not get all
// (T-3).
constexpr Amount kSortitionCapTokens = 100'000;

std::string queue_path(const Task& task) {
  return std::string(kQueuePrefix) + height_key(task.requested) + "/" + to_hex(task.id);
}
std::string due_path(std::uint64_t height, const Hash256& id) {
  return "/due/" + height_key(height) + "/" + to_hex(id);
}

std::vector<Hash256> ids_under(const StateTree& state, std::string_view prefix) {
  std::vector<Hash256> ids;
  state.for_each(prefix, [&](std::string_view path, ByteView) {
    ids.push_back(hash_at_end(path));
    return true;
  });
  return ids;
}

void dequeue(ExecContext& ctx, const Task& task) {
  ctx.state.erase(queue_path(task));
  set_number(ctx.state, kQueueCount, queued_tasks(ctx.state) - 1);
}

// Drops assignees for which `late` holds; they missed their deadline.
template <class Predicate>
void drop_late(ExecContext& ctx, Task& task, Predicate&& late) {
  std::erase_if(task.assignments, [&](const Assignment& a) {
    if (!late(a)) return false;
    auto record = stake_record(ctx.state, a.worker);
    if (record) {
      if (record->open > 0) --record->open;
      ++record->missed;
      set_stake_record(ctx.state, a.worker, *record);
    }
    ctx.emit({.kind = ChainEventKind::kTaskUnassigned, .subject = task.id, .who = a.worker});
    return true;
  });
}

void requeue_or_refund(ExecContext& ctx, Task& task) {
  if (ctx.height() < task.requested + ctx.params.work.queue_blocks) {
    enqueue_task(ctx, task);
  } else {
    refund_task(ctx, task, TaskState::kRefunded);
  }
}

void expire(ExecContext& ctx, Task& task) {
  const WorkParams& work = ctx.params.work;
  switch (task.state) {
    case TaskState::kQueued:
      dequeue(ctx, task);
      refund_task(ctx, task, TaskState::kRefunded);
      return;
    case TaskState::kAssigned:
      drop_late(ctx, task, [](const Assignment& a) { return !a.commitment; });
      if (task.assignments.empty()) return requeue_or_refund(ctx, task);
      task.state = TaskState::kCommitted;
      set_due(ctx, task, ctx.height() + work.reveal_blocks);
      return;
    case TaskState::kCommitted:
      drop_late(ctx, task, [](const Assignment& a) { return !a.reveal; });
      if (task.assignments.empty()) return requeue_or_refund(ctx, task);
      enter_revealed(ctx, task);
      return;
    case TaskState::kRevealed:
      if (has_bug(ctx.params.seeded_bug, SeededBug::kIllegalTransition)) {
        ctx.emit({.kind = ChainEventKind::kTaskAssigned,
                  .subject = task.id,
                  .who = task.assignments[0].worker});
      }
      settle_task(ctx, task, task.assignments[0].reveal->result);
      return;
    case TaskState::kChallenged:  // too few validators answered: nobody is blamed
      refund_task(ctx, task, TaskState::kRefunded);
      return;
    default:
      ENSURE(false, "an ended task is never due");
  }
}

struct Candidate {
  Address who;
  u128 weight = 0;
  std::uint32_t open = 0;
};

// Draws `count` distinct workers for a task, without the requester (T-3).
std::vector<std::size_t> draw_workers(const std::vector<Candidate>& all, const Task& task,
                                      const Hash256& beacon, const WorkParams& work) {
  std::vector<std::size_t> chosen;
  for (std::uint32_t replica = 0; replica < work.replicas; ++replica) {
    const auto eligible = [&](std::size_t i) {
      return all[i].open < work.max_open_per_worker && all[i].who != task.requester &&
             std::find(chosen.begin(), chosen.end(), i) == chosen.end();
    };
    u128 total = 0;
    for (std::size_t i = 0; i < all.size(); ++i) total += eligible(i) ? all[i].weight : 0;
    if (total == 0) return {};
    Writer seed;
    seed.text("orrery/sortition/1").hash(beacon).hash(task.id).u32(replica);
    // A 64-bit fraction of the total: bias below total / 2^64 in relative weight.
    u128 ticket = mul_div_floor(total, sha256(seed.view()).prefix(), static_cast<u128>(1) << 64);
    for (std::size_t i = 0; i < all.size(); ++i) {
      if (!eligible(i)) continue;
      if (ticket < all[i].weight) {
        chosen.push_back(i);
        break;
      }
      ticket -= all[i].weight;
    }
  }
  return chosen;
}

void assign(ExecContext& ctx, Task& task, std::vector<Candidate>& workers,
            const std::vector<std::size_t>& chosen) {
  dequeue(ctx, task);
  Writer seed;
  seed.text("orrery/sampling/1").hash(task.id).hash(ctx.beacon);
  task.sampling_seed = sha256(seed.view()).prefix();
  task.state = TaskState::kAssigned;
  task.assignments.clear();
  for (std::size_t i : chosen) {
    Candidate& worker = workers[i];
    ++worker.open;
    auto record = stake_record(ctx.state, worker.who);
    record->open = worker.open;
    set_stake_record(ctx.state, worker.who, *record);
    task.assignments.push_back({.worker = worker.who, .height = ctx.height()});
    ctx.emit({.kind = ChainEventKind::kTaskAssigned,
              .subject = task.id,
              .who = worker.who,
              .number = task.sampling_seed});
  }
  set_due(ctx, task, ctx.height() + ctx.params.work.commit_blocks);
}

}  // namespace

std::uint64_t queued_tasks(const StateTree& state) { return number_at(state, kQueueCount); }

void enqueue_task(ExecContext& ctx, Task& task) {
  task.state = TaskState::kQueued;
  ctx.state.set(queue_path(task), {});
  set_number(ctx.state, kQueueCount, queued_tasks(ctx.state) + 1);
  set_due(ctx, task, task.requested + ctx.params.work.queue_blocks);
}

void set_due(ExecContext& ctx, Task& task, std::uint64_t height) {
  task.due = std::max(height, ctx.height() + 1);
  ctx.state.set(due_path(task.due, task.id), {});
  store_task(ctx.state, task);
}

void enter_revealed(ExecContext& ctx, Task& task) {
  const Hash256& first = task.assignments[0].reveal->result;
  const bool equal = std::all_of(task.assignments.begin(), task.assignments.end(),
                                 [&](const Assignment& a) { return a.reveal->result == first; });
  task.state = equal ? TaskState::kRevealed : TaskState::kChallenged;
  if (!equal) ctx.emit({.kind = ChainEventKind::kTaskChallenged, .subject = task.id});
  const WorkParams& work = ctx.params.work;
  if (has_bug(ctx.params.seeded_bug, SeededBug::kNoChallengeWindow) && equal) {
    return set_due(ctx, task, ctx.height() + 1);
  }
  set_due(ctx, task, ctx.height() + (equal ? work.challenge_blocks : work.verdict_blocks));
}

void expire_tasks(ExecContext& ctx) {
  if (has_bug(ctx.params.seeded_bug, SeededBug::kForgetDeadline) && ctx.height() % 7 == 0) return;
  // An index entry may be stale: a task that moved on has a later `due`.
  for (const Hash256& id : ids_under(ctx.state, "/due/" + height_key(ctx.height()) + "/")) {
    ctx.state.erase(due_path(ctx.height(), id));
    auto task = find_task(ctx.state, id);
    if (task && task->due == ctx.height() && !is_ended(task->state)) expire(ctx, *task);
  }
}

void assign_tasks(ExecContext& ctx) {
  const WorkParams& work = ctx.params.work;
  std::vector<Task> queue;
  for (const Hash256& id : ids_under(ctx.state, kQueuePrefix)) {
    auto task = find_task(ctx.state, id);
    // The beacon of the requesting block could have been influenced by its sender.
    if (task && task->requested < ctx.height()) queue.push_back(std::move(*task));
  }
  if (queue.empty()) return;
  // T-2: class, one up for every ageing_blocks waited; then age, then id.
  const auto rank = [&](const Task& t) {
    const std::uint64_t waited = (ctx.height() - t.requested) / work.ageing_blocks;
    const auto priority = static_cast<std::uint64_t>(t.priority);
    return std::tuple(priority > waited ? priority - waited : 0, t.requested, t.id);
  };
  std::sort(queue.begin(), queue.end(),
            [&](const Task& a, const Task& b) { return rank(a) < rank(b); });
  const Amount cap = unit_of(ctx.params.token) * kSortitionCapTokens;
  std::vector<Candidate> workers;
  for (const Stake& stake : active_stakes(ctx.state, ctx.params)) {
    if (!stake.record.worker) continue;
    workers.push_back({stake.who, std::min(stake.amount, cap), stake.record.open});
  }
  std::uint32_t assigned = 0;
  for (Task& task : queue) {
    if (assigned >= work.max_assignments_per_block) break;
    const auto chosen = draw_workers(workers, task, ctx.beacon, work);
    if (chosen.empty()) continue;
    assign(ctx, task, workers, chosen);
    ++assigned;
  }
}

}  // namespace orrery::chain
