// Handlers that run before their turn. Events of different nodes that are less than the least
// latency of a link apart cannot influence each other, so their handlers may run at the same time;
// what a handler asks of the world outside its node is noted down and done when the event's turn
// comes, in the order of keys, by one thread. The world thus goes through exactly what it would go
// through without threads. What cannot be answered ahead waits for its turn.
#pragma once

#include <cstddef>
#include <functional>
#include <vector>

#include "engine/base/time.h"

namespace orrery::sim {

// One handler's notes. Owned by the batch, filled by the host of the node whose handler it is.
struct Ahead {
  Time now{};                                  // of the event
  std::vector<std::function<void()>> effects;  // in order
  std::size_t bytes = 0;                       // of the messages among them
  bool dropped = false;                        // a drop is among them
  // Returns when it is the event's turn and the effects have been done: the rest of the handler
  // acts on the world directly.
  std::function<void()> take_turn;
};

}  // namespace orrery::sim
