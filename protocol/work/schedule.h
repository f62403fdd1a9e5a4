// Queue, sortition and deadlines of tasks: what happens to them at the end of a block.
#pragma once

#include "protocol/work/task.h"

namespace orrery::chain {

// Puts a task on the queue (state kQueued); counts it.
void enqueue_task(ExecContext& ctx, Task& task);
std::uint64_t queued_tasks(const StateTree& state);

// Moves a task's time-out to `height`; the task is looked at then.
void set_due(ExecContext& ctx, Task& task, std::uint64_t height);

// Enters kRevealed, or kChallenged at once if replicas disagree.
void enter_revealed(ExecContext& ctx, Task& task);

// End of block: expired states first, then assignment of queued tasks (T-2, T-3).
void expire_tasks(ExecContext& ctx);
void assign_tasks(ExecContext& ctx);

}  // namespace orrery::chain
