#include "harness/run/stamped_folder.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <chrono>
#include <filesystem>

namespace orrery::run {

std::string stamped_folder(const std::string& parent, const std::string& suffix) {
  const auto now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  const std::string name =
      fmt::format("{}/{:%Y%m%d-%H%M%S}{}", parent, fmt::gmtime(now), suffix);
  std::string folder = name;
  for (int n = 2; std::filesystem::exists(folder); ++n) folder = fmt::format("{}-{}", name, n);
  return folder;
}

}  // namespace orrery::run
