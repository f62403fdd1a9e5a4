// Times of this process, for benchmarks.
#pragma once

#include <vector>

namespace orrery::model {

struct Times {
  double cpu = 0;   // seconds of all threads of the process
  double wall = 0;  // seconds
};

// Runs from its construction on.
class Stopwatch {
 public:
  Stopwatch();
  Times elapsed() const;

 private:
  Times start_;
};

// Of at least one value.
double median(std::vector<double> values);

}  // namespace orrery::model
