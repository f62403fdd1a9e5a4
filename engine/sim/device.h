// The compute device of a simulated node: real results, virtual time. Owned by the node's host;
// jobs run one after the other and die with the node.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include "engine/sim/core.h"

namespace orrery::sim {

// Really does a job. Pure: the same spec gives the same result, whenever and wherever it is asked.
using ComputeFunction = std::function<env::JobResult(const env::JobSpec&)>;

// Content hash of a job: the key under which its result is shared between nodes.
Digest128 job_digest(const env::JobSpec& spec);

class SimDevice final : public env::Compute {
 public:
  // `function` may be set later; while it is empty every job ends as kUnknownModel.
  // `take_turn`: what a job does to the world it does in the turn of the handler that submits it.
  SimDevice(Core& core, std::uint32_t node, DeviceProfile profile, const ComputeFunction& function,
            std::function<void()> take_turn)
      : core_(core),
        node_(node),
        profile_(profile),
        function_(function),
        take_turn_(std::move(take_turn)) {
    ENSURE(profile.work_units_per_second > 0, "a device needs a rate");
  }

  // The job is worked out at once, because its virtual time depends on the work that it takes.
  std::uint64_t submit(const env::JobSpec& spec, env::Cookie cookie) override;
  // The device spends the job's time all the same: its later jobs are not brought forward.
  void cancel(std::uint64_t job) override;
  std::uint32_t device_class() const override { return profile_.device_class; }

  void boot(std::uint64_t boot);
  // The finished job as an event; nothing if it was cancelled or belongs to a former life.
  std::optional<env::Event> finish(const pending::Job& job);

 private:
  struct Job {
    std::uint64_t id;
    env::Cookie cookie;
    env::JobResult result;
  };

  Core& core_;
  std::uint32_t node_;
  DeviceProfile profile_;
  const ComputeFunction& function_;
  std::function<void()> take_turn_;
  std::uint64_t boot_ = 0;
  std::uint64_t next_ = 1;
  Time free_{};
  std::vector<Job> jobs_;  // ascending id
};

}  // namespace orrery::sim
