// The task module: payload handlers, proofs carried in blocks, queue, assignment and deadlines.
#pragma once

#include "protocol/work/task.h"

namespace orrery::chain {

// Requests beyond this many queued tasks are refused: it bounds the scan at each block.
inline constexpr std::uint64_t kMaxQueuedTasks = 5'000;

Module tasks_module();

}  // namespace orrery::chain
