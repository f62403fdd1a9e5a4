// Time travel: a run again up to a point, what is known there, and several futures from it.
#include "harness/inspect/futures.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "harness/inspect/stop.h"
#include "harness/run/branch.h"
#include "harness/run/network.h"
#include "harness/run/replay_file.h"
#include "scenarios/schema/schema.h"
#include "tests/property/harness/small_world.h"

namespace orrery::inspect {
namespace {

const Time kAt = Time{} + Duration::seconds(40);
const char* kCrash = R"([{"do":"crash","targets":"validators-1","restart_after":"15s"}])";
const char* kLie = R"([{"do":"behave","targets":"workers-0","behaviour":"lie-inference"}])";

std::string document() {
  static const std::string text = scenario::plain_document_json(run::text_of({.until = "90s"}), {});
  return text;
}

run::Branch branch_of(run::BranchSpec spec) {
  spec.at = kAt;
  auto branch = run::load_branch(document(), run::loader_options({}), "small-world", spec);
  EXPECT_TRUE(branch.has_value()) << (branch ? "" : branch.error().message);
  return std::move(*branch);
}

scenario::Scenario base() { return branch_of({}).scenario; }

Digest128 straight(std::optional<run::Branch> branch) {
  const auto world = run::make(base(), {.branch = std::move(branch)});
  EXPECT_TRUE(world->run_until(base().until).has_value());
  return world->simulator().digest();
}

// Each future's digest at its end, as its process has written it down.
std::vector<std::string> forked(const std::vector<Future>& futures, unsigned jobs) {
  run::WorldOptions options;
  options.actors.resize(base().nodes.size(), false);
  for (const Future& future : futures) {
    const auto misbehave = run::may_misbehave(future.branch.scenario);
    for (std::size_t n = 0; n < misbehave.size(); ++n) {
      if (misbehave[n]) options.actors[n] = true;
    }
  }
  const auto world = run::make(base(), std::move(options));
  EXPECT_TRUE(world->run_until(kAt).has_value());
  const Digest128 before = world->simulator().digest();
  const std::string folder = testing::TempDir() + "futures";
  std::filesystem::create_directories(folder);
  const auto ends = run_futures(*world, futures,
                                {.jobs = jobs, .finish = [&](const Future& future, run::World& w) {
                                   if (!w.run_until(w.scenario().until)) return 7;
                                   std::ofstream(folder + "/" + future.name)
                                       << to_hex(w.simulator().digest());
                                   return static_cast<int>(future.name.size());
                                 }});
  EXPECT_TRUE(ends.has_value());
  EXPECT_EQ(world->simulator().digest(), before) << "the futures are none of the past's";
  std::vector<std::string> digests;
  for (std::size_t i = 0; i < futures.size(); ++i) {
    EXPECT_TRUE((*ends)[i].ran);
    EXPECT_EQ((*ends)[i].code, static_cast<int>(futures[i].name.size()));
    std::ifstream file(folder + "/" + futures[i].name);
    digests.emplace_back();
    file >> digests.back();
  }
  std::filesystem::remove_all(folder);
  return digests;
}

TEST(Futures, EachIsTheRunThatTakesItsBranch) {
  const std::vector<Future> futures = {{"as-is", branch_of({})},
                                       {"seed", branch_of({.seed = 99})},
                                       {"crash", branch_of({.timeline = kCrash})},
                                       {"liar", branch_of({.timeline = kLie})}};
  const std::vector<std::string> digests = forked(futures, 2);
  EXPECT_EQ(digests[0], to_hex(straight({}))) << "nothing changed: the unforked run";
  for (const std::size_t i : {1u, 2u, 3u}) {
    EXPECT_EQ(digests[i], to_hex(straight(futures[i].branch))) << futures[i].name;
    for (std::size_t j = 0; j < i; ++j) EXPECT_NE(digests[i], digests[j]);
  }
}

TEST(Futures, DieAloneAndAreToldApart) {
  const auto world = run::make(base());
  ASSERT_TRUE(world->run_until(kAt).has_value());
  const auto ends = run_futures(*world, {{"dies", branch_of({})}, {"lives", branch_of({})}},
                                {.jobs = 1, .finish = [](const Future& future, run::World&) {
                                   if (future.name == "dies") std::abort();
                                   return 3;
                                 }});
  ASSERT_TRUE(ends.has_value());
  EXPECT_FALSE(ends->at(0).ran);
  EXPECT_TRUE(ends->at(1).ran);
  EXPECT_EQ(ends->at(1).code, 3);
  EXPECT_FALSE(check_names({{"same", branch_of({})}, {"same", branch_of({})}}).has_value());
}

TEST(Branch, AddsFaultsBehindThoseThatAreThere) {
  const run::Branch branch = branch_of({.timeline = kCrash});
  ASSERT_EQ(branch.scenario.timeline.size(), branch.first_added + 1);
  EXPECT_EQ(branch.scenario.timeline.back().at, kAt) << "at once, if nothing else is said";
  EXPECT_NE(branch.scenario.hash, base().hash);
  EXPECT_NE(branch_of({.seed = 4}).scenario.hash, branch_of({.seed = 5}).scenario.hash);
}

TEST(Branch, RefusesThePast) {
  run::BranchSpec spec{
      .at = kAt, .timeline = R"([{"do":"crash","targets":"users-0","at":"t+5s"}])"};
  const auto branch = run::load_branch(document(), run::loader_options({}), "small-world", spec);
  ASSERT_FALSE(branch.has_value());
  EXPECT_THAT(branch.error().message, testing::HasSubstr("before the branch"));
}

Stop stop_at(run::World& world, Chronicle& chronicle, const std::string& text) {
  std::vector<std::string> invariants;
  for (std::size_t i = 0; i < world.checkers().size(); ++i) {
    invariants.emplace_back(world.checkers().at(i).name());
  }
  auto condition = Condition::parse(text, world.scenario(), invariants);
  EXPECT_TRUE(condition.has_value()) << (condition ? "" : condition.error().message);
  StopPoint point;
  point.conditions.push_back(std::move(*condition));
  auto stop = run_to(chronicle, world, point);
  EXPECT_TRUE(stop.has_value());
  return std::move(*stop);
}

TEST(Stop, IsAtTheFirstEventWhereAConditionHolds) {
  const auto world = run::make(base());
  Chronicle chronicle(*world);
  const Stop stop = stop_at(*world, chronicle, "height>=3, group=validators");
  ASSERT_EQ(stop.why, Stop::Why::kCondition);
  ASSERT_TRUE(stop.step.node.has_value());
  EXPECT_EQ(world->scenario().nodes[*stop.step.node].group, "validators");
  EXPECT_EQ(numbers_of(*world, *stop.step.node).height, 3u);
  EXPECT_EQ(stop.step.event, world->simulator().events());
  for (std::uint32_t n = 1; n <= 4; ++n) {
    if (n == *stop.step.node) continue;
    EXPECT_LT(numbers_of(*world, n).height, 3u) << "it is the first";
  }
}

TEST(Stop, TellsWhatANodeKnowsAndDidLast) {
  const auto world = run::make(base());
  Chronicle chronicle(*world);
  const Stop stop = stop_at(*world, chronicle, "kind=vote-sent,node=validators-2");
  ASSERT_EQ(stop.why, Stop::Why::kCondition);
  const NodeState state = state_of(*world, chronicle, *stop.step.node);
  EXPECT_TRUE(state.up);
  EXPECT_EQ(state.lives, 1u);
  EXPECT_FALSE(state.peers.empty());
  ASSERT_FALSE(state.last.empty());
  EXPECT_THAT(state.last.back().text, testing::HasSubstr("vote sent"));
  ASSERT_FALSE(state.timers.empty());
  for (const sim::PendingTimer& timer : state.timers) EXPECT_GE(timer.due, stop.step.time);
}

TEST(Stop, ComesByNumberOfEventAndByTimeWithTheDigestOfThatPoint) {
  const auto straight_on = run::make(base());
  ASSERT_TRUE(straight_on->run_until(kAt).has_value());
  const auto world = run::make(base());
  Chronicle chronicle(*world);
  const auto stop = run_to(chronicle, *world, {.event = straight_on->simulator().events()});
  ASSERT_TRUE(stop.has_value());
  EXPECT_EQ(stop->why, Stop::Why::kEvent);
  EXPECT_EQ(world->simulator().digest(), straight_on->simulator().digest());
  const auto by_time = run::make(base());
  Chronicle other(*by_time);
  const auto there = run_to(other, *by_time, {.time = kAt});
  ASSERT_TRUE(there.has_value());
  EXPECT_EQ(there->why, Stop::Why::kTime);
  EXPECT_EQ(by_time->simulator().digest(), straight_on->simulator().digest());
}

TEST(Stop, SaysThatNothingHeld) {
  const auto world = run::make(base());
  Chronicle chronicle(*world);
  const Stop stop = stop_at(*world, chronicle, "height>=1000");
  EXPECT_EQ(stop.why, Stop::Why::kEnd);
}

TEST(Condition, NamesTheNearestWord) {
  const scenario::Scenario scenario = base();
  const auto complaint = [&](const char* text) {
    const auto condition = Condition::parse(text, scenario, {"supply-conserved"});
    return condition ? std::string("accepted") : condition.error().message;
  };
  EXPECT_THAT(complaint("hight>=3"), testing::HasSubstr("did you mean 'height'"));
  EXPECT_THAT(complaint("node=validator-2"), testing::HasSubstr("did you mean 'validators-2'"));
  EXPECT_THAT(complaint("kind=vots"), testing::HasSubstr("did you mean 'votes'"));
  EXPECT_THAT(complaint("invariant=supply-conserve"), testing::HasSubstr("supply-conserved"));
  EXPECT_THAT(complaint("height"), testing::HasSubstr("expected = != < <= > or >="));
  EXPECT_THAT(complaint("height>=many"), testing::HasSubstr("whole number"));
  EXPECT_THAT(complaint("node>users-0"), testing::HasSubstr("compare it with = or !="));
  EXPECT_THAT(complaint("fault=x"), testing::HasSubstr("the scenario has none"));
  EXPECT_THAT(complaint(""), testing::HasSubstr("expected key=value"));
  EXPECT_EQ(complaint("kind=vote, node!=users-1, time>t+1m30s"), "accepted");
  EXPECT_EQ(complaint("invariant"), "accepted");
}

}  // namespace
}  // namespace orrery::inspect
