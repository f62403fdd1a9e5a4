#include "harness/model/stopwatch.h"

#include <algorithm>
#include <cstddef>
#include <ctime>

#include "engine/base/ensure.h"

namespace orrery::model {
namespace {

double seconds(clockid_t clock) {
  timespec t{};
  clock_gettime(clock, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

Times now() { return {seconds(CLOCK_PROCESS_CPUTIME_ID), seconds(CLOCK_MONOTONIC)}; }

}  // namespace

Stopwatch::Stopwatch() : start_(now()) {}

Times Stopwatch::elapsed() const {
  const Times t = now();
  return {t.cpu - start_.cpu, t.wall - start_.wall};
}

double median(std::vector<double> values) {
  ENSURE(!values.empty(), "a median is of something");
  std::sort(values.begin(), values.end());
  const std::size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

}  // namespace orrery::model
