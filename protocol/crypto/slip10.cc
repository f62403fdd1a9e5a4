#include "protocol/crypto/slip10.h"

#include <sodium.h>

#include <charconv>
#include <string>

#include "engine/base/ensure.h"

namespace orrery::chain {
namespace {

constexpr std::uint32_t kHardened = 1u << 31;
constexpr std::size_t kMaxDepth = 255;  // the depth field of extended keys is one byte

std::array<std::uint8_t, 64> hmac_sha512(ByteView key, ByteView message) {
  crypto_auth_hmacsha512_state state;
  std::array<std::uint8_t, 64> out;
  crypto_auth_hmacsha512_init(&state, key.data(), key.size());
  crypto_auth_hmacsha512_update(&state, message.data(), message.size());
  crypto_auth_hmacsha512_final(&state, out.data());
  return out;
}

}  // namespace

Slip10Key Slip10Key::split(std::array<std::uint8_t, 64> hmac) {
  std::array<std::uint8_t, 32> left, right;
  std::copy_n(hmac.begin(), 32, left.begin());
  std::copy_n(hmac.begin() + 32, 32, right.begin());
  const Slip10Key key(SecretKey(left), right);
  sodium_memzero(hmac.data(), hmac.size());
  sodium_memzero(left.data(), left.size());
  return key;
}

Result<Slip10Key> Slip10Key::master(ByteView seed) {
  if (seed.size() < 16 || seed.size() > 64) {
    return fail(ErrorCode::kInvalidArgument, "a seed has 16 to 64 bytes");
  }
  return split(hmac_sha512(as_bytes("ed25519 seed"), seed));
}

Slip10Key Slip10Key::child(std::uint32_t index) const {
  ENSURE(index < kHardened, "the index of a hardened child is below 2^31");
  const std::uint32_t i = index | kHardened;
  std::array<std::uint8_t, 37> message{};  // 0x00 | secret | index, big endian
  std::copy(secret_.seed().begin(), secret_.seed().end(), message.begin() + 1);
  for (int k = 0; k < 4; ++k) message[33 + k] = static_cast<std::uint8_t>(i >> (24 - 8 * k));
  const Slip10Key key = split(hmac_sha512(chain_code_, message));
  sodium_memzero(message.data(), message.size());
  return key;
}

Result<Slip10Key> slip10_derive(ByteView seed, std::string_view path) {
  ASSIGN_OR_RETURN(Slip10Key key, Slip10Key::master(seed));
  const auto bad = [&] {
    return fail(ErrorCode::kInvalidArgument,
                "a derivation path reads m/0'/1' with each index below 2147483648, not \"" +
                    std::string(path.substr(0, 80)) + "\"");
  };
  std::string_view rest = path;
  if (!rest.starts_with('m')) return bad();
  rest.remove_prefix(1);
  for (std::size_t depth = 0; !rest.empty(); ++depth) {
    if (depth == kMaxDepth || !rest.starts_with('/')) return bad();
    rest.remove_prefix(1);
    std::uint32_t index = 0;
    const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), index);
    if (error != std::errc() || index >= kHardened) return bad();
    rest.remove_prefix(static_cast<std::size_t>(end - rest.data()));
    if (!rest.starts_with('\'')) return bad();
    rest.remove_prefix(1);
    key = key.child(index);
  }
  return key;
}

}  // namespace orrery::chain
