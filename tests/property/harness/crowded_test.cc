// More newcomers than the only known node has room for: each finds its way in, and then is quiet.
#include "tests/property/harness/small_world.h"

namespace orrery::run {
namespace {

constexpr std::uint32_t kNodes = 60;
constexpr std::uint32_t kMaxPeers = 8;
constexpr std::uint32_t kTargetPeers = 4;

TEST(Crowded, ANetworkBehindOneFullBootstrapNodeConnectsAndStopsDialling) {
  SmallWorld small;
  small.until = "3m";
  small.chain = fmt::format("  network: {{max_peers: {}, target_peers: {}}}", kMaxPeers,
                            kTargetPeers);
  std::string text = text_of(small);
  const std::string groups = "groups:\n";
  text.insert(text.find(groups) + groups.size(),
              fmt::format("  - {{name: full, role: full, count: {}}}\n", kNodes));
  const auto world = make(load(text));
  ASSERT_TRUE(world->run_until(Time{} + Duration::minutes(1)));
  const sim::Simulator& simulator = world->simulator();
  for (std::uint32_t n = 0; n < simulator.nodes(); ++n) {
    EXPECT_GE(world->node(n)->gossip().peers(), kTargetPeers) << "node " << n;
    EXPECT_LE(world->node(n)->gossip().peers(), kMaxPeers) << "node " << n;
  }
  ASSERT_TRUE(world->run_until(Time{} + Duration::minutes(3)));
  for (std::uint32_t n = 0; n < simulator.nodes(); ++n) {
    const std::uint64_t behind =
        world->node(0)->chain().head().height() - world->node(n)->chain().head().height();
    EXPECT_LE(behind, 1u) << "node " << n;
  }
  // A node that asks everybody for ever makes thousands of events a second.
  EXPECT_LT(simulator.events(), 180u * 20u * simulator.nodes());
  world->finish();
  EXPECT_EQ(objections(*world), "");
}

}  // namespace
}  // namespace orrery::run
