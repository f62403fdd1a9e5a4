// Small worlds for the property tests: a scenario as text, brought to life, with its invariants.
#pragma once

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "harness/run/run_scenario.h"
#include "harness/run/world.h"
#include "scenarios/schema/load.h"

namespace orrery::run {

// One bootstrap, four validators, three workers, two users (nodes 0, 1-4, 5-7, 8-9) that chat.
// `chain` adds lines to the section of that name, `more` top-level sections.
struct SmallWorld {
  std::uint64_t seed = 1;
  std::string until = "4m";
  std::string load = "{name: chats, users: group(users), rate: 4/m, start: t+20s, output: 6}";
  std::string chain;
  std::string more;
};

inline std::string text_of(const SmallWorld& world) {
  return fmt::format(R"yaml(orrery: 1
name: small-world
seed: {}
until: {}
models:
  - {{name: small, dim: 32, hidden: 64, layers: 1, heads: 2}}
chain:
  preset: aigen
  work: {{audit: 100%}}
{}
groups:
  - {{name: boot, role: bootstrap}}
  - {{name: validators, role: validator, count: 4, stake: 50000 AIGEN, balance: 100 AIGEN}}
  - {{name: workers, role: miner, count: 3, stake: 10000 AIGEN, balance: 100 AIGEN}}
  - {{name: users, role: user, count: 2, balance: 100 AIGEN}}
network:
  latency: uniform(10ms, 60ms)
load:
  - {}
{}
)yaml",
                     world.seed, world.until, world.chain, world.load, world.more);
}

inline scenario::Scenario load(const std::string& text) {
  auto loaded = scenario::load_text(text, "small-world.yaml",
                                    {.known_metrics = metric_names(),
                                     .known_behaviours = behaviour_names(),
                                     .known_bugs = seeded_bug_names()});
  if (!loaded) {
    for (const auto& d : loaded.error()) ADD_FAILURE() << scenario::format(d);
    std::abort();  // a mistake in the test itself
  }
  return std::move(*loaded);
}

inline std::unique_ptr<World> make(const scenario::Scenario& scenario, WorldOptions options = {}) {
  auto world = World::make(scenario, std::move(options));
  if (!world) {
    ADD_FAILURE() << world.error().message;
    std::abort();
  }
  return std::move(*world);
}

inline const check::Checker* find_checker(const World& world, std::string_view name) {
  for (std::size_t i = 0; i < world.checkers().size(); ++i) {
    if (world.checkers().at(i).name() == name) return &world.checkers().at(i);
  }
  return nullptr;
}

// What every checker objected to; empty if nothing.
inline std::string objections(const World& world) {
  std::string text;
  for (std::size_t i = 0; i < world.checkers().size(); ++i) {
    const check::Checker& checker = world.checkers().at(i);
    if (checker.violations() == 0) continue;
    text += fmt::format("{}: {} times, first at {} s: {}\n", checker.name(), checker.violations(),
                        checker.first_violation()->time.ns / 1'000'000'000,
                        checker.first_violation()->text);
  }
  return text;
}

}  // namespace orrery::run
