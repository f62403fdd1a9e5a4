// What the benchmark programs share: clocks, memory, arguments, and the line that they print.
// C++17, see workload.h.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <string_view>

namespace orrery::bench {

inline double seconds_of(clockid_t clock) {
  timespec t{};
  clock_gettime(clock, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}
// Of all threads of the process: hardly moved by what else runs on the machine.
inline double cpu_seconds() { return seconds_of(CLOCK_PROCESS_CPUTIME_ID); }
inline double wall_seconds() { return seconds_of(CLOCK_MONOTONIC); }

// Bytes of a field of /proc/self/status: "VmRSS:" now, "VmHWM:" at most so far; 0 if unknown.
inline std::uint64_t memory_bytes(const char* field) {
  std::FILE* file = std::fopen("/proc/self/status", "r");
  if (file == nullptr) return 0;
  char line[256];
  std::uint64_t kib = 0;
  while (std::fgets(line, sizeof line, file) != nullptr) {
    if (std::strncmp(line, field, std::strlen(field)) == 0) {
      kib = std::strtoull(line + std::strlen(field), nullptr, 10);
    }
  }
  std::fclose(file);
  return kib * 1024;
}

// The number after `--name=` among the arguments, or `otherwise`.
inline std::uint64_t number_of(int argc, char** argv, std::string_view name,
                               std::uint64_t otherwise) {
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (argument.substr(0, 2) == "--" && argument.substr(2, name.size()) == name &&
        argument.substr(2 + name.size(), 1) == "=") {
      return std::strtoull(argv[i] + 3 + name.size(), nullptr, 10);
    }
  }
  return otherwise;
}

// The result of a run, printed as one line of JSON.
struct Measured {
  std::uint64_t events = 0;  // timed ones
  double cpu = 0;            // seconds they took
  double wall = 0;
  std::uint64_t check = 0;          // equal for equal results
  std::uint64_t pending_bytes = 0;  // growth of resident memory by what is pending, an event
  void print(const char* more = "") const {
    std::printf(
        "{\"events\": %llu, \"cpu_s\": %.6f, \"wall_s\": %.6f, \"check\": \"%016llx\", "
        "\"bytes_a_pending\": %llu%s}\n",
        static_cast<unsigned long long>(events), cpu, wall, static_cast<unsigned long long>(check),
        static_cast<unsigned long long>(pending_bytes), more);
  }
};

// Runs `work` and fills in the times.
template <class Work>
Measured timed(Work work) {
  Measured m;
  const double cpu = cpu_seconds(), wall = wall_seconds();
  work();
  m.cpu = cpu_seconds() - cpu;
  m.wall = wall_seconds() - wall;
  return m;
}

}  // namespace orrery::bench
