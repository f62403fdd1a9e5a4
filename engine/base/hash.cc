// The low-level SHA256_* functions are deprecated in OpenSSL 3 in favour of EVP, whose fetch and
// context allocation cost more than hashing a small tree node; they remain supported for 3.x.
#define OPENSSL_SUPPRESS_DEPRECATED
#include "engine/base/hash.h"

#include <openssl/sha.h>

namespace orrery {

std::uint64_t Hash256::prefix() const {
  std::uint64_t v = 0;
  for (int i = 7; i >= 0; --i) v = v << 8 | bytes[static_cast<std::size_t>(i)];
  return v;
}

std::string to_hex(const Hash256& hash) { return to_hex(hash.view()); }

Hash256 sha256(ByteView bytes) { return Sha256().update(bytes).finish(); }

Sha256::Sha256() {
  static_assert(sizeof(SHA256_CTX) == sizeof(context_) && alignof(SHA256_CTX) <= 8);
  SHA256_Init(reinterpret_cast<SHA256_CTX*>(context_.data()));
}

Sha256& Sha256::update(ByteView bytes) {
  SHA256_Update(reinterpret_cast<SHA256_CTX*>(context_.data()), bytes.data(), bytes.size());
  return *this;
}

Hash256 Sha256::finish() {
  Hash256 hash;
  SHA256_Final(hash.bytes.data(), reinterpret_cast<SHA256_CTX*>(context_.data()));
  return hash;
}

}  // namespace orrery
