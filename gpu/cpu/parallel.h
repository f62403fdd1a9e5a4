// How a computation asks for threads without owning any: the work of one step is cut into parts
// whose results do not depend on who computes them, and the owner of the threads runs the parts.
#pragma once

#include <cstdint>

namespace orrery::gpu {

class Parallel {
 public:
  using Task = void (*)(void* context, std::uint32_t part);

  virtual ~Parallel() = default;
  // Parts that run at the same time, at least 1. Constant.
  virtual std::uint32_t width() const = 0;
  // Calls task(context, part) once for each part below width(), in any order and on any thread;
  // returns when all are done, and what they wrote is visible to the caller. Not reentrant.
  virtual void run(Task task, void* context) = 0;

  // The same for any callable that takes the part.
  template <class Function>
  void each_part(Function function) {
    run([](void* context, std::uint32_t part) { (*static_cast<Function*>(context))(part); },
        &function);
  }
};

// The caller's thread alone.
class Serial final : public Parallel {
 public:
  std::uint32_t width() const override { return 1; }
  void run(Task task, void* context) override { task(context, 0); }
};

// Part `part` of `width` of [0, count): contiguous ranges whose sizes differ by at most one.
struct PartRange {
  std::uint32_t begin;
  std::uint32_t end;
};
constexpr PartRange part_range(std::uint32_t count, std::uint32_t part, std::uint32_t width) {
  const auto edge = [&](std::uint64_t p) { return static_cast<std::uint32_t>(count * p / width); };
  return {edge(part), edge(std::uint64_t{part} + 1)};
}

}  // namespace orrery::gpu
