#include "protocol/crypto/keys.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "engine/base/random.h"
#include "protocol/crypto/commit.h"

namespace orrery::chain {
namespace {

struct Vector {
  const char *seed, *key, *message, *signature;
};

// RFC 8032, section 7.1: tests 1 to 3 and SHA(abc).
constexpr Vector kVectors[] = {
    {"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
     "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
     "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b"
     "4"
     "6bd25bf5f0595bbe24655141438e7a100b"},
    {"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
     "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
     "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11"
     "d"
     "8c387b2eaeb4302aeeb00d291612bb0c00"},
    {"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
     "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
     "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc"
     "6"
     "594a7c15e9716ed28dc027beceea1ec40a"},
};

std::array<std::uint8_t, 32> seed_of(std::uint64_t n) {
  std::array<std::uint8_t, 32> seed{};
  RandomStream random(n, 0, stream_id("test/seed"));
  for (auto& b : seed) b = static_cast<std::uint8_t>(random.next());
  return seed;
}

TEST(Keys, MatchTheVectorsOfRfc8032) {
  for (const Vector& v : kVectors) {
    const auto seed = FixedBytes<struct SeedTag, 32>::from_hex(v.seed);
    const KeyPair key = KeyPair::from_seed(seed->bytes);
    const Bytes message = *from_hex(v.message);
    EXPECT_EQ(key.public_key().hex(), v.key);
    EXPECT_EQ(sign(key, message).hex(), v.signature);
    EXPECT_TRUE(verify(key.public_key(), message, *Signature::from_hex(v.signature)));
  }
}

TEST(Keys, RefuseASignatureWithAnyBitFlippedAndAnyOtherMessageOrKey) {
  const KeyPair key = KeyPair::from_seed(seed_of(1));
  const Bytes message = *from_hex("0102030405");
  const Signature good = sign(key, message);
  ASSERT_TRUE(verify(key.public_key(), message, good));
  for (std::size_t bit = 0; bit < 512; ++bit) {
    Signature bad = good;
    bad.bytes[bit / 8] ^= static_cast<std::uint8_t>(1u << (bit % 8));
    EXPECT_FALSE(verify(key.public_key(), message, bad)) << bit;
  }
  EXPECT_FALSE(verify(key.public_key(), *from_hex("0102030406"), good));
  EXPECT_FALSE(verify(KeyPair::from_seed(seed_of(2)).public_key(), message, good));
}

// s + L satisfies the same equation; accepting it would let anybody change a transaction's bytes.
TEST(Keys, RefuseAnSThatIsNotBelowTheGroupOrder) {
  const KeyPair key = KeyPair::from_seed(seed_of(3));
  const Bytes message = *from_hex("00");
  Signature s = sign(key, message);
  const Bytes order = *from_hex("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");
  unsigned carry = 0;
  for (std::size_t i = 0; i < 32; ++i) {
    carry += s.bytes[32 + i] + order[i];
    s.bytes[32 + i] = static_cast<std::uint8_t>(carry);
    carry >>= 8;
  }
  ASSERT_EQ(carry, 0u);
  EXPECT_FALSE(verify(key.public_key(), message, s));
}

// With the identity as key and R, s = 0 signs every message.
TEST(Keys, RefuseKeysOfSmallOrder) {
  for (const char* point : {
           "0100000000000000000000000000000000000000000000000000000000000000",
           "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
           "0000000000000000000000000000000000000000000000000000000000000000",
           "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
           "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
       }) {
    const PublicKey key = *PublicKey::from_hex(point);
    Signature signature;
    std::copy(key.bytes.begin(), key.bytes.end(), signature.bytes.begin());
    EXPECT_FALSE(verify(key, as_bytes("pay everything"), signature)) << point;
    signature.bytes.fill(0);
    signature.bytes[0] = 1;
    EXPECT_FALSE(verify(key, as_bytes("pay everything"), signature)) << point;
  }
}

TEST(Address, IsTheStartOfATaggedHashOfTheKey) {
  const PublicKey key = KeyPair::from_seed(seed_of(4)).public_key();
  Bytes text(as_bytes("orrery/address/1").begin(), as_bytes("orrery/address/1").end());
  text.insert(text.end(), key.bytes.begin(), key.bytes.end());
  EXPECT_EQ(address_of(key).hex(), to_hex(sha256(text)).substr(0, 40));
}

TEST(Address, ReadsBackOnlyItsOwnSpelling) {
  const Address address = address_of(KeyPair::from_seed(seed_of(5)).public_key());
  const std::string hex = address.hex();
  EXPECT_EQ(Address::from_hex(hex), address);
  std::string upper = hex;
  std::transform(upper.begin(), upper.end(), upper.begin(), ::toupper);
  EXPECT_EQ(Address::from_hex(upper), std::nullopt);
  EXPECT_EQ(Address::from_hex(hex + "00"), std::nullopt);
  EXPECT_EQ(Address::from_hex(hex.substr(2)), std::nullopt);
}

TEST(Domain, KeepsPurposesAndChainsApart) {
  const Bytes payload = *from_hex("aa");
  const Hash256 hash = domain_hash({.tag = "orrery/vote/1", .chain_id = "a"}, payload);
  EXPECT_NE(hash, domain_hash({.tag = "orrery/vote/2", .chain_id = "a"}, payload));
  EXPECT_NE(hash, domain_hash({.tag = "orrery/vote/1", .chain_id = "b"}, payload));
  EXPECT_NE(hash, domain_hash({.tag = "orrery/vote/1a", .chain_id = ""}, payload));
  EXPECT_NE(signing_message({.tag = "ab", .chain_id = "c"}, payload),
            signing_message({.tag = "a", .chain_id = "bc"}, payload));
  EXPECT_EQ(to_hex(signing_message({.tag = "ab", .chain_id = "c"}, payload)),
            "020000006162"
            "0100000063"
            "aa");
}

TEST(Commitment, OpensOnlyWithItsOwnContentSaltAndDomain) {
  const Domain domain{.tag = "orrery/work/commit/1", .chain_id = "a"};
  Salt salt;
  salt.bytes[0] = 7;
  const Bytes content = *from_hex("0102");
  const Hash256 c = commitment(domain, salt, content);
  EXPECT_EQ(c, commitment(domain, salt, content));
  Salt other = salt;
  other.bytes[31] = 1;
  EXPECT_NE(c, commitment(domain, other, content));
  EXPECT_NE(c, commitment(domain, salt, *from_hex("0103")));
  EXPECT_NE(c, commitment({.tag = "orrery/work/commit/1", .chain_id = "b"}, salt, content));
}

}  // namespace
}  // namespace orrery::chain
