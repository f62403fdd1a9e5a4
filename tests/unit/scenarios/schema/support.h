// Shared by the tests of this folder: names that a harness would pass, and a small valid file.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <string>
#include <utility>

#include "scenarios/schema/load.h"

namespace orrery::scenario {

inline std::string root() {
  const char* value = std::getenv("ORRERY_ROOT");
  return value != nullptr ? value : ".";
}

inline LoadOptions options() {
  return {
      .overrides = {},
      .known_metrics = {"height", "finalized_height", "finality.lag_blocks", "finality.advanced",
                        "tasks.requested", "tasks.settled", "tasks.refunded", "tasks.slashed",
                        "tasks.open", "slashed.nodes", "slashed.honest", "supply.error",
                        "mempool.transactions", "forks.blocks", "messages.total", "bytes.total"},
      .known_behaviours = {"lie-inference", "equivocate"},
      .known_bugs = {"double-spend"}};
}

inline std::string all_messages(const LoadOutcome& outcome) {
  std::string out;
  if (outcome) return "loaded without a complaint";
  for (const Diagnostic& d : outcome.error()) out += format(d) + "\n";
  return out;
}

inline const std::string kSmall = R"yaml(orrery: 1
name: small
seed: 5
until: 10m
models:
  - name: tiny
groups:
  - {name: boot, role: bootstrap}
  - {name: val, role: validator, count: 4, stake: 5000 AIGEN, balance: 100 AIGEN, region: eu}
  - name: workers
    role: miner
    count: 10
    stake: 2000 AIGEN
    balance: 100 AIGEN
    region: {choice: {eu: 1, asia: 1}}
  - {name: users, role: user, count: 6, balance: 100 AIGEN}
network:
  latency: lognormal(median=40ms, sigma=0.5, max=2s)
  between:
    - {from: eu, to: asia, latency: 90ms}
load:
  - {name: chats, users: group(users), rate: 1/m}
timeline:
  - name: split
    at: t+2m
    do: partition
    for: 30s
    sides: ["role(validator)", "role(miner)"]
  - {at: t+5m, do: crash, targets: "sample(group(workers), 30%)", restart_after: 20s}
asserts:
  - {name: heals, eventually: finality.advanced increases, within: 60s, after: split.end}
)yaml";

inline LoadOutcome load_small(const std::string& more = "", LoadOptions with = options()) {
  return load_text(kSmall + more, "small.yaml", with);
}

// The file with one passage replaced; fails the test if it is not there.
inline std::string edited(const std::string& from, const std::string& to) {
  std::string text = kSmall;
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  if (at != std::string::npos) text.replace(at, from.size(), to);
  return text;
}

// Number of members of an aggregate: the most initialisers that it takes.
struct Anything {
  template <class T>
  operator T() const;
};
template <class T, std::size_t... I>
constexpr bool takes(std::index_sequence<I...>) {
  return requires { T{(static_cast<void>(I), Anything{})...}; };
}
template <class T, std::size_t N = 64>
constexpr std::size_t member_count() {
  if constexpr (takes<T>(std::make_index_sequence<N>{})) {
    return N;
  } else {
    return member_count<T, N - 1>();
  }
}

}  // namespace orrery::scenario
