#include "protocol/crypto/keys.h"

#include <sodium.h>

#include "engine/base/codec.h"

namespace orrery::chain {

SecretKey::~SecretKey() { sodium_memzero(seed_.data(), seed_.size()); }

KeyPair KeyPair::from_seed(const std::array<std::uint8_t, 32>& seed) {
  PublicKey key;
  std::array<std::uint8_t, crypto_sign_SECRETKEYBYTES> expanded;
  crypto_sign_seed_keypair(key.bytes.data(), expanded.data(), seed.data());
  sodium_memzero(expanded.data(), expanded.size());
  return {SecretKey(seed), key};
}

Signature sign(const KeyPair& key, ByteView message) {
  // libsodium's secret key is the seed followed by the public key.
  std::array<std::uint8_t, crypto_sign_SECRETKEYBYTES> expanded;
  const auto& seed = key.secret_key().seed();
  std::copy(seed.begin(), seed.end(), expanded.begin());
  std::copy(key.public_key().bytes.begin(), key.public_key().bytes.end(), expanded.begin() + 32);
  Signature signature;
  crypto_sign_detached(signature.bytes.data(), nullptr, message.data(), message.size(),
                       expanded.data());
  sodium_memzero(expanded.data(), expanded.size());
  return signature;
}

bool verify(const PublicKey& key, ByteView message, const Signature& signature) {
  return crypto_sign_verify_detached(signature.bytes.data(), message.data(), message.size(),
                                     key.bytes.data()) == 0;
}

Address address_of(const PublicKey& key) {
  const Hash256 hash = Sha256().update(as_bytes("orrery/address/1")).update(key.view()).finish();
  Address address;
  std::copy_n(hash.bytes.begin(), address.bytes.size(), address.bytes.begin());
  return address;
}

Bytes signing_message(const Domain& domain, ByteView payload) {
  return Writer().text(domain.tag).text(domain.chain_id).raw(payload).take();
}

Hash256 domain_hash(const Domain& domain, ByteView payload) {
  return sha256(signing_message(domain, payload));
}

}  // namespace orrery::chain
