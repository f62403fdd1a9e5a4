// Exit codes of every verb.
#pragma once

#include "engine/base/result.h"

namespace orrery::cli {

enum ExitCode : int {
  kHeld = 0,            // ran, and all asserts and invariants held
  kFinding = 1,         // an assertion or an invariant failed
  kUsage = 2,           // bad usage or scenario
  kEnvironment = 3,     // this machine cannot honour it
  kLiveness = 4,        // a liveness bound passed
  kNondeterminism = 5,  // two executions disagreed
  kNodeFailure = 6,     // a node or provider failed outside the scenario
  kInternal = 7,        // a bug of the framework
  kInterrupted = 130,   // stopped by the user; partial results are kept
};

inline int exit_code(const Error& error) {
  switch (error.code) {
    case ErrorCode::kInternal: return kInternal;
    case ErrorCode::kIo:
    case ErrorCode::kUnsupported: return kEnvironment;
    case ErrorCode::kInterrupted: return kInterrupted;
    default: return kUsage;
  }
}

}  // namespace orrery::cli
