// Compute threads of a live node: they execute jobs and post the results to the loop, nothing else.
// With one thread, jobs run in order of submission, as on one device.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "engine/env/env.h"

namespace orrery::live {

class Workers {
 public:
  static constexpr std::size_t kMaxJobs = 1 << 12;  // pending of one device, as in simulation

  using Execute = std::function<env::JobResult(const env::JobSpec&)>;
  using Done = std::function<void(env::JobDone)>;  // called on a worker's thread

  Workers(unsigned threads, Execute execute, Done done);
  ~Workers();  // waits for the jobs that run; those that wait are forgotten

  std::uint64_t submit(const env::JobSpec& spec, env::Cookie cookie);
  // A job that has begun runs on; its result is not delivered either way.
  void cancel(std::uint64_t job);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace orrery::live
