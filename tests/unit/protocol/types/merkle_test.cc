#include "protocol/types/merkle.h"

#include <gtest/gtest.h>

namespace orrery::chain {
namespace {

std::vector<Hash256> hashed(const std::vector<const char*>& contents) {
  std::vector<Hash256> leaves;
  for (const char* c : contents) leaves.push_back(merkle_leaf(*from_hex(c)));
  return leaves;
}

std::vector<Hash256> numbered(std::size_t n) {
  std::vector<Hash256> leaves;
  for (std::size_t i = 0; i < n; ++i) leaves.push_back(merkle_leaf(Bytes{std::uint8_t(i)}));
  return leaves;
}

// The eight test leaves and roots that implementations of certificate transparency share.
TEST(Merkle, MatchesTheKnownRootsOfRfc6962Logs) {
  const std::vector<const char*> contents = {"",
                                             "00",
                                             "10",
                                             "2021",
                                             "3031",
                                             "40414243",
                                             "5051525354555657",
                                             "606162636465666768696a6b6c6d6e6f"};
  const std::vector<const char*> roots = {
      "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
      "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
      "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
      "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
      "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
      "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
      "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
      "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"};
  const std::vector<Hash256> leaves = hashed(contents);
  for (std::size_t n = 1; n <= 8; ++n) {
    EXPECT_EQ(to_hex(merkle_root(std::span(leaves).first(n))), roots[n - 1]) << n;
  }
}

TEST(Merkle, EmptyTreeHasARootOfItsOwn) {
  EXPECT_EQ(merkle_root({}), sha256(as_bytes("orrery/merkle/empty/1")));
  EXPECT_FALSE(merkle_verify({merkle_root({}), 0, 0}, merkle_root({}), {}));
}

TEST(Merkle, EveryLeafOfEverySizeVerifiesAndNoOtherLeafPositionOrPathDoes) {
  for (std::size_t n = 1; n <= 33; ++n) {
    const auto leaves = numbered(n);
    const Hash256 root = merkle_root(leaves);
    for (std::size_t i = 0; i < n; ++i) {
      auto path = merkle_path(leaves, i);
      EXPECT_TRUE(merkle_verify({root, n, i}, leaves[i], path));
      EXPECT_FALSE(merkle_verify({root, n, i}, merkle_leaf(Bytes{200}), path));
      for (std::size_t j = 0; j < n; ++j) {
        EXPECT_EQ(merkle_verify({root, n, j}, leaves[i], path), i == j)
            << n << " " << i << " " << j;
      }
      path.push_back(root);
      EXPECT_FALSE(merkle_verify({root, n, i}, leaves[i], path));
      path.pop_back();
      for (auto& sibling : path) {
        sibling.bytes[7] ^= 1;
        EXPECT_FALSE(merkle_verify({root, n, i}, leaves[i], path));
        sibling.bytes[7] ^= 1;
      }
      if (!path.empty()) {
        path.pop_back();
        EXPECT_FALSE(merkle_verify({root, n, i}, leaves[i], path));
      }
    }
  }
}

// A node hash offered as a leaf's content would prove an entry that is not there.
TEST(Merkle, AnInnerNodeIsNoLeaf) {
  const auto leaves = numbered(2);
  Bytes inner(leaves[0].bytes.begin(), leaves[0].bytes.end());
  inner.insert(inner.end(), leaves[1].bytes.begin(), leaves[1].bytes.end());
  EXPECT_NE(merkle_leaf(inner), merkle_root(leaves));
}

TEST(Merkle, VerifiesAtTheLargestSizeWithoutOverflow) {
  const std::vector<Hash256> path(64);
  EXPECT_FALSE(merkle_verify({Hash256{}, UINT64_MAX, UINT64_MAX - 1}, Hash256{}, path));
}

TEST(Merkle, PathsDecodeBounded) {
  const auto path = merkle_path(numbered(20), 13);
  Writer out;
  encode_merkle_path(out, path);
  Reader in(out.view());
  EXPECT_EQ(decode_merkle_path(in), path);
  EXPECT_TRUE(in.finish());
  Writer large;
  large.u32(65).raw(Bytes(65 * 32));
  Reader refused(large.view());
  decode_merkle_path(refused);
  EXPECT_FALSE(refused.ok());
}

}  // namespace
}  // namespace orrery::chain
