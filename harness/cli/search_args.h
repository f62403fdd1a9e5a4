// Verbs that look for failures and make them small: swarm and shrink.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "harness/cli/commands.h"

namespace CLI {
class App;
}

namespace orrery::cli {

struct SwarmArgs {
  std::string file;  // empty: a world drawn for each seed
  std::vector<std::string> set;
  std::optional<std::uint64_t> seeds;  // at most; 100, or what `minutes` allow
  std::uint64_t first = 1;
  double minutes = 0;
  unsigned jobs = 0;  // 0: one a core
  std::uint64_t again_every = 10;
  std::string until = "10m";
  std::uint64_t shrink = 3;  // failures to shrink
  std::string out;
  bool keep = false;
  bool json = false;
};
struct ShrinkArgs {
  std::string target;  // a scenario file or a run directory
  std::vector<std::string> set;
  std::optional<std::uint64_t> seed;
  std::uint64_t trials = 400;
  double minutes = 10;
  std::string out;
  bool keep = false;
  bool json = false;
};

int swarm_command(const SwarmArgs& args);
int shrink_command(const ShrinkArgs& args);

struct SearchArgs {
  SwarmArgs swarm;
  ShrinkArgs shrink;
};
void add_search_verbs(CLI::App& app, SearchArgs& args);
std::optional<int> dispatch_search(const std::string& verb, const SearchArgs& args);

}  // namespace orrery::cli
