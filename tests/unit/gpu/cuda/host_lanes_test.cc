#include "gpu/cuda/host_lanes.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <numeric>
#include <vector>

namespace orrery::gpu {
namespace {

TEST(HostLanes, VisitsEachElementOnceAndFoldsAll) {
  for (const std::uint32_t count : {1u, 2u, 8u, 32u, 64u}) {
    const HostLanes lanes(count);
    for (const std::int32_t n : {0, 1, 5, 32, 33, 200}) {
      std::vector<int> seen(n);
      lanes.each(n, [&](std::int32_t i) { ++seen[i]; });
      EXPECT_EQ(seen, std::vector<int>(n, 1)) << count << " " << n;
      EXPECT_EQ(lanes.sum<std::int64_t>(n, [](std::int32_t i) { return std::int64_t{i}; }),
                std::int64_t{n} * (n - 1) / 2);
      EXPECT_EQ(lanes.max(n, [](std::int32_t i) { return std::uint64_t(1000 - i); }),
                n == 0 ? 0u : 1000u);
      std::int32_t sums[3];
      lanes.sums(n, sums, [](std::int32_t i, std::int32_t(&out)[3]) {
        out[0] += 1;
        out[2] -= i;
      });
      EXPECT_EQ(sums[0], n);
      EXPECT_EQ(sums[1], 0);
      EXPECT_EQ(sums[2], -n * (n - 1) / 2);
    }
  }
}

TEST(HostLanes, SumsOfFloatsHaveTheBitsOfOneLaneWhateverTheirNumber) {
  // Of all sizes, so that another order of additions is another sum.
  const auto value = [](std::int32_t i) {
    return std::ldexp(1.0f + 0.1f * static_cast<float>(i % 7), i * 37 % 41 - 20);
  };
  for (const std::int32_t n : {0, 1, 31, 32, 33, 64, 75, 1000}) {
    const float alone = exact::Solo{}.sum_f32(n, value);
    for (const std::uint32_t count : {1u, 2u, 8u, 32u, 64u}) {
      EXPECT_EQ(HostLanes(count).sum_f32(n, value), alone) << count << " " << n;
    }
  }
}

// The emulation is there to catch operations like this one, which is right on one lane only: an
// element reads what its neighbour wrote in the same sweep.
TEST(HostLanes, AnOperationThatReadsItsNeighbourGivesOtherBits) {
  const auto running_sum = [](const auto& group) {
    std::vector<std::int32_t> x(40, 1);
    group.each(39, [&](std::int32_t i) { x[i + 1] += x[i]; });
    return x;
  };
  const auto alone = running_sum(exact::Solo{});
  EXPECT_EQ(alone.back(), 40);
  for (const std::uint32_t count : {2u, 8u, 32u}) EXPECT_NE(running_sum(HostLanes(count)), alone);
}

}  // namespace
}  // namespace orrery::gpu
