#include <gtest/gtest.h>

#include <limits>

#include "engine/base/random.h"
#include "gpu/fast/toploc.h"

namespace orrery::gpu {
namespace {

std::vector<float> values(std::uint64_t seed, std::size_t count = 32 * 96) {
  RandomStream random(seed, 0, stream_id("toploc test"));
  std::vector<float> out(count);
  for (float& v : out) {
    v = static_cast<float>(static_cast<std::int32_t>(random.next())) * 0x1p-29f;
  }
  return out;
}

TEST(Toploc, CommitsToAWindowIn258Bytes) {
  const auto claim = toploc_commit(values(1));
  ASSERT_TRUE(claim);
  const Bytes bytes = claim->encode();
  EXPECT_EQ(bytes.size(), 258u);
  EXPECT_EQ(*ToplocCommitment::decode(bytes), *claim);
  const auto same = toploc_distance(*claim, values(1));
  ASSERT_TRUE(same);
  EXPECT_EQ(same->compared, 128u);
  EXPECT_EQ(same->exponents, 128u) << "the polynomial goes through every point";
  EXPECT_EQ(same->mean_mantissa, 0);
  EXPECT_TRUE(accepts({}, *same));
}

TEST(Toploc, TakesTheLargestMagnitudesWithTheirSigns) {
  std::vector<float> v(500, 0.25f);
  v[7] = -64.0f;
  v[450] = 32.0f;
  const auto claim = toploc_commit(v);
  v[7] = 64.0f;    // the sign
  v[450] = 32.5f;  // two steps of a mantissa
  const auto off = toploc_distance(*claim, v);
  EXPECT_EQ(off->exponents, 127u);
  EXPECT_NEAR(off->mean_mantissa, 2.0 / 127, 1e-9);
}

TEST(Toploc, AcceptsRoundingAndRejectsOtherValues) {
  const std::vector<float> honest = values(1);
  const auto claim = toploc_commit(honest);
  std::vector<float> rounded = honest;
  RandomStream random(5, 0, stream_id("toploc noise"));
  for (float& v : rounded) v *= 1.0f + (static_cast<float>(random.below(2001)) - 1000.0f) * 1e-5f;
  EXPECT_TRUE(accepts({}, *toploc_distance(*claim, rounded)));
  EXPECT_FALSE(accepts({}, *toploc_distance(*claim, values(2))));
  EXPECT_FALSE(accepts({}, *toploc_distance(*claim, std::vector<float>(honest.size(), 0.0f))));
  const auto zeros = toploc_commit(std::vector<float>(honest.size(), 0.0f));
  EXPECT_FALSE(accepts({}, *toploc_distance(*zeros, honest)));
}

TEST(Toploc, TakesWindowsSmallerThanItsNumberOfValues) {
  const auto claim = toploc_commit(values(1, 20));
  EXPECT_EQ(claim->coefficients.size(), 20u);
  EXPECT_EQ(toploc_distance(*claim, values(1, 20))->exponents, 20u);
  EXPECT_FALSE(toploc_distance(*claim, values(1)));
}

TEST(Toploc, RefusesWhatIsNoNumberAndNoCommitment) {
  std::vector<float> v = values(1);
  v[3] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(toploc_commit(v).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(toploc_commit({}).error().code, ErrorCode::kInvalidArgument);
  Bytes bytes = toploc_commit(values(1))->encode();
  EXPECT_FALSE(ToplocCommitment::decode(ByteView(bytes).first(257)));
  EXPECT_FALSE(ToplocCommitment::decode(ByteView(bytes).first(2)));
  Bytes outside = bytes;
  outside[10] = outside[11] = 0xff;
  EXPECT_EQ(ToplocCommitment::decode(outside).error().code, ErrorCode::kMalformed);
  bytes[0] = bytes[1] = 0;
  EXPECT_FALSE(ToplocCommitment::decode(bytes));
}

}  // namespace
}  // namespace orrery::gpu
