#include "engine/sim/topology.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <set>

#include "tests/unit/engine/sim/script_node.h"

namespace orrery::sim {
namespace {

RandomStream draws(std::uint64_t seed) { return RandomStream(seed, 0, 1); }

std::vector<std::uint32_t> degrees(std::uint32_t n, const Pairs& pairs) {
  std::vector<std::uint32_t> degree(n);
  for (const auto& [a, b] : pairs) {
    EXPECT_LT(a, b);
    EXPECT_LT(b, n);
    ++degree[a];
    ++degree[b];
  }
  EXPECT_EQ(std::set(pairs.begin(), pairs.end()).size(), pairs.size());
  EXPECT_TRUE(is_connected(n, pairs));
  return degree;
}

TEST(Topology, ARandomRegularGraphGivesEachNodeItsDegree) {
  for (const auto& [n, degree] : {std::pair(10u, 3u), {50u, 4u}, {7u, 6u}, {1000u, 8u}, {5u, 2u}}) {
    const auto pairs = random_regular(n, degree, draws(n));
    ASSERT_TRUE(pairs) << pairs.error().message;
    EXPECT_EQ(degrees(n, *pairs), std::vector<std::uint32_t>(n, degree));
  }
  EXPECT_NE(*random_regular(50, 4, draws(1)), *random_regular(50, 4, draws(2)));
  EXPECT_EQ(*random_regular(50, 4, draws(1)), *random_regular(50, 4, draws(1)));
}

TEST(Topology, ARandomRegularGraphUsesEveryPairAboutAsOften) {
  // 6 nodes of degree 3: each of 15 pairs with chance 3/5.
  std::vector<int> seen(36);
  for (std::uint64_t seed = 0; seed < 500; ++seed) {
    const auto pairs = random_regular(6, 3, draws(seed));
    ASSERT_TRUE(pairs);
    for (const auto& [a, b] : *pairs) ++seen[a * 6 + b];
  }
  for (std::uint32_t a = 0; a < 6; ++a) {
    for (std::uint32_t b = a + 1; b < 6; ++b) EXPECT_NEAR(seen[a * 6 + b], 300, 55);
  }
}

TEST(Topology, ASmallWorldIsARingUntilItIsRewired) {
  const auto ring = small_world(20, 4, 0, draws(1));
  ASSERT_TRUE(ring);
  EXPECT_EQ(degrees(20, *ring), std::vector<std::uint32_t>(20, 4));
  for (const auto& [a, b] : *ring) EXPECT_TRUE(b - a <= 2 || b - a >= 18) << a << " " << b;
  const auto rewired = small_world(1000, 6, 100'000, draws(1));
  ASSERT_TRUE(rewired);
  EXPECT_EQ(rewired->size(), 3000u);
  degrees(1000, *rewired);
  const auto far = std::count_if(rewired->begin(), rewired->end(), [](const auto& p) {
    return p.second - p.first > 3 && p.second - p.first < 997;
  });
  EXPECT_NEAR(static_cast<double>(far), 298, 80);  // of 3000, a tenth; few land nearby again
}

TEST(Topology, AScaleFreeGraphHasHubs) {
  const auto pairs = scale_free(2000, 3, draws(4));
  ASSERT_TRUE(pairs);
  auto degree = degrees(2000, *pairs);
  EXPECT_EQ(pairs->size(), 6u + 3u * 1996u);
  EXPECT_EQ(*std::min_element(degree.begin(), degree.end()), 3u);
  // P(degree >= k) is about m(m+1)/(k(k+1)): 12/(20*21) of 2000 are 57 at 20 and above.
  const auto hubs = std::count_if(degree.begin(), degree.end(), [](auto d) { return d >= 20; });
  EXPECT_NEAR(static_cast<double>(hubs), 57, 30);
}

TEST(Topology, WhatCannotBeIsRefused) {
  EXPECT_FALSE(random_regular(5, 3, draws(1)));  // an odd number of ends
  EXPECT_FALSE(random_regular(5, 5, draws(1)));
  EXPECT_FALSE(small_world(10, 3, 0, draws(1)));
  EXPECT_FALSE(scale_free(3, 3, draws(1)));
  const Duration ms = Duration::millis(1);
  EXPECT_FALSE(Topology::make(2, {{0, 1, ms}}));  // no way back
  EXPECT_FALSE(Topology::make(2, {{0, 1, ms}, {1, 0, Duration{}}}));
  EXPECT_FALSE(Topology::make(2, {{0, 1, ms}, {1, 2, ms}}));
  EXPECT_TRUE(Topology::make(2, {{0, 1, ms}, {1, 0, ms}}));
}

TEST(Topology, APathIsTheShortestOneAndMayDifferByDirection) {
  auto made = Topology::make(4, {{0, 1, Duration::millis(1)},
                                 {1, 2, Duration::millis(2)},
                                 {0, 2, Duration::millis(10)},
                                 {2, 3, Duration::millis(4)},
                                 {3, 0, Duration::millis(8)}});
  ASSERT_TRUE(made);
  Topology& topology = **made;
  EXPECT_EQ(topology.path(0, 2), Duration::millis(3));
  EXPECT_EQ(topology.path(0, 3), Duration::millis(7));
  EXPECT_EQ(topology.path(3, 2), Duration::millis(11));
  EXPECT_EQ(topology.path(2, 0), Duration::millis(12));
  EXPECT_EQ(topology.path(1, 1), Duration{});
}

TEST(Topology, MessagesTakeThePathUnlessALinkHasALatencyOfItsOwn) {
  TestWorld world({.default_link = constant_link(Duration::millis(50))});
  for (int i = 0; i < 3; ++i) world.add(i == 0 ? Script{} : dials("sim/0"));
  world.simulator->set_topology(*Topology::make(3, {{0, 1, Duration::millis(3)},
                                                    {1, 0, Duration::millis(3)},
                                                    {1, 2, Duration::millis(4)},
                                                    {2, 1, Duration::millis(4)}}));
  world.run(Duration::seconds(1));
  EXPECT_EQ(world.all<env::PeerUp>(1).at(0).first, Time{Duration::millis(6).ns});
  EXPECT_EQ(world.all<env::PeerUp>(2).at(0).first, Time{Duration::millis(14).ns});
  const auto sent = [&](Duration from) {
    world.run(from);
    world.env(2).transport.send({0}, env::Channel::kReliable, buffer("x"));
    world.run(from + Duration::seconds(1));
    return world.all<env::MessageIn>(0).back().first - Time{from.ns};
  };
  EXPECT_EQ(sent(Duration::seconds(1)), Duration::millis(7));
  must(world.simulator->begin_link({1, 5}, {{2, 0}}, constant_link(Duration::millis(200))));
  EXPECT_EQ(sent(Duration::seconds(2)), Duration::millis(200));
  world.simulator->end_link({1, 5});
  LinkModel slow = constant_link(Duration::millis(50));
  slow.jitter = Duration{1};  // a fault that says nothing about latency keeps the path
  must(world.simulator->begin_link({2, 5}, {{2, 0}}, slow));
  EXPECT_EQ(sent(Duration::seconds(4)), Duration::millis(7));
}

}  // namespace
}  // namespace orrery::sim
