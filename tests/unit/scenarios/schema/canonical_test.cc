#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>

#include "tests/unit/scenarios/schema/support.h"

namespace orrery::scenario {
namespace {

std::string hash_of(const std::string& text) {
  const LoadOutcome s = load_text(text, "x.yaml", options());
  EXPECT_TRUE(s) << all_messages(s);
  return s ? to_hex(s->hash) : "";
}

TEST(CanonicalForm, IgnoresCommentsKeyOrderAndSpelling) {
  const std::string hash = hash_of(kSmall);
  EXPECT_EQ(hash_of("# a comment\n" + kSmall), hash);
  EXPECT_EQ(hash_of(edited("orrery: 1\nname: small\n", "name: \"small\"\norrery: 1\n")), hash);
  EXPECT_EQ(hash_of(edited("until: 10m", "until: 600s")), hash);
  EXPECT_EQ(hash_of(edited("5000 AIGEN", "5000.0 AIGEN")), hash);
  EXPECT_EQ(hash_of(edited("{eu: 1, asia: 1}", "{asia: 1, eu: 1}")), hash);
  EXPECT_EQ(
      hash_of(edited("{name: boot, role: bootstrap}", "{role: bootstrap, name: boot, count: 1}")),
      hash);
  EXPECT_EQ(hash_of(edited("rate: 1/m", "rate: 60/h")), hash);
  EXPECT_EQ(hash_of(edited("role(validator)", "group(val)")), hash);
  EXPECT_EQ(hash_of(edited("\"role(miner)\"", "\"${who}\"") + "vars: {who: group(workers)}\n"),
            hash);
  EXPECT_EQ(hash_of(kSmall + "chain: {consensus: {slot: 1000ms}}\n"), hash)
      << "a default spelt out";
}

TEST(CanonicalForm, ChangesWithEveryValue) {
  const std::pair<const char*, const char*> edits[] = {
      {"name: small", "name: smell"},
      {"seed: 5", "seed: 6"},
      {"until: 10m", "until: 11m"},
      {"name: tiny", "name: teeny"},
      {"count: 10", "count: 11"},
      {"5000 AIGEN", "5001 AIGEN"},
      {"region: eu", "region: asia"},
      {"eu: 1, asia: 1", "eu: 1, asia: 5"},
      {"100 AIGEN", "101 AIGEN"},
      {"median=40ms", "median=41ms"},
      {"sigma=0.5", "sigma=0.51"},
      {"max=2s", "max=3s"},
      {"90ms", "91ms"},
      {"rate: 1/m", "rate: 2/m"},
      {"t+2m", "t+3m"},
      {"for: 30s", "for: 31s"},
      {"role(miner)", "group(workers)[0..3]"},
      {"30%", "40%"},
      {"restart_after: 20s", "restart_after: 21s"},
      {"name: heals", "name: healed"},
      {"increases", "> 5"},
      {"within: 60s", "within: 61s"},
      {"split.end", "split.begin"},
  };
  std::map<std::string, std::string> seen{{hash_of(kSmall), "nothing"}};
  for (const auto& [from, to] : edits) {
    const auto [other, fresh] = seen.try_emplace(hash_of(edited(from, to)), to);
    EXPECT_TRUE(fresh) << to << " hashes like " << other->second;
  }
}

TEST(CanonicalForm, ChangesWithEveryParameterOfTheChain) {
  const std::pair<const char*, const char*> values[] = {
      {"id", "other-1"},
      {"token.supply", "900000000 AIGEN"},
      {"token.team_vesting", "10d"},
      {"rewards.emission", "111ppb"},
      {"rewards.producer_weight", "61"},
      {"fees.base_fee", "0.002 AIGEN"},
      {"stake.minimum", "999 AIGEN"},
      {"stake.unbonding_blocks", "61"},
      {"stake.slash_equivocation", "51%"},
      {"consensus.tie_rule", "uniform"},
      {"consensus.finality", "none"},
      {"consensus.vote_delay", "2s"},
      {"consensus.max_block_bytes", "2MB"},
      {"consensus.max_block_gas", "100"},
      {"work.replicas", "2"},
      {"work.audit", "26%"},
      {"work.audit_all_above", "2 AIGEN"},
      {"work.credit_unit", "7"},
      {"mempool.max_per_sender", "65"},
      {"network.heartbeat", "11s"},
  };
  std::map<std::string, std::string> seen{{hash_of(kSmall), "nothing"}};
  for (const auto& [key, value] : values) {
    LoadOptions with = options();
    with.overrides = {{std::string("chain.") + key, value}};
    const LoadOutcome s = load_small("", with);
    ASSERT_TRUE(s) << all_messages(s);
    EXPECT_TRUE(seen.try_emplace(to_hex(s->hash), key).second) << key;
  }
}

TEST(CanonicalForm, TellsHowOftenRareThingsAreDone) {
  EXPECT_EQ(load_small("debug: {buggify: 0%}\n")->hash, load_small()->hash);
  EXPECT_NE(load_small("debug: {buggify: 1%}\n")->hash, load_small()->hash);
  EXPECT_NE(load_small("debug: {buggify: 1%}\n")->hash,
            load_small("debug: {buggify: 2%}\n")->hash);
}

TEST(CanonicalForm, HoldsEveryMemberOfTheResolvedScenario) {
  const LoadOutcome s = load_small("debug: {buggify: 1%}\n");
  ASSERT_TRUE(s) << all_messages(s);
  const auto json = nlohmann::json::parse(s->canonical_json);
  // Not the path, the canonical form itself and its hash; but the version of the language.
  EXPECT_EQ(json.size(), member_count<Scenario>() - 3 + 1);
  EXPECT_EQ(json["nodes"][0].size(), member_count<NodeSpec>());
  EXPECT_EQ(json["models"][0].size(), member_count<ModelSpec>());
  EXPECT_EQ(json["devices"][0].size(), member_count<DeviceSpec>());
  EXPECT_EQ(json["network"]["default"].size(), member_count<LinkSpec>());
  EXPECT_EQ(json["network"]["default"]["latency"].size(), member_count<DistributionSpec>());
  EXPECT_EQ(json["network"]["between"][0].size(), member_count<NetworkSpec::Override>());
  EXPECT_EQ(json["load"][0].size(), member_count<LoadSpec>());
  EXPECT_EQ(json["timeline"][0].size(), member_count<FaultSpec>());
  EXPECT_EQ(json["asserts"][0].size(), member_count<AssertSpec>() - 1) << "all but the text";
}

TEST(CanonicalForm, IsSortedJsonWithExpandedNodes) {
  const LoadOutcome s = load_small();
  ASSERT_TRUE(s) << all_messages(s);
  EXPECT_EQ(s->canonical_json.rfind("{\"about\":", 0), 0u);
  EXPECT_NE(s->canonical_json.find("\"name\":\"workers-9\""), std::string::npos);
  EXPECT_NE(s->canonical_json.find("\"stake\":\"5000000000000000000000\""), std::string::npos);
  EXPECT_EQ(to_hex(sha256(as_bytes(s->canonical_json))), to_hex(s->hash));
}

}  // namespace
}  // namespace orrery::scenario
