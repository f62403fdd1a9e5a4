#include <fmt/format.h>

#include <filesystem>

#include "harness/cli/commands.h"
#include "harness/cli/exit_code.h"
#include "harness/cli/terminal.h"
#include "reports/record/write.h"

namespace orrery::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kHead = R"(# Run it:     harness/orrery run {0}
# Check it:   harness/orrery check {0}
# All keys:   harness/orrery schema --markdown
orrery: 1
name: {1}
about: >-
  {2}
seed: 1
until: 15m

chain:
  preset: aigen

models:
  - name: small
    generator: trained-0.3M      # or from a seed, of any shape: orrery schema --markdown

groups:
  - {{name: bootstrap, role: bootstrap, count: 1}}
  - {{name: validators, role: validator, count: 4, stake: 50000 AIGEN, balance: 100 AIGEN}}
  - {{name: workers, role: miner, count: 6, stake: 10000 AIGEN, balance: 100 AIGEN}}
  - {{name: users, role: user, count: 4, balance: 1000 AIGEN}}

network:
  latency: lognormal(median=40ms, sigma=0.4, max=1s)

load:
  - name: chats
    users: group(users)
    kind: chat
    rate: 2/m
    model: small
    prompt: uniform(16B, 64B)
    output: uniform(16, 48)
)";

constexpr std::string_view kMinimalTail = R"(
timeline: []                 # faults and attacks go here: see scenarios/library/quickstart.yaml

asserts:
  - {{name: money-is-conserved, always: supply.error == 0}}
  - {{name: tasks-settle, at_end: tasks.settled > 0}}
)";

constexpr std::string_view kAttackTail = R"(
timeline:
  - name: liars
    at: t+3m
    do: behave
    targets: group(workers)[0..1]
    behaviour: lie-inference   # orrery list behaviours

asserts:
  - {{name: money-is-conserved, always: supply.error == 0}}
  - {{name: liars-are-caught, eventually: slashed.nodes >= 2, after: liars.begin, within: 10m}}
  - {{name: honest-nodes-are-not, always: slashed.honest == 0}}
)";

}  // namespace

int new_command(const NewArgs& args) {
  const fs::path file = fs::path(args.dir) / "scenario.yaml";
  if (fs::exists(file)) {
    complain(file.string() + " exists and is left as it is");
    return kUsage;
  }
  const bool attack = args.model == "attack";
  std::string name = fs::path(args.dir).lexically_normal().filename().string();
  if (name.empty() || name == ".") name = "my-network";
  std::error_code failed;
  fs::create_directories(args.dir, failed);
  const std::string text =
      fmt::format(fmt::runtime(std::string(kHead)), file.string(), name,
                  attack ? "Two workers sell answers that they never computed."
                         : "A small network without trouble.") +
      fmt::format(fmt::runtime(std::string(attack ? kAttackTail : kMinimalTail)));
  const Status written = report::write_file_atomically(file.string(), text);
  if (!written) {
    complain(written.error().message);
    return exit_code(written.error());
  }
  if (args.json) {
    fmt::print("{{\"schema\":\"orrery.new/1\",\"file\":\"{}\"}}\n", file.string());
  } else {
    say("wrote " + file.string() + "; run it with: harness/orrery run " + file.string());
  }
  return kHeld;
}

}  // namespace orrery::cli
