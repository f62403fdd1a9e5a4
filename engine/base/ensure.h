// ENSURE: always-on check for bugs of our own. It throws EnsureFailure, which whoever drives the
// node (the simulator's or the live loop) catches to add seed, virtual time, node and event before
// the process ends with exit code 7. Never used for input from outside.
#pragma once

#include <stdexcept>
#include <string>

namespace orrery {

class EnsureFailure : public std::logic_error {
 public:
  using std::logic_error::logic_error;
};

[[noreturn]] void ensure_failed(const char* file, int line, const char* condition,
                                const std::string& message);

}  // namespace orrery

#define ENSURE(condition, message)                                            \
  do {                                                                        \
    if (!(condition)) [[unlikely]]                                            \
      ::orrery::ensure_failed(__FILE__, __LINE__, #condition, message);       \
  } while (false)
