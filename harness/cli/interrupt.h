// Ctrl-C and SIGTERM, for verbs that keep what they have when they are stopped.
#pragma once

#include <functional>

namespace orrery::cli {

// From now on these signals end nothing by themselves; the function says whether one has come.
std::function<bool()> catch_interrupts();

}  // namespace orrery::cli
