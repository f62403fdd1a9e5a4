// Each deliberate bug is caught by the invariant that the table in protocol/types/seeded_bug.h
// names, in a world that has what the bug needs; without the bug the same world is clean.
#include <array>

#include "harness/run/keys.h"
#include "protocol/node/user.h"
#include "protocol/types/seeded_bug.h"
#include "tests/property/asked.h"
#include "tests/property/harness/small_world.h"

namespace orrery::run {
namespace {

constexpr std::uint32_t kUnstaker = 7;  // workers-2

struct Place {
  std::string_view name;
  std::string_view until;
  std::string_view chain;
  std::string_view timeline;
  bool unstake = false;
};

constexpr Place kCalm{.name = "calm", .until = "8m"};
constexpr Place kLiar{.name = "liar", .until = "6m", .timeline = R"(timeline:
  - {name: liar, at: t+30s, do: behave, targets: "workers-0", behaviour: lie-inference}
)"};
// Neither side has two thirds of the stake.
constexpr Place kSplit{.name = "split", .until = "9m", .timeline = R"(timeline:
  - name: split
    at: t+1m
    do: partition
    for: 5m
    sides:
      - boot-0 | group(validators)[0..1] | group(workers)[0..1] | users-0
      - group(validators)[2..3] | group(workers)[2..2] | users-1
)"};
constexpr Place kCrash{.name = "crash", .until = "4m", .timeline = R"(timeline:
  - name: crash
    at: t+2m
    do: crash
    targets: validators-3
    disk: lose-unsynced
    restart_after: 20s
)"};
constexpr Place kUnstake{.name = "unstake", .until = "5m",
                         .chain = "  stake: {unbonding_blocks: 12}\n", .unstake = true};
constexpr std::array kPlaces{kCalm, kLiar, kSplit, kCrash, kUnstake};

void PrintTo(const Place& place, std::ostream* out) { *out << place.name; }

#ifdef ORRERY_SEEDED_BUGS
const Place& place_of(chain::SeededBug bug) {
  using chain::SeededBug;
  switch (bug) {
    case SeededBug::kAcceptWrongInference:
    case SeededBug::kForgetEscrow:    // refunds happen to tasks of the liar
    case SeededBug::kNegativeSlash:
      return kLiar;
    case SeededBug::kFinalizeFork:
      return kSplit;
    case SeededBug::kLoseFinalized:
      return kCrash;
    case SeededBug::kEarlyUnbond:
      return kUnstake;
    default:
      return kCalm;
  }
}

#endif

std::unique_ptr<World> world_at(const Place& place, std::uint64_t seed, std::string_view bug) {
  std::string more(place.timeline);
  if (!bug.empty()) more += fmt::format("debug: {{seeded_bug: {}}}\n", bug);
  const scenario::Scenario scenario =
      load(text_of({.seed = seed, .until = std::string(place.until),
                    .chain = std::string(place.chain), .more = more}));
  auto world = make(scenario);
  if (place.unstake) {
    chain::UserRequest request;
    request.kind = chain::UserRequest::Kind::kUnstake;
    request.amount = 2000 * chain::kToken;
    world->simulator().inject_request(Time{} + Duration::seconds(40), kUnstaker, 1,
                                      Buffer(chain::encode(request)));
  }
  return world;
}

#ifdef ORRERY_SEEDED_BUGS
// The seconds of virtual time until the named checker objects; nothing if it never does.
std::optional<std::int64_t> caught_after(const chain::SeededBugName& bug, std::uint64_t seed) {
  auto world = world_at(place_of(bug.bug), seed, bug.name);
  const check::Checker* checker = find_checker(*world, bug.invariant);
  if (!checker) {
    ADD_FAILURE() << "no checker " << bug.invariant;
    return std::nullopt;
  }
  const Time end = world->scenario().until;
  for (Time now{}; now < end && checker->violations() == 0;) {
    now = std::min(end, now + Duration::seconds(10));
    const Status ran = world->run_until(now);
    if (!ran) ADD_FAILURE() << ran.error().message;
    if (!ran) break;
  }
  if (checker->violations() == 0) {
    world->finish();
    if (checker->violations() == 0) {
      ADD_FAILURE() << bug.name << ", seed " << seed << ": " << bug.invariant << " looked "
                    << checker->checks() << " times and saw nothing. Others:\n"
                    << objections(*world);
      return std::nullopt;
    }
  }
  return checker->first_violation()->time.ns / 1'000'000'000;
}

#endif

std::string test_name(std::string_view text) {
  std::string name;
  bool upper = true;
  for (char c : text) {
    if (c != '-') name += upper ? static_cast<char>(std::toupper(c)) : c;
    upper = c == '-';
  }
  return name;
}

#ifdef ORRERY_SEEDED_BUGS
class SeededBugs : public testing::TestWithParam<chain::SeededBugName> {};

TEST_P(SeededBugs, IsCaughtByTheNamedInvariant) {
  for (const std::uint64_t seed : {1, 2, 3}) {
    const auto after = caught_after(GetParam(), seed);
    ASSERT_TRUE(after) << GetParam().name;
    RecordProperty(fmt::format("caught_after_s_seed_{}", seed), std::to_string(*after));
  }
}

// The others show in a swarm only: see tests/golden/bug_board.
std::vector<chain::SeededBugName> bugs_with_an_invariant() {
  std::vector<chain::SeededBugName> bugs;
  for (const auto& bug : chain::kSeededBugs) {
    if (!bug.invariant.empty()) bugs.push_back(bug);
  }
  return bugs;
}

INSTANTIATE_TEST_SUITE_P(All, SeededBugs, testing::ValuesIn(bugs_with_an_invariant()),
                         [](const auto& test) { return test_name(test.param.name); });

#endif

class Places : public testing::TestWithParam<Place> {};

// ORRERY_SEEDS=100 looks at more worlds than the few of every day.
std::uint64_t seeds() { return asked("ORRERY_SEEDS", 4); }

TEST_P(Places, WithoutABugNoInvariantObjects) {
  for (std::uint64_t seed = 1; seed <= seeds(); ++seed) {
    auto world = world_at(GetParam(), seed, "");
    const Status ran = world->run_until(world->scenario().until);
    ASSERT_TRUE(ran.has_value()) << "seed " << seed << ": " << ran.error().message;
    world->finish();
    EXPECT_EQ(objections(*world), "") << "seed " << seed;
    EXPECT_THAT(world->checkers().unarmed(), testing::IsEmpty()) << "seed " << seed;
  }
}

INSTANTIATE_TEST_SUITE_P(All, Places, testing::ValuesIn(kPlaces),
                         [](const auto& test) { return test_name(test.param.name); });

}  // namespace
}  // namespace orrery::run
