// Decoding on an accelerator, timed: many sequences at once, a prompt, and single jobs, from which
// the profile of a device in a scenario follows.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/base/hash.h"
#include "gpu/api/model.h"
#include "gpu/cuda/accelerator.h"
#include "harness/model/stopwatch.h"

namespace orrery::model {

using TokenLists = std::vector<std::vector<std::uint32_t>>;  // a sequence each

// What a run took, and the digest of the logits (Q16) after each sequence's last token.
struct DeviceRun {
  Times times;
  std::vector<Hash256> logits;
};

// One token a sequence and step, logits of all; lists of one length.
Result<DeviceRun> decode_on_device(gpu::Accelerator& accelerator, const gpu::ModelArtefact& model,
                                   const TokenLists& tokens);
// One sequence, 128 tokens a step, logits of the last.
Result<DeviceRun> prompt_on_device(gpu::Accelerator& accelerator, const gpu::ModelArtefact& model,
                                   const std::vector<std::uint32_t>& tokens);

// How long jobs take on a device in a scenario (`devices:`): overhead + work units / rate, fitted
// to two jobs of one sequence on a model that is already there.
struct DeviceProfile {
  std::string name;  // as scenarios spell names
  double job_overhead_seconds = 0;
  double work_units_per_second = 0;
};
struct TimedJob {
  std::uint64_t work_units;
  double seconds;
};
// The line through both, its overhead not below zero. kInternal: more work took no longer.
Result<DeviceProfile> fit_profile(const std::string& device_name, const TimedJob& small,
                                  const TimedJob& large);
Result<DeviceProfile> measure_profile(gpu::Accelerator& accelerator,
                                      const gpu::ModelArtefact& model,
                                      const std::string& device_name);
// A scenario fragment, to be named by another file's `include`. `about` becomes a comment.
std::string profile_yaml(const DeviceProfile& profile, const std::string& about);

}  // namespace orrery::model
