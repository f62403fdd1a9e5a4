#include "engine/base/ensure.h"

#include <fmt/format.h>

namespace orrery {

void ensure_failed(const char* file, int line, const char* condition, const std::string& message) {
  throw EnsureFailure(fmt::format("{}:{}: ENSURE({}): {}", file, line, condition, message));
}

}  // namespace orrery
