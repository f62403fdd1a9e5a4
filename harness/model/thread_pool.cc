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

// Parts are claimed one by one, by the caller too, so a thread that the scheduler keeps waiting
// delays nobody: the others do its parts. A claim names its round, which makes late threads
// harmless.
struct ThreadPool::State {
  Task task = nullptr;
  void* context = nullptr;
  const std::uint32_t width;
  // On cache lines of their own: all write the first, who finishes a part the second.
  alignas(64) std::atomic<std::uint64_t> ticket{0};  // round << 32 | next part
  alignas(64) std::atomic<std::uint32_t> round{0};
  alignas(64) std::atomic<std::uint32_t> done{0};  // parts of the round
  std::atomic<bool> stop{false};
  std::vector<std::thread> threads;

  explicit State(std::uint32_t parts) : width(parts) {}

  // Does parts of the given round until none is left to claim.
  void help(std::uint32_t of_round) {
    std::uint64_t seen = ticket.load(std::memory_order_acquire);
    while (seen >> 32 == of_round && (seen & UINT32_MAX) < width) {
      if (!ticket.compare_exchange_weak(seen, seen + 1, std::memory_order_acq_rel)) continue;
      // The caller waits for this part, so task and context stay until it is counted.
      task(context, static_cast<std::uint32_t>(seen));
      if (done.fetch_add(1, std::memory_order_acq_rel) + 1 == width) done.notify_one();
      seen = ticket.load(std::memory_order_acquire);
    }
  }

  void work() {
    std::uint32_t seen = 0;
    while (true) {
      await_change(round, seen);
      seen = round.load(std::memory_order_acquire);
      if (stop) return;
      help(seen);
    }
  }
};

ThreadPool::ThreadPool(std::uint32_t width)
    : state_(std::make_unique<State>(width)), width_(width) {
  ENSURE(width >= 1 && width <= 256, "a pool of 1 to 256 threads");
  for (std::uint32_t i = 1; i < width; ++i) {
    state_->threads.emplace_back([state = state_.get()] { state->work(); });
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
  state.done.store(0, std::memory_order_relaxed);
  const std::uint32_t round = state.round.load(std::memory_order_relaxed) + 1;
  state.ticket.store(std::uint64_t{round} << 32, std::memory_order_release);
  state.round.store(round, std::memory_order_release);
  state.round.notify_all();
  state.help(round);
  for (std::uint32_t done; (done = state.done.load(std::memory_order_acquire)) != width_;) {
    await_change(state.done, done);
  }
}

}  // namespace orrery::model
