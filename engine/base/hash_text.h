// Hashes out of text: what people type, and what paths of the state end in.
#pragma once

#include <optional>
#include <string_view>

#include "engine/base/hash.h"

namespace orrery {

// 64 lower-case hexadecimal digits; nothing else is a hash.
std::optional<Hash256> hash_from_hex(std::string_view text);

// The id that an index path of our own state ends in ("/due/000012/<64 digits>"). ENSUREs that it
// does.
Hash256 hash_at_end(std::string_view path);

}  // namespace orrery
