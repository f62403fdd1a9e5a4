// One allocation of an accelerator, cut into buffers. Sizes are counted with a null base first,
// then the same cuts are made in real memory: layouts are written down once.
#pragma once

#include <cstddef>

#include "gpu/cuda/accelerator.h"

namespace orrery::gpu {

class Carver {
 public:
  explicit Carver(std::byte* base) : base_(base) {}

  template <class T>
  T* take(std::size_t count) {
    std::byte* at = base_ == nullptr ? nullptr : base_ + used_;
    used_ = round_up(used_ + count * sizeof(T), kAlignment);
    return reinterpret_cast<T*>(at);
  }
  std::size_t used() const { return used_; }

 private:
  static constexpr std::size_t kAlignment = 256;
  std::byte* base_;
  std::size_t used_ = 0;
};

// Owns an allocation. The accelerator must outlive it.
class Arena {
 public:
  Arena() = default;
  static Result<Arena> make(Accelerator& accelerator, std::size_t bytes) {
    ASSIGN_OR_RETURN(std::byte * memory, accelerator.allocate(bytes));
    Arena arena;
    arena.accelerator_ = &accelerator;
    arena.memory_ = memory;
    return arena;
  }
  Arena(Arena&& other) noexcept { *this = std::move(other); }
  Arena& operator=(Arena&& other) noexcept {
    std::swap(accelerator_, other.accelerator_);
    std::swap(memory_, other.memory_);
    return *this;
  }
  ~Arena() {
    if (memory_ != nullptr) accelerator_->release(memory_);
  }
  std::byte* memory() const { return memory_; }

 private:
  Accelerator* accelerator_ = nullptr;
  std::byte* memory_ = nullptr;
};

}  // namespace orrery::gpu
