#include "reports/render/render.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "reports/render/figures.h"

namespace orrery::report {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kHostile =
    "</script><script>alert(1)</script><!-- \"quotes\" 'and' & {{data}}";

RunRecord small_record() {
  RunRecord r;
  r.scenario_name = "two miners";
  r.command = "orrery run two.yaml";
  r.digest = "0123456789abcdef0123456789abcdef";
  r.scenario_hash = "feedface";
  r.commit = "c0ffee";
  r.machine = "8 cores";
  r.seed = 7;
  r.virtual_seconds = 60;
  r.token_symbol = "AIGEN";
  r.asserts = {{"finality", "at_end finalized_height > 5", true, true, "10"}};
  r.invariants = {{"supply-conserved", "Sum is constant.", 1234567, 0, "", -1}};
  r.supply = {{"total", "1000000000000000000000000000"}};
  for (const double t : {0.0, 10.0}) {
    const bool later = t > 0;
    r.ledger.push_back({t, 1, "staked", later ? "2" : "1"});
    r.ledger.push_back(
        {t, 1, "rewards", later ? "999999999999999999999999998" : "999999999999999999999999999"});
  }
  r.rewards = {{"producer", "600000000000000000001"}, {"models", "199999999999999999999"}};
  r.nodes = {{"miner-0", "miners", "miner", "eu"}, {"miner-1", "miners", "miner", "us"}};
  r.nodes[0].peers = {1};
  r.nodes[1].peers = {0};
  return r;
}

std::size_t occurrences(const std::string& text, const std::string& part) {
  std::size_t n = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++n;
  return n;
}

std::string html_of(const RunRecord& record) {
  const auto html = render_html(record);
  EXPECT_TRUE(html) << html.error().message;
  return html ? *html : "";
}

TEST(Report, IsOnePageThatForbidsItselfTheNetwork) {
  const std::string html = html_of(small_record());
  EXPECT_TRUE(html.starts_with("<!doctype html>"));
  EXPECT_LE(html.size(), 5'000'000u);
  EXPECT_THAT(html, HasSubstr("default-src 'none'"));
  EXPECT_THAT(html, HasSubstr("plotly.js"));
  EXPECT_THAT(html, HasSubstr("MIT"));
  EXPECT_EQ(occurrences(html, "{{"), occurrences(html_of(RunRecord{}), "{{"));
}

TEST(Report, KeepsTextOfTheRunInsideItsDataElement) {
  RunRecord record = small_record();
  const std::size_t scripts = occurrences(html_of(record), "</script");
  record.task_rows = {{"t1", kHostile, kHostile, kHostile, kHostile}};
  record.task_rows[0].prompt = kHostile;
  record.task_rows[0].answer = "bytes \xFF\xFE";
  record.scenario_name = record.scenario_about = record.command = kHostile;
  record.nodes[0].name = record.nodes[0].role = kHostile;
  record.metrics = {{1, kHostile, 1}};
  record.ledger[0].pool = kHostile;
  const std::string html = html_of(record);
  EXPECT_EQ(occurrences(html, "</script"), scripts);
  EXPECT_THAT(html, Not(HasSubstr("<script>alert")));
  EXPECT_THAT(html, HasSubstr("&lt;/script&gt;&lt;script&gt;alert(1)"));  // the title
  EXPECT_THAT(html, HasSubstr("\\u003c/script>\\u003cscript>alert(1)"));  // the data
}

TEST(Report, MakesALargeRunFitAndSaysWhatItLeftOut) {
  RunRecord record = small_record();
  const std::string long_text(5000, 'x');
  for (std::uint32_t i = 0; i < 3000; ++i) {
    NodeRow node;
    node.name = "node-" + std::to_string(i);
    node.role = "miner";
    node.behaviour = i == 2999 ? "double-voter" : "honest";
    for (std::uint32_t k = 1; k <= 6; ++k) node.peers.push_back((i + k * 7) % 3000);
    record.nodes.push_back(node);
    record.nodes.back().peers = {i % 100};
    TaskRow task;
    task.id = task.state = "settled";
    task.prompt = task.answer = long_text;
    record.task_rows.push_back(task);
    for (const char* metric : {"height", "tasks.open", "peers.mean", "mempool.transactions"}) {
      record.metrics.push_back({0.1 * i, metric, i * 1.123456789});
    }
  }
  for (int i = 0; i < 120; ++i) {
    for (int t = 0; t < 700; ++t) {
      record.metrics.push_back({t * 0.123456789, "own." + std::to_string(i), t * 0.987654321});
    }
  }
  const std::string html = html_of(record);
  EXPECT_LE(html.size(), 5'000'000u);
  EXPECT_THAT(html, HasSubstr("of 3,000 tasks"));
  EXPECT_THAT(html, HasSubstr("of 3,002 nodes on the map"));
  EXPECT_THAT(html, HasSubstr("double-voter"));
}

TEST(Report, RefusesAPlotlyThatIsMissingOrTooLarge) {
  EXPECT_EQ(render_html(small_record(), {.plotly_js = "/nowhere/plotly.js"}).error().code,
            ErrorCode::kNotFound);
  const auto small = render_html(small_record(), {.max_bytes = 1000});
  ASSERT_FALSE(small);
  EXPECT_EQ(small.error().code, ErrorCode::kLimit);
}

TEST(Report, RefusesAPlotlyThatWouldEndItsOwnScript) {
  const std::string path =
      (std::filesystem::temp_directory_path() / "orrery-bad-plotly.js").string();
  std::ofstream(path) << "var a = '</script>';";
  const auto html = render_html(small_record(), {.plotly_js = path});
  std::filesystem::remove(path);
  ASSERT_FALSE(html);
  EXPECT_EQ(html.error().code, ErrorCode::kMalformed);
}

TEST(Report, RendersARecordWithNothingInIt) {
  EXPECT_THAT(html_of(RunRecord{}), HasSubstr("No ledger samples"));
  EXPECT_THAT(render_markdown(RunRecord{}), HasSubstr("No ledger samples"));
}

TEST(Supply, IsExactToTheLastBaseUnit) {
  const SupplyView view = supply_of(small_record());
  ASSERT_EQ(view.pools.size(), 2u);
  EXPECT_EQ(view.pools[0].pool, "rewards");  // where money starts stands first
  EXPECT_EQ(view.pools[0].change, "-1");
  EXPECT_EQ(view.pools[1].change, "1");
  EXPECT_EQ(view.total.end, "1000000000000000000000000000");
  EXPECT_TRUE(view.conserved);
  EXPECT_EQ(total_rewards(small_record()), "800000000000000000000");
}

TEST(Supply, OneLostBaseUnitIsSeen) {
  RunRecord record = small_record();
  record.ledger.back().amount = "999999999999999999999999997";
  const SupplyView view = supply_of(record);
  EXPECT_FALSE(view.conserved);
  EXPECT_EQ(view.statement,
            "At 10 s the pools add up to 999,999,999.999999999999999999 AIGEN, expected "
            "1,000,000,000 AIGEN.");
}

TEST(Supply, AnAmountThatIsNoNumberIsNotCalledConserved) {
  RunRecord record = small_record();
  record.ledger.front().amount = "1e27";
  const SupplyView view = supply_of(record);
  EXPECT_FALSE(view.conserved);
  EXPECT_THAT(view.statement, HasSubstr("1e27"));
}

TEST(Verdict, NamesTheWorstFirst) {
  RunRecord record = small_record();
  EXPECT_EQ(verdict_of(record).state, "held");
  EXPECT_THAT(verdict_of(record).text, HasSubstr("1,234,567 checks"));
  record.partial = true;
  EXPECT_EQ(verdict_of(record).state, "partial");
  record.invariants[0].violations = 1;
  EXPECT_EQ(verdict_of(record).state, "violated");
  EXPECT_THAT(verdict_of(record).text, HasSubstr("in the part that ran"));
}

TEST(Verdict, IsNotHeldWhereNothingWasChecked) {
  RunRecord record;
  EXPECT_EQ(verdict_of(record).state, "unchecked");
  record.invariants = {{"supply-conserved", "Sum is constant.", 0, 0, "", -1}};
  EXPECT_EQ(verdict_of(record).state, "unchecked");
  record.invariants[0].checks = 1;
  EXPECT_EQ(verdict_of(record).state, "held");
}

TEST(Distribution, HasTheFiguresOfAllValues) {
  const Distribution d = distribution_of({5, 1, 3, 7});
  EXPECT_THAT(d.sorted, ::testing::ElementsAre(1, 3, 5, 7));
  EXPECT_DOUBLE_EQ(d.mean, 4);
  EXPECT_DOUBLE_EQ(d.deviation * d.deviation, 5);
  EXPECT_DOUBLE_EQ(d.median, 3);
  EXPECT_DOUBLE_EQ(distribution_of({}).mean, 0);
}

TEST(Sampling, KeepsTheEndsOrBreaksThePeriod) {
  EXPECT_THAT(spread(10, 4), ::testing::ElementsAre(0, 3, 6, 9));
  EXPECT_THAT(spread(3, 5), ::testing::ElementsAre(0, 1, 2));
  EXPECT_THAT(spread(3, 1), ::testing::ElementsAre(0));
  EXPECT_THAT(spread(0, 1), ::testing::IsEmpty());
  std::size_t odd = 0;
  for (const std::size_t i : scattered(2000, 1000)) odd += i % 2;
  EXPECT_NEAR(static_cast<double>(odd), 500, 60);
}

TEST(Markdown, TellsTheRunInShort) {
  RunRecord record = small_record();
  record.asserts[0].ok = false;
  record.asserts[0].seen = "a | b\n<b>";
  const std::string text = render_markdown(record);
  EXPECT_THAT(text, HasSubstr("**violated**"));
  EXPECT_THAT(text, HasSubstr("assertion **finality** failed"));
  EXPECT_THAT(text, HasSubstr("a \\| b \\<b\\>"));
  EXPECT_THAT(text, HasSubstr("| producer | 600.000000000000000001 |"));
  EXPECT_THAT(text, HasSubstr("| total | 800.000000000000000000 |"));
  EXPECT_THAT(text, HasSubstr("- seed: 7"));
}

}  // namespace
}  // namespace orrery::report
