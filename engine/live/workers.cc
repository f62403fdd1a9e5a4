#include "engine/live/workers.h"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <vector>

#include "engine/base/ensure.h"

namespace orrery::live {

class Workers::Impl {
 public:
  Impl(unsigned threads, Execute execute, Done done)
      : execute_(std::move(execute)), done_(std::move(done)) {
    for (unsigned i = 0; i < std::max(threads, 1u); ++i) {
      threads_.emplace_back([this] { work(); });
    }
  }

  ~Impl() {
    {
      const std::lock_guard lock(mutex_);
      stop_ = true;
    }
    wake_.notify_all();
    for (std::thread& thread : threads_) thread.join();
  }

  std::uint64_t submit(const env::JobSpec& spec, env::Cookie cookie) {
    const std::lock_guard lock(mutex_);
    ENSURE(waiting_.size() < kMaxJobs, "too many pending jobs on one device");
    waiting_.push_back({next_, spec, cookie});
    wake_.notify_one();
    return next_++;
  }

  void cancel(std::uint64_t job) {
    const std::lock_guard lock(mutex_);
    std::erase_if(waiting_, [&](const Job& j) { return j.id == job; });
    if (std::find(running_.begin(), running_.end(), job) != running_.end()) {
      cancelled_.push_back(job);
    }
  }

 private:
  struct Job {
    std::uint64_t id = 0;
    env::JobSpec spec;
    env::Cookie cookie;
  };

  void work() {
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
      if (std::erase(cancelled_, job.id) > 0 || stop_) continue;
      lock.unlock();
      done_({job.id, job.cookie, std::move(result)});
      lock.lock();
    }
  }

  Execute execute_;
  Done done_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Job> waiting_;
  std::vector<std::uint64_t> running_;
  std::vector<std::uint64_t> cancelled_;  // of those that run
  std::uint64_t next_ = 1;
  bool stop_ = false;
  std::vector<std::thread> threads_;  // last: they use all of the above
};

Workers::Workers(unsigned threads, Execute execute, Done done)
    : impl_(std::make_unique<Impl>(threads, std::move(execute), std::move(done))) {}
Workers::~Workers() = default;

std::uint64_t Workers::submit(const env::JobSpec& spec, env::Cookie cookie) {
  return impl_->submit(spec, cookie);
}
void Workers::cancel(std::uint64_t job) { impl_->cancel(job); }

}  // namespace orrery::live
