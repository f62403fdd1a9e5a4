// The quickstart under other seeds: what its asserts promise must not be the luck of one.
//   seeds_quickstart [COUNT [FIRST]]     default: 3 seeds from 1; ~17 s each
#include <fmt/format.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "harness/run/record.h"
#include "harness/run/run_scenario.h"
#include "harness/run/world.h"
#include "protocol/types/trace_kinds.h"
#include "scenarios/schema/load.h"

namespace {

using namespace orrery;

// Votes of the epochs before the split, and a block on its way, may still finalise for two epochs.
constexpr Duration kSlack = Duration::seconds(25);
constexpr Duration kResume = Duration::seconds(60);
constexpr std::string_view kLiar = "workers-3";

struct Finalisation {
  Time time{};
  std::uint32_t node = 0;
  std::uint64_t height = 0;
};

class Finalisations final : public env::TraceSink {
 public:
  explicit Finalisations(const std::vector<bool>& honest) : honest_(honest) {}
  void on_trace(Time now, std::uint32_t node, const env::TraceEvent& event) override {
    if (event.kind != chain::kTraceFinalized || !honest_[node]) return;
    seen_.push_back({now, node, event.n[1]});
  }
  const std::vector<Finalisation>& seen() const { return seen_; }

 private:
  const std::vector<bool>& honest_;
  std::vector<Finalisation> seen_;
};

double seconds(Time t) { return static_cast<double>(t.ns) / 1e9; }

void judge_split(const scenario::FaultSpec& split, const std::vector<Finalisation>& seen,
                 std::vector<std::string>& complaints) {
  const Time end = split.at + split.duration;
  bool resumed = false;
  std::uint64_t highest = 0;
  for (const Finalisation& f : seen) {
    if (f.time > split.at + kSlack && f.time < end) {
      complaints.push_back(fmt::format("node {} finalised height {} at {:.3f} s, inside the split",
                                       f.node, f.height, seconds(f.time)));
    }
    if (f.time < end) highest = std::max(highest, f.height);
    resumed = resumed || (f.time >= end && f.time <= end + kResume && f.height > highest);
  }
  if (!resumed) {
    complaints.push_back(fmt::format("finality did not resume within {} s of the split's end",
                                     kResume.ns / 1'000'000'000));
  }
}

void judge_record(const report::RunRecord& record, const scenario::Scenario& scenario,
                  std::vector<std::string>& complaints) {
  bool liar = false;
  for (const auto& row : record.slashes) {
    liar = liar || (row.node == kLiar && row.cause == "wrong-inference");
    if (row.node != kLiar) {
      complaints.push_back(fmt::format("honest {} was slashed at height {} ({})", row.node,
                                       row.height, row.cause));
    }
  }
  if (!liar) complaints.push_back("the liar was not slashed for wrong inference");
  for (const auto& row : record.invariants) {
    if (row.violations == 0) continue;
    complaints.push_back(fmt::format("{}: {} violations, first at {:.3f} s: {}", row.name,
                                     row.violations, row.first_violation_s, row.first_violation));
  }
  for (const auto& row : record.asserts) {
    if (!row.ok) complaints.push_back(fmt::format("assert {}: {}", row.name, row.seen));
  }
  if (record.supply.at("total") != to_decimal(scenario.chain.token.supply)) {
    complaints.push_back("the pools hold " + record.supply.at("total"));
  }
}

std::vector<std::string> judge(const std::string& file, std::uint64_t seed) {
  const auto scenario =
      scenario::load_file(file, {.overrides = {{"seed", std::to_string(seed)}},
                                 .known_metrics = run::metric_names(),
                                 .known_behaviours = run::behaviour_names()});
  if (!scenario) return {scenario::format(scenario.error().front())};
  const auto world = run::World::make(*scenario);
  if (!world) return {world.error().message};
  Finalisations finalisations((*world)->observer().honest);
  (*world)->simulator().add_trace_sink(finalisations);
  if (const Status ran = (*world)->run_until(scenario->until); !ran) return {ran.error().message};
  (*world)->finish();
  std::vector<std::string> complaints;
  for (const scenario::FaultSpec& fault : scenario->timeline) {
    if (fault.name == "split") judge_split(fault, finalisations.seen(), complaints);
  }
  judge_record(run::make_record(**world, {}), *scenario, complaints);
  return complaints;
}

}  // namespace

int main(int argc, char** argv) {
  const char* root = std::getenv("ORRERY_ROOT");
  const std::string file = std::string(root ? root : ".") + "/scenarios/library/quickstart.yaml";
  const std::uint64_t count = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 3;
  const std::uint64_t first = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 1;
  bool good = count > 0;
  for (std::uint64_t seed = first; seed < first + count; ++seed) {
    const auto complaints = judge(file, seed);
    good = good && complaints.empty();
    fmt::print("seed {}: {}\n", seed, complaints.empty() ? "sound" : "");
    for (const std::string& complaint : complaints) fmt::print("  {}\n", complaint);
    std::fflush(stdout);
  }
  return good ? 0 : 1;
}
