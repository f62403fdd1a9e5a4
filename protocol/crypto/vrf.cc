#include "protocol/crypto/vrf.h"

#include <sodium.h>

#include <initializer_list>

#include "engine/base/ensure.h"

namespace orrery::chain {
namespace {

constexpr std::uint8_t kSuite = 0x03;
// Domain separators of section 5.4, front and back.
constexpr std::uint8_t kEncodeToCurve = 0x01;
constexpr std::uint8_t kChallenge = 0x02;
constexpr std::uint8_t kProofToHash = 0x03;
constexpr std::uint8_t kBack = 0x00;

using Point = std::array<std::uint8_t, 32>;   // encoded as in RFC 8032, 5.1.2
using Scalar = std::array<std::uint8_t, 32>;  // little endian, below the group order
using Hash512 = std::array<std::uint8_t, 64>;

Hash512 sha512(std::initializer_list<ByteView> parts) {
  crypto_hash_sha512_state state;
  crypto_hash_sha512_init(&state);
  for (const ByteView part : parts) crypto_hash_sha512_update(&state, part.data(), part.size());
  Hash512 out;
  crypto_hash_sha512_final(&state, out.data());
  return out;
}

// suite | separator | parts | 0x00
Hash512 suite_hash(std::uint8_t separator, std::array<ByteView, 5> parts) {
  const std::array<std::uint8_t, 2> front{kSuite, separator};
  return sha512({front, parts[0], parts[1], parts[2], parts[3], parts[4], ByteView(&kBack, 1)});
}

// y, without the sign bit, is at least 2^255 - 19. libsodium's addition takes such encodings; RFC
// 8032 does not.
bool is_non_canonical(const Point& p) {
  if ((p[31] | 0x80) != 0xff || p[0] < 0xed) return false;
  return std::all_of(p.begin() + 1, p.begin() + 31, [](std::uint8_t b) { return b == 0xff; });
}

// 8 P by three doublings. crypto_core_ed25519_add takes any point of the curve, also one outside
// the prime-order group (which scalar multiplication refuses), and fails only off the curve.
std::optional<Point> clear_cofactor(Point p) {
  for (int i = 0; i < 3; ++i) {
    if (crypto_core_ed25519_add(p.data(), p.data(), p.data()) != 0) return std::nullopt;
  }
  return p;
}

// Section 5.4.1.1, try and increment, salted with the public key. A try fails with probability one
// half, so 256 failures do not happen; the bound keeps the loop finite.
std::optional<Point> encode_to_curve(const PublicKey& key, ByteView alpha) {
  static constexpr Point kIdentity{1};
  for (int attempt = 0; attempt < 256; ++attempt) {
    const auto counter = static_cast<std::uint8_t>(attempt);
    const Hash512 hash = suite_hash(kEncodeToCurve, {key.view(), alpha, ByteView(&counter, 1)});
    Point candidate;
    std::copy_n(hash.begin(), 32, candidate.begin());
    if (is_non_canonical(candidate)) continue;
    const auto point = clear_cofactor(candidate);
    // The identity is left out, and with it the one encoding (x = 0 with a sign) that the addition
    // takes and RFC 8032 does not: both are of small order.
    if (point && *point != kIdentity) return point;
  }
  return std::nullopt;
}

// Nothing for the identity, a zero scalar or a point outside the prime-order group.
std::optional<Point> multiply(const Scalar& n, const Point& p) {
  Point out;
  if (crypto_scalarmult_ed25519_noclamp(out.data(), n.data(), p.data()) != 0) return std::nullopt;
  return out;
}

std::optional<Point> multiply_base(const Scalar& n) {
  Point out;
  if (crypto_scalarmult_ed25519_base_noclamp(out.data(), n.data()) != 0) return std::nullopt;
  return out;
}

Scalar reduce(const Hash512& wide) {
  Scalar out;
  crypto_core_ed25519_scalar_reduce(out.data(), wide.data());
  return out;
}

Hash512 widen(ByteView low) {
  Hash512 wide{};
  std::copy(low.begin(), low.end(), wide.begin());
  return wide;
}

// The secret scalar x and the nonce prefix of RFC 8032, 5.1.5; wiped at the end.
struct Expanded {
  explicit Expanded(const KeyPair& key) : hash(sha512({key.secret_key().seed()})) {
    Hash512 low{};
    std::copy_n(hash.begin(), 32, low.begin());
    low[0] &= 0xf8;
    low[31] = static_cast<std::uint8_t>((low[31] & 0x7f) | 0x40);
    x = reduce(low);
    sodium_memzero(low.data(), low.size());
  }
  Expanded(const Expanded&) = delete;
  Expanded& operator=(const Expanded&) = delete;
  ~Expanded() {
    sodium_memzero(hash.data(), hash.size());
    sodium_memzero(x.data(), x.size());
  }
  ByteView nonce_prefix() const { return ByteView(hash).subspan(32); }

  Hash512 hash;
  Scalar x;
};

// c of section 5.4.3 over Y, H, Gamma, U, V: 128 bits, as a scalar.
Scalar challenge(std::array<ByteView, 5> points) {
  const Hash512 hash = suite_hash(kChallenge, points);
  Scalar c{};
  std::copy_n(hash.begin(), 16, c.begin());
  return c;
}

VrfOutput output_of(const Point& eight_gamma) {
  return VrfOutput{suite_hash(kProofToHash, {ByteView(eight_gamma)})};
}

struct Decoded {
  Point gamma;
  Scalar c;
  Scalar s;
};

// Section 5.4.4: Gamma is a point (here: of the prime-order group), s is below the group order.
std::optional<Decoded> decode(const VrfProof& proof) {
  Decoded d{};
  std::copy_n(proof.bytes.begin(), 32, d.gamma.begin());
  std::copy_n(proof.bytes.begin() + 32, 16, d.c.begin());
  std::copy_n(proof.bytes.begin() + 48, 32, d.s.begin());
  if (reduce(widen(d.s)) != d.s) return std::nullopt;
  if (crypto_core_ed25519_is_valid_point(d.gamma.data()) != 1) return std::nullopt;
  return d;
}

}  // namespace

VrfProof vrf_prove(const KeyPair& key, ByteView alpha) {
  const Expanded secret(key);
  const auto h = encode_to_curve(key.public_key(), alpha);
  ENSURE(h, "an input encodes to a curve point");
  const auto gamma = multiply(secret.x, *h);
  // Section 5.4.2.2: the nonce is a function of key and input, as in RFC 8032.
  Scalar k = reduce(sha512({secret.nonce_prefix(), *h}));
  const auto u = multiply_base(k);
  const auto v = multiply(k, *h);
  ENSURE(gamma && u && v, "H generates the prime-order group and no scalar is zero");
  const Scalar c = challenge({key.public_key().view(), *h, *gamma, *u, *v});
  Scalar s;
  crypto_core_ed25519_scalar_mul(s.data(), c.data(), secret.x.data());
  crypto_core_ed25519_scalar_add(s.data(), s.data(), k.data());
  sodium_memzero(k.data(), k.size());

  VrfProof proof;
  std::copy(gamma->begin(), gamma->end(), proof.bytes.begin());
  std::copy_n(c.begin(), 16, proof.bytes.begin() + 32);
  std::copy(s.begin(), s.end(), proof.bytes.begin() + 48);
  return proof;
}

VrfOutput vrf_evaluate(const KeyPair& key, ByteView alpha) {
  const Expanded secret(key);
  const auto h = encode_to_curve(key.public_key(), alpha);
  ENSURE(h, "an input encodes to a curve point");
  // 8 Gamma = (8 x) H, since H has prime order: one multiplication instead of one and the cofactor.
  static constexpr Scalar kEight{8};
  Scalar eight_x;
  crypto_core_ed25519_scalar_mul(eight_x.data(), kEight.data(), secret.x.data());
  const auto eight_gamma = multiply(eight_x, *h);
  sodium_memzero(eight_x.data(), eight_x.size());
  ENSURE(eight_gamma, "H generates the prime-order group and no scalar is zero");
  return output_of(*eight_gamma);
}

std::optional<VrfOutput> vrf_verify(const PublicKey& key, ByteView alpha, const VrfProof& proof) {
  const auto d = decode(proof);
  if (!d || !vrf_validate_key(key)) return std::nullopt;
  const auto h = encode_to_curve(key, alpha);
  if (!h) return std::nullopt;
  // U = s B - c Y and V = s H - c Gamma are the prover's k B and k H if and only if Gamma = x H.
  const auto sb = multiply_base(d->s), cy = multiply(d->c, key.bytes);
  const auto sh = multiply(d->s, *h), cg = multiply(d->c, d->gamma);
  Point u, v;
  if (!sb || !cy || !sh || !cg || crypto_core_ed25519_sub(u.data(), sb->data(), cy->data()) != 0 ||
      crypto_core_ed25519_sub(v.data(), sh->data(), cg->data()) != 0 ||
      challenge({key.view(), *h, d->gamma, u, v}) != d->c) {
    return std::nullopt;
  }
  const auto eight_gamma = clear_cofactor(d->gamma);
  return eight_gamma ? std::optional(output_of(*eight_gamma)) : std::nullopt;
}

std::optional<VrfOutput> vrf_proof_to_hash(const VrfProof& proof) {
  const auto d = decode(proof);
  if (!d) return std::nullopt;
  const auto eight_gamma = clear_cofactor(d->gamma);
  return eight_gamma ? std::optional(output_of(*eight_gamma)) : std::nullopt;
}

bool vrf_validate_key(const PublicKey& key) {
  return crypto_core_ed25519_is_valid_point(key.bytes.data()) == 1;
}

}  // namespace orrery::chain
