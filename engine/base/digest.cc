#include "engine/base/digest.h"

#include <fmt/format.h>
#include <sodium.h>

#include <array>

namespace orrery {
namespace {

void put_u64(std::uint8_t* out, std::uint64_t v) {
  for (int i = 0; i < 8; ++i) out[i] = static_cast<std::uint8_t>(v >> (8 * i));
}

std::uint64_t get_u64(const std::uint8_t* in) {
  std::uint64_t v = 0;
  for (int i = 7; i >= 0; --i) v = v << 8 | in[i];
  return v;
}

}  // namespace

std::string to_hex(Digest128 digest) { return fmt::format("{:016x}{:016x}", digest.hi, digest.lo); }

Digest128 extend(Digest128 digest, std::span<const std::uint8_t> bytes) {
  std::array<std::uint8_t, crypto_shorthash_siphashx24_KEYBYTES> key;
  std::array<std::uint8_t, crypto_shorthash_siphashx24_BYTES> out;
  put_u64(key.data(), digest.lo);
  put_u64(key.data() + 8, digest.hi);
  crypto_shorthash_siphashx24(out.data(), bytes.data(), bytes.size(), key.data());
  return {get_u64(out.data()), get_u64(out.data() + 8)};
}

Digest128 hash128(std::span<const std::uint8_t> bytes) { return extend({}, bytes); }

}  // namespace orrery
