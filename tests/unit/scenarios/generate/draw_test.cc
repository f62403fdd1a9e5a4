#include "scenarios/generate/draw.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>

#include "scenarios/schema/load.h"
#include "scenarios/schema/yaml_text.h"

namespace orrery::scenario {
namespace {

using Json = nlohmann::ordered_json;

// No names are given to the loader: its checks of behaviours and metrics are other tests' matter.
LoadOutcome load(const Json& document) { return load_text(document.dump(), "drawn"); }

Json drawn(std::uint64_t seed) {
  Json world = draw_world({.seed = seed});
  const LoadOutcome plain = load(world);
  EXPECT_TRUE(plain) << format(plain.error().front());
  world["timeline"] = draw_faults(seed, field_of(*plain));
  world["asserts"] = sound_asserts(Duration::minutes(10), plain->nodes.size());
  return world;
}

TEST(Draw, EverySeedGivesAScenarioThatLoads) {
  std::set<std::string> kinds;
  std::size_t calm = 0;
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    const Json document = drawn(seed);
    const LoadOutcome s = load(document);
    ASSERT_TRUE(s) << "seed " << seed << ": " << format(s.error().front()) << document.dump(1);
    EXPECT_GE(s->nodes.size(), 5u);
    EXPECT_LE(s->nodes.size(), 12u);
    calm += s->timeline.empty() ? 1 : 0;
    for (const FaultSpec& fault : s->timeline) {
      const std::string name = fault.name.substr(0, fault.name.rfind('-'));
      kinds.insert(name);
      if (fault.duration.ns == 0) continue;
      EXPECT_LE((fault.at + fault.duration).ns, calm_from(s->until - Time{}).ns) << fault.name;
    }
  }
  // Some worlds have no fault, and every kind comes.
  EXPECT_GT(calm, 0u);
  EXPECT_EQ(kinds.size(), fault_kinds().size());
}

TEST(Draw, TheSameSeedDrawsTheSameWorld) {
  EXPECT_EQ(drawn(7), drawn(7));
  EXPECT_NE(drawn(7), drawn(8));
}

TEST(Draw, HonestValidatorsKeepTwoThirds) {
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    const LoadOutcome s = load(drawn(seed));
    ASSERT_TRUE(s);
    std::size_t validators = 0;
    for (const NodeSpec& node : s->nodes) validators += node.role == Role::kValidator ? 1 : 0;
    std::set<std::uint32_t> bad;
    for (const FaultSpec& fault : s->timeline) {
      if (fault.kind != FaultKind::kBehave) continue;
      for (const std::uint32_t node : fault.targets) {
        if (s->nodes[node].role == Role::kValidator) bad.insert(node);
      }
    }
    EXPECT_GT(3 * (validators - bad.size()), 2 * validators) << "seed " << seed;
  }
}

TEST(YamlText, MeansTheSameScenario) {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    const Json document = drawn(seed);
    const std::string text = yaml_text(document.dump(), "two\nlines");
    EXPECT_TRUE(text.starts_with("# two\n# lines\norrery: 1\n"));
    const LoadOutcome from_yaml = load_text(text, "text");
    const LoadOutcome from_json = load(document);
    ASSERT_TRUE(from_yaml) << format(from_yaml.error().front()) << text;
    EXPECT_EQ(from_yaml->hash, from_json->hash) << text;
  }
}

}  // namespace
}  // namespace orrery::scenario
