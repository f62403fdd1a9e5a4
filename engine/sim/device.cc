#include "engine/sim/device.h"

#include <algorithm>

#include "engine/base/codec.h"

namespace orrery::sim {

Digest128 job_digest(const env::JobSpec& spec) {
  Writer out;
  out.hash(spec.model).u64(spec.input.hash().lo).u64(spec.input.hash().hi);
  out.u64(spec.parameters.hash().lo).u64(spec.parameters.hash().hi);
  out.u64(spec.sampling_seed).u8(static_cast<std::uint8_t>(spec.numeric)).u64(spec.max_work);
  return hash128(out.view());
}

std::uint64_t SimDevice::submit(const env::JobSpec& spec, env::Cookie cookie) {
  ENSURE(jobs_.size() < kMaxJobs, "too many pending jobs on one device");
  take_turn_();
  const auto result =
      core_.memo.get<env::JobResult>(stream_id("engine.job"), job_digest(spec), [&] {
        return function_ ? function_(spec) : env::JobResult{env::JobStatus::kUnknownModel, {}, 0};
      });
  const u128 work_ns =
      mul_div_ceil(result->work_units, 1'000'000'000, profile_.work_units_per_second);
  ENSURE(work_ns < static_cast<u128>(INT64_MAX) / 2, "a job longer than a century");
  free_ =
      std::max(free_, core_.now) + profile_.overhead + Duration{static_cast<std::int64_t>(work_ns)};
  jobs_.push_back({next_, cookie, *result});
  core_.schedule(free_, EventClass::kJob, node_, node_, pending::Job{boot_, next_});
  return next_++;
}

void SimDevice::cancel(std::uint64_t job) {
  std::erase_if(jobs_, [&](const Job& j) { return j.id == job; });
}

void SimDevice::boot(std::uint64_t boot) {
  boot_ = boot;
  next_ = 1;
  free_ = core_.now;
  jobs_.clear();
}

std::optional<env::Event> SimDevice::finish(const pending::Job& job) {
  if (job.boot != boot_) return std::nullopt;
  const auto it =
      std::find_if(jobs_.begin(), jobs_.end(), [&](const Job& j) { return j.id == job.job; });
  if (it == jobs_.end()) return std::nullopt;
  env::JobDone done{it->id, it->cookie, std::move(it->result)};
  jobs_.erase(it);
  return done;
}

}  // namespace orrery::sim
