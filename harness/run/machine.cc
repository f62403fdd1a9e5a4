#include "harness/run/machine.h"

#include <fmt/format.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <fstream>

#include "orrery_commit.h"

namespace orrery::run {

MachineFacts machine_facts() {
  std::string processor = "unknown processor";
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);) {
    if (!line.starts_with("model name")) continue;
    processor = line.substr(line.find(':') + 2);
    break;
  }
  utsname kernel{};
  uname(&kernel);
  const double gib = static_cast<double>(sysconf(_SC_PHYS_PAGES)) *
                     static_cast<double>(sysconf(_SC_PAGE_SIZE)) / (1 << 30);
  return {.commit = ORRERY_COMMIT,
          .machine = fmt::format("{}, {} cores, {:.0f} GiB, {} {}", processor,
                                 sysconf(_SC_NPROCESSORS_ONLN), gib, kernel.sysname,
                                 kernel.release),
          .compiler = fmt::format("{} {}", ORRERY_COMPILER, ORRERY_BUILD_TYPE),
          .version = ORRERY_VERSION};
}

}  // namespace orrery::run
