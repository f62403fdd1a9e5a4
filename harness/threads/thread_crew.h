// A crew of real threads. They wait for work spinning at first, because windows follow each other
// within microseconds, then asleep. Owned by whoever runs a simulation; used from one thread.
#pragma once

#include <functional>
#include <memory>

#include "engine/sim/crew.h"

namespace orrery::harness {

class ThreadCrew final : public sim::Crew {
 public:
  // 1 .. kMaxThreads (ENSUREd), the caller's own included: a crew of one starts none.
  explicit ThreadCrew(unsigned threads);
  ~ThreadCrew() override;
  ThreadCrew(const ThreadCrew&) = delete;
  ThreadCrew& operator=(const ThreadCrew&) = delete;

  unsigned size() const override;
  void run(const std::function<void(unsigned)>& job) override;
  void yield() override;

  static constexpr unsigned kMaxThreads = 256;  // more than the cores of any machine at hand

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace orrery::harness
