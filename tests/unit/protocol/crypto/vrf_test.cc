#include "protocol/crypto/vrf.h"

#include <gtest/gtest.h>

#include "engine/base/random.h"

namespace orrery::chain {
namespace {

struct Vector {
  const char *seed, *key, *alpha, *pi, *beta;
};

// RFC 9381, appendix B.3, examples 16 to 18 (17 succeeds at the second try of the encoding).
constexpr Vector kVectors[] = {
    {"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
     "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
     "8657106690b5526245a92b003bb079ccd1a92130477671f6fc01ad16f26f723f26f8a57ccaed74ee1b190bed1f479"
     "d"
     "9727d2d0f9b005a6e456a35d4fb0daab1268a1b0db10836d9826a528ca76567805",
     "90cf1df3b703cce59e2a35b925d411164068269d7b2d29f3301c03dd757876ff66b71dda49d2de59d03450451af02"
     "6"
     "798e8f81cd2e333de5cdf4f3e140fdd8ae"},
    {"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
     "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
     "f3141cd382dc42909d19ec5110469e4feae18300e94f304590abdced48aed5933bf0864a62558b3ed7f2fea45c92a"
     "4"
     "65301b3bbf5e3e54ddf2d935be3b67926da3ef39226bbc355bdc9850112c8f4b02",
     "eb4440665d3891d668e7e0fcaf587f1b4bd7fbfe99d0eb2211ccec90496310eb5e33821bc613efb94db5e5b54c70a"
     "8"
     "48a0bef4553a41befc57663b56373a5031"},
    {"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
     "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
     "9bc0f79119cc5604bf02d23b4caede71393cedfbb191434dd016d30177ccbf8096bb474e53895c362d8628ee9f9ea"
     "3"
     "c0e52c7a5c691b6c18c9979866568add7a2d41b00b05081ed0f58ee5e31b3a970e",
     "645427e5d00c62a23fb703732fa5d892940935942101e456ecca7bb217c61c452118fec1219202a0edcf038bb6373"
     "2"
     "41578be7217ba85a2687f7a0310b2df19f"},
};

KeyPair key_of(std::uint64_t n) {
  std::array<std::uint8_t, 32> seed{};
  seed[0] = static_cast<std::uint8_t>(n);
  return KeyPair::from_seed(seed);
}

TEST(Vrf, MatchesTheVectorsOfRfc9381) {
  for (const Vector& v : kVectors) {
    const KeyPair key = KeyPair::from_seed(FixedBytes<struct SeedTag, 32>::from_hex(v.seed)->bytes);
    const Bytes alpha = *from_hex(v.alpha);
    ASSERT_EQ(key.public_key().hex(), v.key);
    const VrfProof proof = vrf_prove(key, alpha);
    EXPECT_EQ(proof.hex(), v.pi);
    EXPECT_EQ(vrf_evaluate(key, alpha).hex(), v.beta);
    EXPECT_EQ(vrf_proof_to_hash(proof)->hex(), v.beta);
    const auto beta = vrf_verify(key.public_key(), alpha, proof);
    ASSERT_TRUE(beta);
    EXPECT_EQ(beta->hex(), v.beta);
  }
}

TEST(Vrf, ProofsOfManyKeysAndInputsVerifyToTheEvaluatedOutput) {
  RandomStream random(1, 0, stream_id("test/vrf"));
  for (std::uint64_t n = 0; n < 24; ++n) {
    const KeyPair key = key_of(n);
    Bytes alpha(random.below(100));
    for (auto& b : alpha) b = static_cast<std::uint8_t>(random.next());
    EXPECT_EQ(vrf_verify(key.public_key(), alpha, vrf_prove(key, alpha)), vrf_evaluate(key, alpha));
  }
}

TEST(Vrf, RefusesAProofWithAnyBitFlipped) {
  const KeyPair key = key_of(1);
  const Bytes alpha = *from_hex("01");
  const VrfProof good = vrf_prove(key, alpha);
  ASSERT_TRUE(vrf_verify(key.public_key(), alpha, good));
  for (std::size_t bit = 0; bit < 640; ++bit) {
    VrfProof bad = good;
    bad.bytes[bit / 8] ^= static_cast<std::uint8_t>(1u << (bit % 8));
    EXPECT_FALSE(vrf_verify(key.public_key(), alpha, bad)) << bit;
  }
}

TEST(Vrf, RefusesAProofForAnotherInputOrKey) {
  const KeyPair key = key_of(1);
  const VrfProof proof = vrf_prove(key, *from_hex("01"));
  EXPECT_FALSE(vrf_verify(key.public_key(), *from_hex("02"), proof));
  EXPECT_FALSE(vrf_verify(key_of(2).public_key(), *from_hex("01"), proof));
}

TEST(Vrf, RefusesAnSThatIsNotBelowTheGroupOrder) {
  const KeyPair key = key_of(1);
  VrfProof proof = vrf_prove(key, {});
  const Bytes order = *from_hex("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");
  unsigned carry = 0;
  for (std::size_t i = 0; i < 32; ++i) {
    carry += proof.bytes[48 + i] + order[i];
    proof.bytes[48 + i] = static_cast<std::uint8_t>(carry);
    carry >>= 8;
  }
  EXPECT_FALSE(vrf_verify(key.public_key(), {}, proof));
  EXPECT_FALSE(vrf_proof_to_hash(proof));
}

// P + (0, -1) has an order of twice the prime: a library that tests only one coordinate of L P
// takes it for a member of the group, and one key and input would have two proofs.
TEST(Vrf, RefusesKeysAndGammasOutsideThePrimeOrderGroup) {
  // Adding (0, -1) maps (x, y) to (-x, -y): y becomes p - y, and the sign flips.
  const auto add_order_two = [](std::array<std::uint8_t, 32> point) {
    const bool sign = (point[31] & 0x80) != 0;
    point[31] &= 0x7f;
    const Bytes p = *from_hex("edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f");
    int borrow = 0;
    for (std::size_t i = 0; i < 32; ++i) {
      const int digit = p[i] - point[i] - borrow;
      borrow = digit < 0 ? 1 : 0;
      point[i] = static_cast<std::uint8_t>(digit & 0xff);
    }
    if (!sign) point[31] |= 0x80;
    return point;
  };
  const KeyPair key = key_of(1);
  EXPECT_TRUE(vrf_validate_key(key.public_key()));
  EXPECT_FALSE(vrf_validate_key(PublicKey{add_order_two(key.public_key().bytes)}));

  VrfProof proof = vrf_prove(key, {});
  std::array<std::uint8_t, 32> gamma;
  std::copy_n(proof.bytes.begin(), 32, gamma.begin());
  gamma = add_order_two(gamma);
  std::copy(gamma.begin(), gamma.end(), proof.bytes.begin());
  EXPECT_FALSE(vrf_proof_to_hash(proof));
}

TEST(Vrf, RefusesKeysThatAreNoPointsOrOfSmallOrder) {
  for (const char* point : {
           "0100000000000000000000000000000000000000000000000000000000000000",
           "0000000000000000000000000000000000000000000000000000000000000000",
           "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
           "0200000000000000000000000000000000000000000000000000000000000000",
           "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
       }) {
    EXPECT_FALSE(vrf_validate_key(*PublicKey::from_hex(point))) << point;
  }
}

}  // namespace
}  // namespace orrery::chain
