#include "scenarios/schema/load.h"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <set>

#include "scenarios/schema/describe.h"
#include "scenarios/schema/selector.h"
#include "tests/unit/scenarios/schema/support.h"

namespace orrery::scenario {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(Load, FillsTheScenarioFromTheFile) {
  const LoadOutcome s = load_small();
  ASSERT_TRUE(s) << all_messages(s);
  EXPECT_EQ(s->name, "small");
  EXPECT_EQ(s->until.ns, 600'000'000'000);
  ASSERT_EQ(s->nodes.size(), 21u);
  EXPECT_EQ(s->nodes[1].name, "val-0");
  EXPECT_EQ(s->nodes[1].region, "eu");
  EXPECT_TRUE(s->nodes[1].stake == 5000 * chain::kToken);
  EXPECT_EQ(s->nodes[20].role, Role::kUser);
  EXPECT_EQ(s->devices.size(), 1u);
  EXPECT_EQ(s->network.link.latency.kind, DistributionKind::kLognormal);
  EXPECT_EQ(s->network.link.latency.max, 2'000'000'000);
  ASSERT_EQ(s->network.overrides.size(), 1u);
  EXPECT_EQ(s->network.overrides[0].link.latency.a, 90'000'000);
  ASSERT_EQ(s->load.size(), 1u);
  EXPECT_THAT(s->load[0].users, ElementsAre(15, 16, 17, 18, 19, 20));
  EXPECT_EQ(s->load[0].mean_interval_ns, 60'000'000'000);
  EXPECT_EQ(s->load[0].model, "tiny");
  EXPECT_EQ(s->load[0].stop, s->until);
  ASSERT_EQ(s->timeline.size(), 2u);
  EXPECT_THAT(s->timeline[0].sides[0], ElementsAre(1, 2, 3, 4));
  EXPECT_EQ(s->timeline[1].name, "crash-2");
  EXPECT_EQ(s->timeline[1].targets.size(), 3u);
  EXPECT_EQ(s->timeline[1].duration, Duration::seconds(20));
  ASSERT_EQ(s->asserts.size(), 1u);
  EXPECT_EQ(s->asserts[0].op, "increases");
  EXPECT_EQ(s->asserts[0].after_time.ns, 150'000'000'000);
}

TEST(Load, WhatOnlyALiveNetworkHeedsIsPartOfTheScenario) {
  const LoadOutcome plain = load_small();
  const LoadOutcome s = load_small("live: {restart: false, provider: netns, flight_log: false}\n");
  ASSERT_TRUE(s) << all_messages(s);
  EXPECT_TRUE(plain->live.restart);
  EXPECT_TRUE(plain->live.flight_log);
  EXPECT_EQ(plain->live.provider, LiveProvider::kProcess);
  EXPECT_FALSE(s->live.restart);
  EXPECT_FALSE(s->live.flight_log);
  EXPECT_EQ(s->live.provider, LiveProvider::kNetns);
  EXPECT_NE(s->hash, plain->hash);
}

TEST(Load, ATrainedModelBringsItsShapeAndItsDigest) {
  const LoadOutcome seeded = load_small();
  const LoadOutcome s =
      load_text(edited("  - name: tiny\n", "  - {name: tiny, generator: trained-0.3M}\n"), "x.yaml",
                options());
  ASSERT_TRUE(s) << all_messages(s);
  EXPECT_EQ(s->models[0].dim, 96u);
  EXPECT_EQ(s->models[0].heads, 3u);
  EXPECT_EQ(s->models[0].context, 256u);
  EXPECT_NE(s->canonical_json.find("7f157caecab043a6"), std::string::npos) << "of the weights";
  EXPECT_EQ(seeded->canonical_json.find("artefact"), std::string::npos);
}

TEST(Load, KeepsEveryDefaultOfTheChainThatTheFileDoesNotName) {
  const LoadOutcome s = load_small("chain: {work: {audit: 50%}, stake: {minimum: 2000 AIGEN}}\n");
  ASSERT_TRUE(s) << all_messages(s);
  const chain::ChainParams d;
  EXPECT_EQ(s->chain.work.audit_ppm, 500'000u);
  EXPECT_TRUE(s->chain.stake.minimum == 2000 * chain::kToken);
  EXPECT_EQ(s->chain.rewards.emission_ppb, d.rewards.emission_ppb);
  EXPECT_EQ(s->chain.token.team_vesting, d.token.team_vesting);
  EXPECT_TRUE(s->chain.token.supply == d.token.supply);
  EXPECT_EQ(s->chain.work.credit_unit, d.work.credit_unit);
}

TEST(Load, ScalesDefaultAmountsToTheDecimalsOfTheToken) {
  std::string text = kSmall;
  for (std::size_t at; (at = text.find("AIGEN")) != std::string::npos;) text.replace(at, 5, "AIN");
  const LoadOutcome s =
      load_text(text + "chain: {token: {symbol: AIN, decimals: 6}}\n", "x.yaml", options());
  ASSERT_TRUE(s) << all_messages(s);
  EXPECT_TRUE(s->chain.fees.price_per_1000_tokens == 1'000'000u);
  EXPECT_TRUE(s->chain.fees.base_fee == 1'000u);
  EXPECT_TRUE(s->chain.token.supply == u128{1'000'000'000} * 1'000'000);
  EXPECT_TRUE(s->nodes[1].stake == u128{5'000} * 1'000'000);
}

TEST(Load, SpendsTheSalePoolToTheLastBaseUnitAndNoFurther) {
  LoadOptions with = options();
  // 4 * 50,100 + 4 * 10,100 + 4 * 37,439,800 is 15 % of the supply; one base unit more is refused
  // by negative/sale-pool.yaml.
  with.overrides = {{"groups.users.balance", "37439800 AIGEN"}};
  const LoadOutcome s = load_file(root() + "/scenarios/library/parts/small.yaml", with);
  EXPECT_TRUE(s) << all_messages(s);
}

TEST(Load, ReportsAllProblemsInOrderOfThePage) {
  const LoadOutcome s = load_text(
      "orrery: 1\nname: x\nuntil: 10\nmodels:\n  - name: a\n    dims: 8\ngroups:\n"
      "  - {name: a, role: minner}\n",
      "x.yaml", options());
  ASSERT_FALSE(s);
  ASSERT_EQ(s.error().size(), 3u) << all_messages(s);
  EXPECT_EQ(s.error()[0].line, 3);
  EXPECT_EQ(s.error()[1].path, "models.a.dims");
  EXPECT_EQ(format(s.error()[2]),
            "x.yaml:8:21: groups.a.role: unknown value 'minner' (did you mean 'miner'?); one of: "
            "bootstrap, validator, miner, user, full");
}

TEST(Load, RefusesSeededBugsInBuildsWithoutThem) {
#ifndef ORRERY_SEEDED_BUGS
  EXPECT_THAT(all_messages(load_small("debug: {seeded_bug: double-spend}\n")),
              HasSubstr("needs a build with seeded bugs"));
#else
  const LoadOutcome s = load_small("debug: {seeded_bug: double-spend}\n");
  ASSERT_TRUE(s) << all_messages(s);
  EXPECT_EQ(s->seeded_bug, "double-spend");
  EXPECT_THAT(all_messages(load_small("debug: {seeded_bug: doublespend}\n")),
              HasSubstr("did you mean 'double-spend'?"));
#endif
}

TEST(Load, AcceptsJsonAsTheSameLanguage) {
  const LoadOutcome yaml = load_text(
      "orrery: 1\nname: j\nuntil: 1m\nmodels: [{name: m}]\ngroups:\n- {name: b, role: bootstrap}\n"
      "- {name: v, role: validator, stake: 1000 AIGEN, balance: 100 AIGEN}\n"
      "- {name: w, role: miner, count: 2, stake: 1000 AIGEN, balance: 100 AIGEN}\n",
      "j.yaml", options());
  const LoadOutcome json = load_text(
      R"({"orrery": 1, "name": "j", "until": "1m", "models": [{"name": "m"}], "groups": [
          {"name": "b", "role": "bootstrap"},
          {"name": "v", "role": "validator", "stake": "1000 AIGEN", "balance": "100 AIGEN"},
          {"name": "w", "role": "miner", "count": 2, "stake": "1000 AIGEN",
           "balance": "100 AIGEN"}]})",
      "j.json", options());
  ASSERT_TRUE(yaml) << all_messages(yaml);
  ASSERT_TRUE(json) << all_messages(json);
  EXPECT_EQ(yaml->canonical_json, json->canonical_json);
}

// --- overrides
// -------------------------------------------------------------------------------------

LoadOutcome load_with(std::vector<Override> overrides, const std::string& more = "") {
  LoadOptions with = options();
  with.overrides = std::move(overrides);
  return load_small(more, with);
}

TEST(Overrides, ReachKeysItemsAndVariables) {
  const LoadOutcome s = load_with({{"chain.consensus.slot", "2s"},
                                   {"groups.workers.count", "3"},
                                   {"groups.0.count", "2"},
                                   {"seed", "77"},
                                   {"until", "20m"},
                                   {"vars.x", "8"},
                                   {"timeline.split.for", "1m"},
                                   {"network.latency", "uniform(1ms, 2ms)"}},
                                  "vars: {x: 4}\nmetrics: {every: \"${x}s\"}\n");
  ASSERT_TRUE(s) << all_messages(s);
  EXPECT_EQ(s->chain.consensus.slot, Duration::seconds(2));
  EXPECT_EQ(s->nodes.size(), 2u + 4 + 3 + 6);
  EXPECT_EQ(s->seed, 77u);
  EXPECT_EQ(s->until.ns, 1'200'000'000'000);
  EXPECT_EQ(s->metrics_every, Duration::seconds(8));
  EXPECT_EQ(s->timeline[0].duration, Duration::seconds(60));
  EXPECT_EQ(s->network.link.latency.b, 2'000'000);
}

TEST(Overrides, AreCheckedLikeTheFileAndNamedInTheMessage) {
  EXPECT_EQ(all_messages(load_with({{"chain.consensus.slotts", "2s"}})),
            "--set chain.consensus.slotts:1:1: chain.consensus.slotts: unknown key 'slotts' "
            "(did you mean 'slot'?)\n");
  EXPECT_EQ(
      all_messages(load_with({{"until", "20"}})),
      "--set until:1:1: until: '20' has no unit: expected a duration such as 250ms or 1h30m\n");
  EXPECT_EQ(all_messages(load_with({{"groups.wrokers.count", "2"}})),
            "--set groups.wrokers.count:1:1: groups: no item named 'wrokers' (did you mean "
            "'workers'?)\n");
  EXPECT_THAT(all_messages(load_with({{"seed.x", "2"}})), HasSubstr("has no keys below it"));
  EXPECT_THAT(all_messages(load_with({{"", "2"}})), HasSubstr("expected a key"));
  EXPECT_THAT(all_messages(load_with({{"seed", ""}})), HasSubstr("--set seed:1:1"));
}

// --- includes and variables
// --------------------------------------------------------------------------

class Includes : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto* info = ::testing::UnitTest::GetInstance()->current_test_info();
    folder_ = std::filesystem::path(::testing::TempDir()) /
              (std::string("orrery_includes_") + info->name());
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_ / "sub");
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  void write(const std::string& name, const std::string& text) {
    std::ofstream(folder_ / name) << text;
  }
  LoadOutcome load(const std::string& name) {
    return load_file((folder_ / name).string(), options());
  }
  std::filesystem::path folder_;
};

TEST_F(Includes, MergeMapsAndNamedListsAndReplaceOtherLists) {
  write("sub/base.yaml", kSmall);
  write("sub/more.yaml", "include: base.yaml\nseed: 9\nchain: {work: {replicas: 2}}\n");
  write("top.yaml",
        "include: [sub/more.yaml]\nname: top\nchain: {work: {audit: 10%}}\n"
        "groups:\n  - {name: workers, count: 2}\n  - {name: late, role: full}\n"
        "timeline: []\nasserts: []\n");
  const LoadOutcome s = load("top.yaml");
  ASSERT_TRUE(s) << all_messages(s);
  EXPECT_EQ(s->name, "top");
  EXPECT_EQ(s->seed, 9u);
  EXPECT_EQ(s->chain.work.replicas, 2u);
  EXPECT_EQ(s->chain.work.audit_ppm, 100'000u);
  EXPECT_EQ(s->nodes.size(), 1u + 4 + 2 + 6 + 1);
  EXPECT_TRUE(s->nodes[5].stake == 2000 * chain::kToken) << "kept from the included item";
  EXPECT_EQ(s->nodes.back().name, "late-0");
  EXPECT_TRUE(s->timeline.empty());
}

TEST_F(Includes, PointErrorsAtTheFileThatHoldsThem) {
  write("sub/base.yaml", edited("until: 10m", "until: 10"));
  write("top.yaml", "include: sub/base.yaml\nseed: x\n");
  const LoadOutcome s = load("top.yaml");
  ASSERT_FALSE(s);
  ASSERT_EQ(s.error().size(), 2u) << all_messages(s);
  EXPECT_EQ(s.error()[0].file, (folder_ / "top.yaml").string());
  EXPECT_EQ(s.error()[0].line, 2);
  EXPECT_EQ(s.error()[1].file, (folder_ / "sub/base.yaml").string());
  EXPECT_EQ(s.error()[1].line, 4);
}

TEST_F(Includes, RefuseCirclesOverSeveralFiles) {
  write("a.yaml", "include: b.yaml\n" + kSmall);
  write("b.yaml", "include: sub/../a.yaml\n");
  EXPECT_THAT(all_messages(load("a.yaml")), HasSubstr("b.yaml:1:10: include: "));
}

TEST_F(Includes, ReportAFileThatIsNotThere) {
  EXPECT_THAT(all_messages(load("nowhere.yaml")), HasSubstr("nowhere.yaml:1:1: cannot read"));
  EXPECT_THAT(all_messages(load("sub")), HasSubstr("cannot read"));
}

TEST(Variables, ComputeExactlyWithUnits) {
  const LoadOutcome s = load_text(
      "vars: {n: 9, share: \"${n} \", gap: 90s, bond: 1500 AIGEN, half: \"${gap / 2}\", who: "
      "group(users)}\n"
      "orrery: 1\nname: v\nuntil: \"${gap * n + 500ms}\"\nmodels: [{name: m}]\n"
      "groups:\n  - {name: b, role: bootstrap}\n"
      "  - {name: v, role: validator, count: \"${(n - 1) / 2}\", stake: \"${bond * 2 - 0.5 "
      "AIGEN}\", balance: 100 AIGEN}\n"
      "  - {name: w, role: miner, count: \"${n}\", stake: \"${bond}\", balance: 100 AIGEN}\n"
      "  - {name: users, role: user, balance: 5 AIGEN}\n"
      "load: [{name: c, users: \"${who}\", rate: \"${n / 3}/m\", start: \"t+${half}\"}]\n"
      "network: {loss: \"${n * 2%}\"}\n",
      "v.yaml", options());
  ASSERT_TRUE(s) << all_messages(s);
  EXPECT_EQ(s->until.ns, 810'500'000'000);
  EXPECT_EQ(s->nodes.size(), 1u + 4 + 9 + 1);
  EXPECT_EQ(to_decimal(s->nodes[1].stake), "2999500000000000000000");
  EXPECT_EQ(s->load[0].mean_interval_ns, 20'000'000'000);
  EXPECT_EQ(s->load[0].start.ns, 45'000'000'000);
  EXPECT_EQ(s->network.link.loss_ppm, 180'000u);
}

TEST(Variables, RefuseNonsense) {
  for (const char* value : {"${", "${}", "${1 +}", "${(1}", "${1)}", "${1 / 0}", "${nothing}",
                            "${5s * 5s}", "${1s + 1}", "${word * 2}", "${1 / 7}",
                            "${99999999999999999999999999999999 * 99999999999}"}) {
    const LoadOutcome s = load_text(
        edited("until: 10m", std::string("until: \"") + value + "\"") + "vars: {word: abc}\n",
        "v.yaml", options());
    ASSERT_FALSE(s) << value;
    EXPECT_EQ(s.error().front().path, "until") << value << "\n" << all_messages(s);
    EXPECT_EQ(s.error().front().line, 4) << value;
  }
}

// --- selectors and draws
// ------------------------------------------------------------------------------

std::vector<std::uint32_t> select(const Scenario& s, std::string_view text,
                                  std::string_view path = "p") {
  auto set = select_nodes(text, {.nodes = s.nodes, .seed = s.seed, .path = path});
  EXPECT_TRUE(set) << text << ": " << (set ? "" : set.error().message);
  return set ? *set : std::vector<std::uint32_t>{};
}

TEST(Selector, CombinesSets) {
  const Scenario s = *load_small();
  EXPECT_THAT(select(s, "val-3"), ElementsAre(4));
  EXPECT_THAT(select(s, "group(workers)[0..2]"), ElementsAre(5, 6, 7));
  EXPECT_THAT(select(s, "group(workers)[3]"), ElementsAre(8));
  EXPECT_EQ(select(s, "all").size(), 21u);
  EXPECT_THAT(select(s, "role(validator) & region(eu) - val-0"), ElementsAre(2, 3, 4));
  EXPECT_THAT(select(s, "boot-0 | val-1"), ElementsAre(0, 2));
  EXPECT_THAT(select(s, "boot-0 | role(validator) & val-1"), ElementsAre(0, 2));
  EXPECT_THAT(select(s, "all - (group(workers) | group(users) | boot-0)"), ElementsAre(1, 2, 3, 4));
}

TEST(Selector, SamplesDifferByPathAndSeedAndAreStable) {
  const Scenario s = *load_small();
  const auto first = select(s, "sample(group(workers), 3)", "timeline.a.targets");
  EXPECT_EQ(first.size(), 3u);
  EXPECT_EQ(std::set<std::uint32_t>(first.begin(), first.end()).size(), 3u);
  EXPECT_EQ(first, select(s, "sample(group(workers), 3)", "timeline.a.targets"));
  EXPECT_EQ(select(s, "sample(group(workers), 25%)").size(), 3u) << "shares round up";
  std::set<std::vector<std::uint32_t>> seen;
  for (int i = 0; i < 20; ++i) {
    seen.insert(select(s, "sample(group(workers), 3)", "path" + std::to_string(i)));
  }
  EXPECT_GT(seen.size(), 10u);
}

TEST(Selector, RefusesWhatIsNotThere) {
  const Scenario s = *load_small();
  for (const char* text :
       {"", "grop(workers)", "group(worker)", "group(workers)[10]", "group(workers)[3..1]",
        "group(workers)[", "role(miners)", "val", "val-4", "sample(group(val), 5)", "(val-0",
        "val-0 |", "all-boot-0 val-1", "sample(group(val), 0)", "val-0 & val-1",
        "sample(all, 5s)"}) {
    EXPECT_FALSE(select_nodes(text, {.nodes = s.nodes, .seed = 1, .path = "p"})) << text;
  }
}

TEST(Regions, AreDrawnForEachNodeAndDoNotMoveWhenAGroupGrows) {
  const Scenario small = *load_with({{"groups.workers.count", "40"}});
  const Scenario large = *load_with({{"groups.workers.count", "80"}});
  int eu = 0;
  for (int i = 0; i < 40; ++i) {
    EXPECT_EQ(small.nodes[5 + i].region, large.nodes[5 + i].region);
    eu += small.nodes[5 + i].region == "eu" ? 1 : 0;
  }
  EXPECT_GT(eu, 8);
  EXPECT_LT(eu, 32);
}

TEST(Describe, ShowsGroupsFaultsAndAsserts) {
  const std::string text = describe(*load_small());
  for (const char* part :
       {"small", "workers", "2000 AIGEN",
        "partition val-0 .. val-3 | workers-0 .. workers-9: 2 sides", "restart after 20s",
        "finality.advanced increases", "eu - asia", "1/m"}) {
    EXPECT_THAT(text, HasSubstr(part));
  }
}

}  // namespace
}  // namespace orrery::scenario
