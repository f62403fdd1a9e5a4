// What each level of verification finds of each cheat, and what it costs. Levels:
//   hash       the verifier executes the task again and compares digests
//   dispute    the same, then a referee is led to one element; the cheat counts as found if the
//              referee convicts the worker and nobody else
//   freivalds  one layer, drawn for each task: the worker ships its int32 products, which are
//              checked by random vectors; what lies between them is recomputed
//   toploc     the worker runs in bfloat16 and commits to its largest final values; the verifier
//              computes the same rows in one pass
//   margin     the same worker sends nothing but its answer; the verifier, in one pass, wants each
//              token to be among those within kMargin of the likeliest (after DiFR, arXiv
//              2511.20621)
// The model is the trained one of the program, the prompts are texts that it has not seen.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/base/result.h"
#include "harness/model/cheats.h"
#include "harness/model/random_disputes.h"

namespace orrery::model {

enum class Level : std::uint8_t { kHash, kDispute, kFreivalds, kToploc, kMargin };
inline constexpr std::uint32_t kLevels = 5;
std::string_view level_name(Level level);

// In nats. Two passes in bfloat16 may exchange tokens that are nearly as likely; honest ones stay
// far below this (largest_margin says how far).
inline constexpr float kMargin = 1.0f;

struct VerificationBench {
  std::uint32_t tasks = 50;  // of each cheat
  std::uint32_t prompt_bytes = 48;
  std::uint32_t tokens = 48;  // of an answer
  std::uint64_t seed = 1;
  RandomDisputes disputes;
  bool wide_step = true;  // measure it: some seconds
};

// What became of the tasks of one cheat.
struct DetectionRow {
  Cheat cheat = Cheat::kNone;
  std::uint32_t tasks = 0;
  std::uint32_t rejected[kLevels] = {};  // by level; of honest workers: false alarms
};

struct VerificationReport {
  std::vector<DetectionRow> rows;      // kNone first
  double inference_ms = 0;             // CPU time of a task in exact-i8, median
  double fast_inference_ms = 0;        // in bfloat16
  double cost[kLevels] = {};           // CPU time of the verifier over that of the worker, medians
  double bytes_a_token[kLevels] = {};  // that the worker sends besides the answer
  // Of honest workers: how far rounding brought the values of two passes from each other.
  double least_exponents = 1;   // share that agrees
  double largest_mantissa = 0;  // mean difference
  double largest_margin = 0;    // logits
  DisputeReport disputes;
  double wide_step_ms = 0;  // the referee's slowest step at the width of 110M, 256 positions
};
// kInvalidArgument: sizes that the model's context does not hold, or no tasks.
Result<VerificationReport> bench_verification(const VerificationBench& options);

}  // namespace orrery::model
