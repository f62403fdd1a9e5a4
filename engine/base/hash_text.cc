#include "engine/base/hash_text.h"

#include <algorithm>

#include "engine/base/ensure.h"

namespace orrery {
namespace {

constexpr std::size_t kDigits = 2 * sizeof(Hash256);

}  // namespace

std::optional<Hash256> hash_from_hex(std::string_view text) {
  const auto bytes = text.size() == kDigits ? from_hex(text) : std::nullopt;
  if (!bytes) return std::nullopt;
  Hash256 hash;
  std::copy(bytes->begin(), bytes->end(), hash.bytes.begin());
  return hash;
}

Hash256 hash_at_end(std::string_view path) {
  const auto hash =
      path.size() < kDigits ? std::nullopt : hash_from_hex(path.substr(path.size() - kDigits));
  ENSURE(hash, "an index path ends in an id");
  return *hash;
}

}  // namespace orrery
