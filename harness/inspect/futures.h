// Several futures of one world. The world runs once up to an instant; from there each future goes
// on in a process of its own, forked, so that the past is computed once and its memory is shared.
// Each is exactly the run that one would get by running the past again and taking its branch.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "harness/run/world.h"

namespace orrery::inspect {

struct Future {
  std::string name;  // plain: it names a folder
  run::Branch branch;
};

// kInvalidArgument: two of one name.
Status check_names(const std::vector<Future>& futures);

struct FutureEnd {
  bool ran = false;  // false: its process was killed; `code` is the signal
  int code = 0;      // what `finish` returned
};

struct FuturesOptions {
  unsigned jobs = 1;  // side by side
  // In the child, after the branch was taken: runs the world to its end and writes what is to be
  // kept. Nothing comes back but its return value (0 to 255).
  std::function<int(const Future& future, run::World& world)> finish;
};

// `world` stands at the instant of the branches, has no crew, and is as it was afterwards; no other
// thread runs in this process. One end a future, in order. kIo if no process can be made.
Result<std::vector<FutureEnd>> run_futures(run::World& world, const std::vector<Future>& futures,
                                           const FuturesOptions& options);

}  // namespace orrery::inspect
