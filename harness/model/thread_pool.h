// Threads for gpu::Parallel.
#pragma once

#include <cstdint>
#include <memory>

#include "gpu/cpu/parallel.h"

namespace orrery::model {

// `width - 1` threads that wait for parts, which they and the caller claim one by one. The
// hand-over is a fraction of a microsecond while the pool is in use; idle threads spin a few
// microseconds and then sleep, so that a pool nobody uses costs nothing. One caller at a time.
class ThreadPool final : public gpu::Parallel {
 public:
  // width in [1, 256]; ENSUREs that.
  explicit ThreadPool(std::uint32_t width);
  ~ThreadPool() override;
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  std::uint32_t width() const override { return width_; }
  void run(Task task, void* context) override;

 private:
  struct State;
  std::unique_ptr<State> state_;
  const std::uint32_t width_;
};

}  // namespace orrery::model
