// How tasks end: settled, refunded, slashed. Every path empties the escrow and frees the workers.
#pragma once

#include "protocol/work/task.h"

namespace orrery::chain {

// Pays the workers whose revealed result is `result` (T-1, M-3, A6, A7); the rest of the escrow
// goes back to the requester. The record is stored.
void settle_task(ExecContext& ctx, Task& task, const Hash256& result);
// All of the escrow goes back. `end` is kRefunded, or kSlashed if every result was wrong.
void refund_task(ExecContext& ctx, Task& task, TaskState end);
// A challenge is decided: `result` is what more than 2/3 of the validators' stake computed. Wrong
// workers, or a wrong challenger, are slashed; then the task is settled or refunded.
void decide_task(ExecContext& ctx, Task& task, const Hash256& result);

}  // namespace orrery::chain
