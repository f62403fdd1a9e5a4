// How much a test does: what a variable of the environment asks for, or its everyday amount.
#pragma once

#include <cstdint>
#include <cstdlib>

namespace orrery {

inline std::uint64_t asked(const char* variable, std::uint64_t everyday) {
  const char* text = std::getenv(variable);
  return text == nullptr ? everyday : std::strtoull(text, nullptr, 10);
}

}  // namespace orrery
