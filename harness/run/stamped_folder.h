// Names of folders that runs and networks get when nobody gives one.
#pragma once

#include <string>

namespace orrery::run {

// parent/YYYYMMDD-HHMMSS (UTC), then `suffix`, then -2, -3 ... until nothing has that name.
std::string stamped_folder(const std::string& parent, const std::string& suffix = "");

}  // namespace orrery::run
