#include "harness/model/thread_pool.h"

#include <atomic>
#include <thread>
#include <vector>

#include "engine/base/ensure.h"

namespace orrery::model {
namespace {

// A few microseconds: longer than the serial pieces between two parallel ones, shorter than a
// scheduler's tick.
constexpr int kSpins = 400;

void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

// Waits until `value` differs from `old`.
void await_change(std::atomic<std::uint32_t>& value, std::uint32_t old) {
  for (int i = 0; i < kSpins; ++i) {
    if (value.load(std::memory_order_acquire) != old) return;
    pause();
  }
  while (value.load(std::memory_order_acquire) == old) value.wait(old);
}

}  // namespace

struct ThreadPool::State {
  Task task = nullptr;
  void* context = nullptr;
  // On cache lines of their own: the caller writes one, the workers the other.
  alignas(64) std::atomic<std::uint32_t> round{0};
  alignas(64) std::atomic<std::uint32_t> running{0};
  std::atomic<bool> stop{false};
  std::vector<std::thread> threads;

  void work(std::uint32_t part) {
    std::uint32_t seen = 0;
    while (true) {
      await_change(round, seen);
      ++seen;  // rounds come one at a time: the caller waits for the last to end
      if (stop) return;
      task(context, part);
      if (running.fetch_sub(1, std::memory_order_acq_rel) == 1) running.notify_one();
    }
  }
};

ThreadPool::ThreadPool(std::uint32_t width) : state_(std::make_unique<State>()), width_(width) {
  ENSURE(width >= 1 && width <= 256, "a pool of 1 to 256 threads");
  for (std::uint32_t part = 1; part < width; ++part) {
    state_->threads.emplace_back([state = state_.get(), part] { state->work(part); });
  }
}

ThreadPool::~ThreadPool() {
  state_->stop = true;
  state_->round.fetch_add(1, std::memory_order_release);
  state_->round.notify_all();
  for (std::thread& thread : state_->threads) thread.join();
}

void ThreadPool::run(Task task, void* context) {
  if (width_ == 1) return task(context, 0);
  State& state = *state_;
  state.task = task;
  state.context = context;
  state.running.store(width_ - 1, std::memory_order_relaxed);
  state.round.fetch_add(1, std::memory_order_release);
  state.round.notify_all();
  task(context, 0);
  for (std::uint32_t left; (left = state.running.load(std::memory_order_acquire)) != 0;) {
    await_change(state.running, left);
  }
}

}  // namespace orrery::model
