#include "harness/threads/thread_crew.h"

#include <atomic>
#include <cstdint>
#include <exception>
#include <thread>
#include <vector>

#include "engine/base/ensure.h"

namespace orrery::harness {
namespace {

// About 20 us of looking before sleeping: what waking up costs.
constexpr int kSpins = 1000;

void relax() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

// Waits until `value` is no longer `old`, and returns what it is.
std::uint32_t wait_for_change(const std::atomic<std::uint32_t>& value, std::uint32_t old) {
  for (int i = 0; i < kSpins; ++i) {
    const std::uint32_t now = value.load(std::memory_order_acquire);
    if (now != old) return now;
    relax();
  }
  value.wait(old, std::memory_order_acquire);
  return value.load(std::memory_order_acquire);
}

}  // namespace

class ThreadCrew::Impl {
 public:
  explicit Impl(unsigned threads) : errors_(threads) {
    for (unsigned i = 1; i < threads; ++i) threads_.emplace_back([this, i] { serve(i); });
  }
  ~Impl() {
    job_ = nullptr;
    begin();
    for (std::thread& thread : threads_) thread.join();
  }

  unsigned size() const { return static_cast<unsigned>(errors_.size()); }

  void run(const std::function<void(unsigned)>& job) {
    job_ = &job;
    busy_.store(size() - 1, std::memory_order_relaxed);
    begin();
    attempt(0);
    for (std::uint32_t busy = busy_.load(std::memory_order_acquire); busy > 0;) {
      busy = wait_for_change(busy_, busy);
    }
    std::exception_ptr first;
    for (std::exception_ptr& error : errors_) {
      if (error && !first) first = error;
      error = nullptr;
    }
    if (first) std::rethrow_exception(first);
  }

 private:
  void begin() {
    round_.fetch_add(1, std::memory_order_release);
    round_.notify_all();
  }
  void attempt(unsigned i) {
    try {
      (*job_)(i);
    } catch (...) {
      errors_[i] = std::current_exception();
    }
  }
  void serve(unsigned i) {
    for (std::uint32_t seen = 0;;) {
      seen = wait_for_change(round_, seen);
      if (job_ == nullptr) return;
      attempt(i);
      if (busy_.fetch_sub(1, std::memory_order_acq_rel) == 1) busy_.notify_one();
    }
  }

  const std::function<void(unsigned)>* job_ = nullptr;
  std::atomic<std::uint32_t> round_{0};
  std::atomic<std::uint32_t> busy_{0};
  std::vector<std::exception_ptr> errors_;  // by thread
  std::vector<std::thread> threads_;        // last: they use all of the above
};

ThreadCrew::ThreadCrew(unsigned threads) {
  ENSURE(threads >= 1 && threads <= kMaxThreads, "a crew has 1 to 256 threads");
  impl_ = std::make_unique<Impl>(threads);
}
ThreadCrew::~ThreadCrew() = default;
unsigned ThreadCrew::size() const { return impl_->size(); }
void ThreadCrew::run(const std::function<void(unsigned)>& job) { impl_->run(job); }
void ThreadCrew::yield() { std::this_thread::yield(); }

}  // namespace orrery::harness
