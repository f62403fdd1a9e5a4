// Threads that are lent to a simulation. engine/sim starts none itself: whoever runs it decides how
// many there are (harness/threads has a crew of real ones), and no result may depend on it.
#pragma once

#include <functional>

namespace orrery::sim {

class Crew {
 public:
  virtual ~Crew() = default;
  virtual unsigned size() const = 0;  // at least 1: the caller is one of them
  // Calls job(i) once for each i < size(), job(0) on the calling thread, and returns when all have
  // returned. What a job throws is thrown here, of several the one of the lowest i.
  virtual void run(const std::function<void(unsigned)>& job) = 0;
  // For a job that waits for another: lets other threads have the core for a moment.
  virtual void yield() = 0;
};

}  // namespace orrery::sim
