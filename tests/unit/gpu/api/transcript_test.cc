#include "gpu/api/transcript.h"

#include <gtest/gtest.h>

#include <vector>

#include "engine/base/ensure.h"

namespace orrery::gpu {
namespace {

constexpr std::uint32_t kDim = 3;

std::vector<std::int32_t> row_of(std::uint32_t position, std::uint32_t layer) {
  return {static_cast<std::int32_t>(position * 100 + layer), -7, 1 << 20};
}

Transcript make(std::uint32_t positions, std::uint32_t layers) {
  Transcript t(layers, kDim, true);
  for (std::uint32_t p = 0; p < positions; ++p) {
    for (std::uint32_t l = 0; l < layers; ++l) t.set({p, l, p + 40, row_of(p, l)});
  }
  return t;
}

TEST(Transcript, EveryLeafOpensInTreesOfEverySmallSize) {
  for (std::uint32_t positions = 1; positions <= 9; ++positions) {
    for (std::uint32_t layers = 1; layers <= 3; ++layers) {
      const Transcript t = make(positions, layers);
      const Hash256 root = t.root();
      for (std::uint32_t p = 0; p < positions; ++p) {
        for (std::uint32_t l = 0; l < layers; ++l) {
          EXPECT_TRUE(verify_row(root, {p, l, p + 40, t.row(p, l)}, layers, t.prove(p, l)));
        }
      }
    }
  }
}

TEST(Transcript, RootChangesWithEveryResidualTokenAndPlace) {
  const Hash256 root = make(5, 2).root();
  for (std::uint32_t p = 0; p < 5; ++p) {
    for (std::uint32_t l = 0; l < 2; ++l) {
      for (std::uint32_t i = 0; i < kDim; ++i) {
        Transcript t = make(5, 2);
        auto row = row_of(p, l);
        row[i] ^= 1;
        t.set({p, l, p + 40, row});
        EXPECT_NE(t.root(), root);
      }
      Transcript t = make(5, 2);
      t.set({p, l, p + 41, row_of(p, l)});
      EXPECT_NE(t.root(), root);
    }
  }
  EXPECT_NE(make(6, 2).root(), root);
  EXPECT_NE(make(2, 5).root(), root);
}

TEST(Transcript, TamperedOpeningsFail) {
  const Transcript t = make(7, 3);
  const Hash256 root = t.root();
  const auto row = row_of(4, 1);
  const TranscriptRow good{4, 1, 44, row};
  const MerkleProof proof = t.prove(4, 1);
  ASSERT_TRUE(verify_row(root, good, 3, proof));
  EXPECT_FALSE(verify_row(root, {4, 1, 45, row}, 3, proof));
  EXPECT_FALSE(verify_row(root, {4, 2, 44, row}, 3, proof));
  EXPECT_FALSE(verify_row(root, {4, 1, 44, row_of(4, 2)}, 3, proof));
  EXPECT_FALSE(verify_row(root, good, 2, proof));
  EXPECT_FALSE(verify_row(root, {1, 10, 44, row}, 3, proof));  // the same index, a layer too deep
  for (std::size_t i = 0; i < proof.siblings.size(); ++i) {
    MerkleProof bad = proof;
    bad.siblings[i].bytes[0] ^= 1;
    EXPECT_FALSE(verify_row(root, good, 3, bad));
  }
  MerkleProof longer = proof;
  longer.siblings.push_back(root);
  EXPECT_FALSE(verify_row(root, good, 3, longer));
  MerkleProof shorter = proof;
  shorter.siblings.pop_back();
  EXPECT_FALSE(verify_row(root, good, 3, shorter));
  MerkleProof resized = proof;
  resized.leaves += 1;
  EXPECT_FALSE(verify_row(root, good, 3, resized));
  MerkleProof moved = proof;
  moved.index += 1;
  EXPECT_FALSE(verify_row(root, good, 3, moved));
}

TEST(Transcript, ProofsRoundTripAndMalformedOnesAreRefused) {
  const MerkleProof proof = make(7, 3).prove(6, 2);
  const Bytes bytes = proof.encode();
  EXPECT_EQ(MerkleProof::decode(bytes), proof);
  for (std::size_t n = 0; n < bytes.size(); ++n) {
    EXPECT_FALSE(MerkleProof::decode(ByteView(bytes).first(n)));
  }
}

TEST(Transcript, RowsOfTheWrongShapeAreOurBug) {
  Transcript t(2, kDim, false);
  EXPECT_THROW(t.root(), EnsureFailure);
  EXPECT_THROW(t.set({0, 2, 0, row_of(0, 0)}), EnsureFailure);
  t.set({0, 0, 0, row_of(0, 0)});
  EXPECT_TRUE(t.row(0, 0).empty());
  EXPECT_THROW(t.prove(1, 0), EnsureFailure);
}

}  // namespace
}  // namespace orrery::gpu
