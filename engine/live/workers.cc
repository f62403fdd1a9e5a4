#include "engine/live/workers.h"

#include <algorithm>

#include "engine/base/ensure.h"

namespace orrery::live {

Workers::Workers(unsigned threads, Execute execute, Done done)
    : execute_(std::move(execute)), done_(std::move(done)) {
  for (unsigned i = 0; i < std::max(threads, 1u); ++i) {
    threads_.emplace_back([this] { work(); });
  }
}

Workers::~Workers() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

std::uint64_t Workers::submit(const env::JobSpec& spec, env::Cookie cookie) {
  const std::lock_guard lock(mutex_);
  ENSURE(waiting_.size() < kMaxJobs, "too many pending jobs on one device");
  waiting_.push_back({next_, spec, cookie});
  wake_.notify_one();
  return next_++;
}

void Workers::cancel(std::uint64_t job) {
  const std::lock_guard lock(mutex_);
  std::erase_if(waiting_, [&](const Job& j) { return j.id == job; });
  if (std::find(running_.begin(), running_.end(), job) != running_.end()) {
    cancelled_.push_back(job);
  }
}

void Workers::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [this] { return stop_ || !waiting_.empty(); });
    if (stop_) return;
    const Job job = std::move(waiting_.front());
    waiting_.pop_front();
    running_.push_back(job.id);
    lock.unlock();
    env::JobResult result = execute_ ? execute_(job.spec)
                                     : env::JobResult{env::JobStatus::kUnknownModel, {}, 0};
    lock.lock();
    std::erase(running_, job.id);
    const bool wanted = std::erase(cancelled_, job.id) == 0 && !stop_;
    if (!wanted) continue;
    lock.unlock();
    done_({job.id, job.cookie, std::move(result)});
    lock.lock();
  }
}

}  // namespace orrery::live
