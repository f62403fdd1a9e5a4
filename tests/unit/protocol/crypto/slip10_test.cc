#include "protocol/crypto/slip10.h"

#include <gtest/gtest.h>

namespace orrery::chain {
namespace {

struct Step {
  const char *path, *chain_code, *secret, *key;
};

constexpr const char* kSeed1 = "000102030405060708090a0b0c0d0e0f";
// The published Ed25519 vectors 1 and 2.
constexpr Step kVector1[] = {
    {"m", "90046a93de5380a72b5e45010748567d5ea02bbf6522f979e05c0d8d8ca9fffb",
     "2b4be7f19ee27bbf30c667b642d5f4aa69fd169872f8fc3059c08ebae2eb19e7",
     "a4b2856bfec510abab89753fac1ac0e1112364e7d250545963f135f2a33188ed"},
    {"m/0'", "8b59aa11380b624e81507a27fedda59fea6d0b779a778918a2fd3590e16e9c69",
     "68e0fe46dfb67e368c75379acec591dad19df3cde26e63b93a8e704f1dade7a3",
     "8c8a13df77a28f3445213a0f432fde644acaa215fc72dcdf300d5efaa85d350c"},
    {"m/0'/1'", "a320425f77d1b5c2505a6b1b27382b37368ee640e3557c315416801243552f14",
     "b1d0bad404bf35da785a64ca1ac54b2617211d2777696fbffaf208f746ae84f2",
     "1932a5270f335bed617d5b935c80aedb1a35bd9fc1e31acafd5372c30f5c1187"},
    {"m/0'/1'/2'/2'/1000000000'",
     "68789923a0cac2cd5a29172a475fe9e0fb14cd6adb5ad98a3fa70333e7afa230",
     "8f94d394a8e8fd6b1bc2f3f49f5c47e385281d5c17e65324b0f62483e37e8793",
     "3c24da049451555d51a7014a37337aa4e12d41e485abccfa46b47dfb2af54b7a"},
};
constexpr const char* kSeed2 =
    "fffcf9f6f3f0edeae7e4e1dedbd8d5d2cfccc9c6c3c0bdbab7b4b1aeaba8a5a29f9c999693908d8a8784817e7b7875"
    "72"
    "6f6c696663605d5a5754514e4b484542";
constexpr Step kVector2[] = {
    {"m", "ef70a74db9c3a5af931b5fe73ed8e1a53464133654fd55e7a66f8570b8e33c3b",
     "171cb88b1b3c1db25add599712e36245d75bc65a1a5c9e18d76f9f2b1eab4012",
     "8fe9693f8fa62a4305a140b9764c5ee01e455963744fe18204b4fb948249308a"},
    {"m/0'/2147483647'", "138f0b2551bcafeca6ff2aa88ba8ed0ed8de070841f0c4ef0165df8181eaad7f",
     "ea4f5bfe8694d8bb74b7b59404632fd5968b774ed545e810de9c32a4fb4192f4",
     "5ba3b9ac6e90e83effcd25ac4e58a1365a9e35a3d3ae5eb07b9e4d90bcf7506d"},
    {"m/0'/2147483647'/1'/2147483646'/2'",
     "5d70af781f3a37b829f0d060924d5e960bdc02e85423494afc0b1a41bbe196d4",
     "551d333177df541ad876a60ea71f00447931c0a9da16f227c11ea080d7391b8d",
     "47150c75db263559a70d5778bf36abbab30fb061ad69f69ece61a72b0cfa4fc0"},
};

void expect_step(const char* seed, const Step& step) {
  const auto key = slip10_derive(*from_hex(seed), step.path);
  ASSERT_TRUE(key) << step.path;
  EXPECT_EQ(to_hex(ByteView(key->chain_code())), step.chain_code) << step.path;
  EXPECT_EQ(to_hex(ByteView(key->secret().seed())), step.secret) << step.path;
  EXPECT_EQ(key->key_pair().public_key().hex(), step.key) << step.path;
}

TEST(Slip10, MatchesThePublishedVectors) {
  for (const Step& step : kVector1) expect_step(kSeed1, step);
  for (const Step& step : kVector2) expect_step(kSeed2, step);
}

TEST(Slip10, RefusesPathsThatAreNotHardenedOrNotSpelledSo) {
  const Bytes seed = *from_hex(kSeed1);
  for (const char* path : {"", "0'", "m/", "m/0", "m/0'/1", "m/2147483648'", "m/-1'", "m/ 1'",
                           "m0'", "m/0''", "m/0'x", "m/99999999999999999999'"}) {
    EXPECT_FALSE(slip10_derive(seed, path)) << path;
  }
}

TEST(Slip10, RefusesSeedsOutsideTheStandardsSizes) {
  EXPECT_FALSE(slip10_derive(Bytes(15), "m"));
  EXPECT_TRUE(slip10_derive(Bytes(16), "m"));
  EXPECT_TRUE(slip10_derive(Bytes(64), "m"));
  EXPECT_FALSE(slip10_derive(Bytes(65), "m"));
}

}  // namespace
}  // namespace orrery::chain
