// A run written for the viewer: valid JSON, every track named, every arrow ended or told as lost,
// and no other digest than without it.
#include "harness/inspect/trace_file.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "tests/property/harness/small_world.h"

namespace orrery::inspect {
namespace {

using nlohmann::json;

// Sessions are cut, a node crashes, datagrams of nobody matter here: reliable messages stall and
// die.
const char* kFaults = R"yaml(timeline:
  - {name: split, at: t+30s, for: 25s, do: partition, sides: [group(boot), all - boot-0]}
  - {at: t+40s, do: crash, targets: workers-1, restart_after: 20s}
  - {name: slow, at: t+70s, for: 10s, do: clog, targets: validators-2}
)yaml";

struct Written {
  json document;
  TraceCounts counts;
  Digest128 digest;
};

Written write(const scenario::Scenario& scenario, TraceWindow window, Time until) {
  std::ostringstream text;
  TraceFile file(text, scenario, std::move(window));
  const auto world = run::make(scenario);
  world->simulator().watch(&file);
  world->simulator().add_trace_sink(file);
  EXPECT_TRUE(world->run_until(until).has_value());
  Written written{.counts = file.finish(world->simulator().now())};
  written.document = json::parse(text.str());
  written.digest = world->simulator().digest();
  return written;
}

scenario::Scenario faulty() { return run::load(run::text_of({.until = "100s", .more = kFaults})); }

// Checks what holds for every file, whatever its window; the ids of arrows by how they end.
struct Arrows {
  std::set<std::uint64_t> begun, heard, lost;
};
Arrows check_rows(const json& document) {
  Arrows arrows;
  std::set<std::pair<int, int>> named, used;
  for (const json& row : document.at("traceEvents")) {
    const std::string phase = row.at("ph");
    const std::pair<int, int> track(row.at("pid"), row.value("tid", 0));
    if (phase == "M") {
      if (row.at("name") == "thread_name") named.insert(track);
      continue;
    }
    EXPECT_GE(row.at("ts").get<double>(), 0.0);
    used.insert(track);
    bool once = true;
    if (phase == "s") once = arrows.begun.insert(row.at("id").get<std::uint64_t>()).second;
    if (phase == "f") once = arrows.heard.insert(row.at("id").get<std::uint64_t>()).second;
    if (phase == "i" && row.at("cat") == "lost") {
      once = arrows.lost.insert(row.at("args").at("flow").get<std::uint64_t>()).second;
    }
    EXPECT_TRUE(once) << row.dump();
    EXPECT_GT(row.value("dur", 1.0), 0.0);
  }
  for (const auto& track : used)
    EXPECT_TRUE(named.count(track)) << track.first << "/" << track.second;
  for (const std::uint64_t id : arrows.heard) EXPECT_TRUE(arrows.begun.count(id)) << id;
  for (const std::uint64_t id : arrows.begun) {
    EXPECT_NE(arrows.heard.count(id), arrows.lost.count(id)) << id;
  }
  return arrows;
}

TEST(TraceFile, NamesEveryTrackAndEndsEveryArrow) {
  const scenario::Scenario scenario = faulty();
  const Written written = write(scenario, {}, scenario.until);
  const Arrows arrows = check_rows(written.document);
  EXPECT_EQ(arrows.begun.size(), written.counts.flows);
  EXPECT_EQ(arrows.lost.size(), written.counts.lost + written.counts.unheard);
  EXPECT_GT(arrows.heard.size(), 1000u);
  EXPECT_GT(written.counts.lost, 0u) << "the faults lose messages";
  EXPECT_FALSE(written.counts.cut);
}

TEST(TraceFile, ShowsFaultsAsSpansAndFinalityAsMarks) {
  const scenario::Scenario scenario = faulty();
  const Written written = write(scenario, {}, scenario.until);
  int begins = 0, ends = 0, final = 0;
  for (const json& row : written.document.at("traceEvents")) {
    if (row.at("ph") == "b" && row.at("name") == "split") ++begins;
    if (row.at("ph") == "e" && row.at("name") == "split") ++ends;
    if (row.at("name").get<std::string>().starts_with("final height")) ++final;
  }
  EXPECT_EQ(begins, 1);
  EXPECT_EQ(ends, 1);
  EXPECT_GT(final, 0);
}

TEST(TraceFile, ChangesNoDigest) {
  const scenario::Scenario scenario = faulty();
  const auto world = run::make(scenario);
  ASSERT_TRUE(world->run_until(scenario.until).has_value());
  EXPECT_EQ(write(scenario, {}, scenario.until).digest, world->simulator().digest());
}

TEST(TraceFile, HoldsAWindowOfTimeAndNodes) {
  const scenario::Scenario scenario = faulty();
  TraceWindow window{.from = Time{} + Duration::seconds(45), .to = Time{} + Duration::seconds(60)};
  window.nodes.assign(scenario.nodes.size(), false);
  for (const int node : {1, 2, 3, 4}) window.nodes[static_cast<std::size_t>(node)] = true;
  const Written written = write(scenario, window, window.to);
  check_rows(written.document);
  EXPECT_GT(written.counts.flows, 0u);
  std::set<std::string> tracks;
  bool split_runs = false;
  for (const json& row : written.document.at("traceEvents")) {
    if (row.at("name") == "thread_name") tracks.insert(row.at("args").at("name"));
    if (row.at("ph") == "b" && row.at("name") == "split") split_runs = true;
    if (row.at("ph") == "M") continue;
    EXPECT_GE(row.at("ts").get<double>(), 45e6);
    EXPECT_LE(row.at("ts").get<double>(), 60e6);
  }
  EXPECT_TRUE(split_runs) << "a fault that began before the window";
  EXPECT_EQ(tracks, (std::set<std::string>{"faults and finality", "validators-0", "validators-1",
                                           "validators-2", "validators-3"}));
}

TEST(TraceFile, EndsWhatHasBegunWhenItIsCut) {
  const scenario::Scenario scenario = faulty();
  const Written written = write(scenario, {.max_rows = 500}, scenario.until);
  EXPECT_TRUE(written.counts.cut);
  check_rows(written.document);
}

// Where a processor takes time, slices last as long as the handler and tell what it waited for.
TEST(TraceFile, SlicesLastAsLongAsTheProcessorTakes) {
  const scenario::Scenario scenario = run::load(
      run::text_of({.until = "40s", .more = "devices:\n  - {name: cpu, cpu_message: 2ms}\n"}));
  const Written written = write(scenario, {}, scenario.until);
  check_rows(written.document);
  int modelled = 0, waited = 0;
  for (const json& row : written.document.at("traceEvents")) {
    if (row.at("ph") != "X") continue;
    if (row.at("dur").get<double>() == 2000.0) ++modelled;
    if (row.at("args").contains("waited_us")) ++waited;
  }
  EXPECT_GT(modelled, 100);
  EXPECT_GT(waited, 10);
}

}  // namespace
}  // namespace orrery::inspect
