// Every kind of fault that a swarm draws bites: with one protection of the node switched off (a
// seeded bug), the fault breaks a small world. The same fault breaks nothing while the protection
// works, and without the fault nobody misses the protection.
#include <algorithm>
#include <set>

#include "scenarios/generate/draw.h"
#include "tests/property/harness/small_world.h"

namespace orrery::run {
namespace {

struct Bite {
  std::string_view kind;        // of scenario::fault_kinds(), and which way of it
  std::string_view protection;  // the seeded bug that takes it away
  std::string_view timeline;
};

void PrintTo(const Bite& bite, std::ostream* out) { *out << bite.kind; }

// Nodes: boot-0, validators-0 to -3, workers-0 to -2, users-0 and -1.
constexpr Bite kBites[] = {
    {"partition", "never-catch-up",
     "- {at: t+1m, do: partition, for: 5m, sides: ['boot-0 | group(validators)[0..1] | "
     "group(workers)[0..1] | users-0', 'group(validators)[2..3] | workers-2 | users-1']}"},
    {"one-way", "never-redial",
     "- {at: t+1m, do: partition, for: 3m, from: validators-3, to: all - validators-3}"},
    {"crash", "lose-finalized",
     "- {at: t+3m, do: crash, targets: validators-3, disk: lose-unsynced, restart_after: 20s}"},
    {"crash", "never-catch-up",
     "- {at: t+1m, do: crash, targets: validators-3, disk: torn, restart_after: 1m}"},
    {"wipe", "never-catch-up",
     "- {at: t+3m, do: crash, targets: users-0, disk: wipe, restart_after: 5s}"},
    {"churn", "never-catch-up",
     "- {at: t+1m, do: churn, every: 20s, away: 20s, for: 3m, targets: users-0}"},
    {"clock", "ban-early", "- {at: t+1m, do: clock, targets: workers-0, offset: 10s, for: 4m}"},
    {"slewing-clock", "ban-early",
     "- {at: t+1m, do: clock, mode: slew, targets: workers-0, offset: 10s, for: 4m}"},
    {"drifting-clock", "ban-early",
     "- {at: t+1m, do: clock, mode: drift, targets: workers-0, drift: 5000000ppb, for: 5m}"},
    {"clock/step", "ban-early",
     "- {at: t+1m, do: clock, mode: step, targets: workers-0, offset: 10s}"},
    {"drifting-clock/ntp-loss", "ban-early",
     "- {at: t+1m, do: clock, mode: ntp-loss, targets: workers-0, drift: 5000000ppb, for: 5m}"},
    {"bad-disk/rot", "never-catch-up",
     "- {at: t+1m, do: disk, kind: rot, targets: validators-0, for: 1m}\n"
     "  - {at: t+61s, do: crash, targets: validators-0, restart_after: 5s}"},
    {"bad-disk/bad-sectors", "never-catch-up",
     "- {at: t+1m, do: disk, kind: bad-sectors, targets: validators-0, for: 1m}\n"
     "  - {at: t+61s, do: crash, targets: validators-0, restart_after: 5s}"},
    {"bad-disk/lost-writes", "never-catch-up",
     "- {at: t+1m, do: disk, kind: lost-writes, targets: validators-0, for: 1m}\n"
     "  - {at: t+119s, do: crash, targets: validators-0, restart_after: 5s}"},
    {"bad-disk/misdirected", "never-catch-up",
     "- {at: t+1m, do: disk, kind: misdirected, targets: validators-0, for: 1m}\n"
     "  - {at: t+119s, do: crash, targets: validators-0, restart_after: 5s}"},
    {"bad-disk/full", "never-catch-up",
     "- {at: t+1m, do: disk, kind: full, targets: validators-0, for: 1m}"},
    {"bad-disk/sync-fails", "never-catch-up",
     "- {at: t+1m, do: disk, kind: sync-fails, targets: validators-0, for: 1m}"},
    {"slow-disk", "ack-any-order",
     "- {at: t+1m, do: disk, kind: stall, delay: 20s, targets: validators-0, for: 3m}"},
    {"slow-links", "never-catch-up",
     "- {at: t+1m, do: link, targets: users-0, latency: \"uniform(1s, 20s)\", for: 3m}"},
    {"lossy-links", "never-catch-up",
     "- {at: t+1m, do: link, targets: users-0, loss: 90%, for: 3m}"},
    {"narrow-links", "never-catch-up",
     "- {at: t+1m, do: link, targets: users-0, rate: 1kbps, for: 80s}"},
    {"jittery-links", "never-catch-up",
     "- {at: t+1m, do: link, targets: users-0, jitter: 20s, for: 3m}"},
    {"corrupting-links", "never-redial",
     "- {at: t+1m, do: link, targets: users-0, corrupt: 20000ppm, for: 3m}"},
    {"clog", "never-redial", "- {at: t+1m, do: clog, targets: users-0, for: 3m}"},
    {"clog/swizzle", "never-redial",
     "- {at: t+1m, do: clog, swizzle: true, targets: all, for: 4m}"},
    {"reset", "never-redial", "- {at: t+1m, do: reset, targets: users-0}"},
    {"half-open", "never-redial", "- {at: t+1m, do: half-open, targets: users-0}"},
    {"liar", "accept-wrong-inference",
     "- {at: t+30s, do: behave, targets: workers-0, behaviour: lie-inference}"},
    {"byzantine-validators", "slash-proposer",
     "- {at: t+1m, do: behave, targets: validators-3, behaviour: double-vote}"},
};

// What is wrong with the world at its end: what checkers object to, an error, a node that has been
// left behind. Empty: nothing.
std::string trouble(std::string_view timeline, std::string_view bug) {
  constexpr std::uint64_t kBehind = 8;  // blocks; two intervals of a fork are no trouble
  constexpr Duration kStopped = Duration::seconds(90);
  std::string more;
  if (!timeline.empty()) more += fmt::format("timeline:\n  {}\n", timeline);
  if (!bug.empty()) more += fmt::format("debug: {{seeded_bug: {}}}\n", bug);
  const scenario::Scenario scenario =
      load(text_of({.until = "7m",
                    .chain = "  consensus: {slot: 500ms, block_interval: 6s, epoch_slots: 12}\n",
                    .more = more}));
  auto world = make(scenario);
  const Status ran = world->run_until(scenario.until);
  if (!ran) return ran.error().message;
  world->finish();
  std::string text = objections(*world);
  std::uint64_t best = 0;
  std::int64_t newest_ns = 0;
  for (std::uint32_t i = 0; i < scenario.nodes.size(); ++i) {
    if (!world->node(i)) continue;
    const chain::Header& head = world->node(i)->chain().head().header();
    best = std::max(best, head.height);
    newest_ns = std::max(newest_ns, head.timestamp_ns);
  }
  if (newest_ns < world->simulator().now().ns - kStopped.ns) text += "no blocks come\n";
  for (std::uint32_t i = 0; i < scenario.nodes.size(); ++i) {
    if (!world->node(i)) {
      text += fmt::format("{} is down\n", scenario.nodes[i].name);
      continue;
    }
    const std::uint64_t height = world->node(i)->chain().head().height();
    if (height + kBehind < best) {
      text += fmt::format("{} is at height {} of {}\n", scenario.nodes[i].name, height, best);
    }
  }
  return text;
}

class FaultsBite : public testing::TestWithParam<Bite> {};

TEST_P(FaultsBite, OnceTheProtectionIsSwitchedOff) {
  const Bite& bite = GetParam();
  EXPECT_EQ(trouble(bite.timeline, ""), "") << "the fault, with all protections";
#ifdef ORRERY_SEEDED_BUGS
  EXPECT_EQ(trouble("", bite.protection), "") << "without the fault";
  EXPECT_NE(trouble(bite.timeline, bite.protection), "") << "the fault, without protection";
#endif
}

INSTANTIATE_TEST_SUITE_P(All, FaultsBite, testing::ValuesIn(kBites), [](const auto& test) {
  std::string name = fmt::format("{}_{}", test.param.kind, test.param.protection);
  std::replace_if(name.begin(), name.end(), [](char c) { return c == '-' || c == '/'; }, '_');
  return name;
});

TEST(FaultsBite, EveryKindHasItsPlaceInTheTable) {
  std::set<std::string> shown;
  for (const Bite& bite : kBites) shown.emplace(bite.kind.substr(0, bite.kind.find('/')));
  const auto kinds = scenario::fault_kinds();
  EXPECT_EQ(shown, std::set<std::string>(kinds.begin(), kinds.end()));
}

}  // namespace
}  // namespace orrery::run
