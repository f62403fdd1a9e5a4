// The board of seeded bugs: how many seeds and seconds a swarm needs to find each, and how small
// the shrunk scenario is.
//   bug_board [ROUNDS [NAME]]     default: 3 rounds, all bugs; each round has its own seeds
// Exit 1: a bug was not found, or the median shrunk scenario is larger than kFaults and kNodes.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "harness/run/replay_file.h"
#include "harness/sweep/document.h"
#include "harness/sweep/shrink.h"
#include "harness/sweep/swarm.h"
#include "protocol/types/seeded_bug.h"

namespace {

using namespace orrery;

constexpr std::uint64_t kMaxSeeds = 300;       // a round without a find
constexpr std::uint64_t kRoundSeeds = 10'000;  // between the first seeds of two rounds
constexpr double kFaults = 5;
constexpr double kNodes = 6;

struct Round {
  double seeds = 0;
  double seconds = 0;
  double nodes = 0;
  double faults = 0;
  std::string failure;
};

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

std::optional<Round> find(std::string_view bug, std::uint64_t first) {
  const sweep::SwarmOptions options{.load = run::loader_options({})};
  const auto begun = std::chrono::steady_clock::now();
  for (std::uint64_t i = 0; i < kMaxSeeds; ++i) {
    auto document = sweep::swarm_document(options, first + i);
    if (!document) continue;
    (*document)["debug"] = {{"seeded_bug", std::string(bug)}};
    const auto scenario = sweep::load_document(*document, options.load);
    const auto trial = scenario ? sweep::run_trial(*scenario) : tl::unexpected(scenario.error());
    if (!trial || !trial->failure) continue;
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
    Round round{.seeds = static_cast<double>(i + 1),
                .seconds = took.count(),
                .failure = trial->failure->name};
    const auto small = sweep::shrink_scenario(*document, {.load = options.load});
    if (!small) return std::nullopt;
    const auto shrunk =
        sweep::load_document(nlohmann::ordered_json::parse(small->document), options.load);
    round.nodes = static_cast<double>(shrunk->nodes.size());
    round.faults = static_cast<double>(shrunk->timeline.size());
    return round;
  }
  return std::nullopt;
}

}  // namespace

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::atoi(argv[1]) : 3;
  std::vector<double> nodes, faults;
  bool all = true;
  fmt::print("{:<24} {:>6} {:>8} {:>6} {:>7}  {}\n", "bug (medians)", "seeds", "seconds", "nodes",
             "faults", "caught by");
  for (const chain::SeededBugName& bug : chain::kSeededBugs) {
    if (argc > 2 && bug.name != argv[2]) continue;
    std::vector<double> seeds, seconds, n, f;
    std::string caught;
    for (int round = 0; round < rounds; ++round) {
      const auto found = find(bug.name, 1 + static_cast<std::uint64_t>(round) * kRoundSeeds);
      if (!found) {
        all = false;
        continue;
      }
      seeds.push_back(found->seeds);
      seconds.push_back(found->seconds);
      n.push_back(found->nodes);
      f.push_back(found->faults);
      caught = found->failure;
    }
    if (seeds.empty()) {
      fmt::print("{:<24} not found in {} rounds of {} seeds\n", bug.name, rounds, kMaxSeeds);
      continue;
    }
    nodes.insert(nodes.end(), n.begin(), n.end());
    faults.insert(faults.end(), f.begin(), f.end());
    fmt::print("{:<24} {:>6.0f} {:>8.2f} {:>6.0f} {:>7.0f}  {}{}\n", bug.name, median(seeds),
               median(seconds), median(n), median(f), caught,
               static_cast<int>(seeds.size()) < rounds
                   ? fmt::format(" (in {} of {} rounds)", seeds.size(), rounds)
                   : "");
    std::fflush(stdout);
  }
  if (nodes.empty()) return 1;
  fmt::print("median shrunk scenario: {:.0f} nodes, {:.0f} faults\n", median(nodes),
             median(faults));
  return all && median(nodes) <= kNodes && median(faults) <= kFaults ? 0 : 1;
}
