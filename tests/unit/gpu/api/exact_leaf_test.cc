#include "gpu/api/exact/leaf.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "engine/base/random.h"
#include "gpu/api/transcript.h"

namespace orrery::gpu::exact {
namespace {

// Lengths at which the padding of SHA-256 fits into the last block, just fits, and does not.
TEST(ExactLeaf, IsTheLeafOfTheTranscriptAtEveryLength) {
  RandomStream random(4, 0, stream_id("leaf"));
  for (std::uint32_t dim = 1; dim <= 70; ++dim) {
    std::vector<std::int32_t> row(dim);
    for (auto& v : row) v = static_cast<std::int32_t>(random.next());
    const auto position = static_cast<std::uint32_t>(random.next());
    const auto token = static_cast<std::uint32_t>(random.next());
    Hash256 got;
    leaf_hash({position, dim * 3, token, row.data(), dim}, got.bytes.data());
    EXPECT_EQ(got, transcript_leaf({position, dim * 3, token, row})) << dim;
  }
}

TEST(ExactLeaf, LeavesMadeElsewhereGiveTheSameRoot) {
  const std::vector<std::int32_t> row{7, -8, 9};
  Transcript hashed(2, 3, false);
  Transcript made(2, 3, false);
  for (std::uint32_t position = 0; position < 5; ++position) {
    for (std::uint32_t layer = 0; layer < 2; ++layer) {
      hashed.set({position, layer, position + 1, row});
      made.set_leaf(position, layer, transcript_leaf({position, layer, position + 1, row}));
    }
  }
  EXPECT_EQ(made.root(), hashed.root());
}

}  // namespace
}  // namespace orrery::gpu::exact
