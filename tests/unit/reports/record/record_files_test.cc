#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <cmath>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <limits>
#include <sstream>

#include "engine/base/hash.h"
#include "reports/record/metrics.h"
#include "reports/record/read.h"
#include "reports/record/write.h"

namespace orrery::report {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::Not;

// Awkward values on purpose: integers beyond doubles, bytes that are no text, NaN.
RunRecord full_record() {
  RunRecord r;
  r.scenario_name = "seven-miners";
  r.scenario_about = "about \"quotes\" and \xE2\x82\xAC";
  r.scenario_path = "scenarios/library/seven.yaml";
  r.scenario_hash = std::string(64, 'a');
  r.command = "orrery run seven.yaml";
  r.commit = "abc123";
  r.machine = "8 cores";
  r.compiler = "g++ 12";
  r.version = "0.1.0";
  r.seed = std::numeric_limits<std::uint64_t>::max();
  r.digest = std::string(32, 'd');
  r.virtual_seconds = 0.1 + 0.2;
  r.wall_seconds = 1e-9;
  r.events = (1ULL << 53) + 1;  // not a double
  r.height = 12;
  r.finalized_height = 10;
  r.partial = true;
  r.exit = 130;
  r.run_dir = "out/run";
  r.token_symbol = "AIGEN";
  r.token_decimals = 6;
  r.tasks = {{"requested", 3}, {"settled", 2}, {"queued", 1}};
  r.supply = {{"liquid", "999999999999999999999999999"},
              {"burnt", "1"},
              {"total", "1000000000000000000000000000"}};
  r.nodes = {{"miner-0",
              "miners",
              "miner",
              "eu",
              12,
              10,
              std::string(32, 'e'),
              {1, 0},
              5,
              6,
              2,
              "7",
              true,
              "lazy"},
             {"user-0", "users", "user", "us"}};
  r.blocks = {
      {1, 3, 3.5, "h1", "h0", "miner-0", 1, 2, 3, 4, 5, true, 7.25, "60", "20", "15", "5", "1"}};
  r.task_rows = {{"t1", "chat", "user-0", "miner-0,miner-1", "settled", 1, 2, 1.5, 9.5, 16, 1000,
                  "5", "4", "a, \"b\"\nc </script>", "bytes \xFF\x00 end"}};
  r.task_rows[0].answer = std::string("bytes \xFF\x00 end", 11);
  r.ledger = {{10, 1, "liquid", "999999999999999999999999999"}, {10, 1, "burnt", "1"}};
  r.metrics = {
      {10, "height", 1}, {20, "peers.mean", std::nan("")}, {30, "supply.error", -INFINITY}};
  r.faults = {{1, "cut", "partition", "eu | us", "two sides", 60, 90}};
  r.invariants = {{"supply-conserved", "Sum is constant.", 100, 1, "at 5s: 1 != 2", 5.0}};
  r.asserts = {{"finality", "at_end finalized_height > 5", true, true, "10"}};
  r.slashes = {{44.5, 4, "miner-0", "wrong-inference", "1000", "output differs"}};
  r.rewards = {{"producer", "600"}};
  return r;
}

std::string slurp(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

class RecordFiles : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "orrery-record-XXXXXX").string();
    dir_ = ::mkdtemp(name.data());
  }
  void TearDown() override { fs::remove_all(dir_); }
  fs::path dir_;
};

TEST(Record, ComesBackFromItsJsonWithoutLoss) {
  const RunRecord record = full_record();
  const std::string text = record_json(record);
  const auto again = parse_record(text);
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(record_json(*again), text);
  EXPECT_EQ(again->seed, record.seed);
  EXPECT_EQ(again->events, record.events);
  EXPECT_EQ(again->virtual_seconds, record.virtual_seconds);
  EXPECT_EQ(again->supply, record.supply);
  EXPECT_EQ(again->tasks, record.tasks);
  EXPECT_EQ(again->exit, 130);
  EXPECT_TRUE(again->partial);
  ASSERT_EQ(again->nodes.size(), 2u);
  EXPECT_EQ(again->nodes[0].peers, record.nodes[0].peers);
  EXPECT_TRUE(again->nodes[0].slashed);
  EXPECT_EQ(again->task_rows[0].prompt, record.task_rows[0].prompt);
  EXPECT_EQ(again->task_rows[0].answer, record.task_rows[0].answer);
  EXPECT_EQ(again->blocks[0].fees, "1");
  EXPECT_TRUE(std::isnan(again->metrics[1].value));
  EXPECT_EQ(again->metrics[2].value, -INFINITY);
  EXPECT_EQ(again->invariants[0].first_violation, "at 5s: 1 != 2");
}

TEST(Record, RefusesWhatIsCutOffOrOfAnotherSchema) {
  const std::string text = record_json(full_record());
  EXPECT_EQ(parse_record("").error().code, ErrorCode::kMalformed);
  EXPECT_EQ(parse_record(std::string_view(text).substr(0, text.size() / 2)).error().code,
            ErrorCode::kMalformed);
  EXPECT_EQ(parse_record("[]").error().code, ErrorCode::kMalformed);
  EXPECT_EQ(parse_record(R"({"schema":"orrery.record/9"})").error().code, ErrorCode::kUnsupported);
  EXPECT_EQ(parse_record(std::string(200'000, '[')).error().code, ErrorCode::kMalformed);
}

TEST(Record, NamesTheMemberThatIsWrong) {
  const std::string good = record_json(full_record());
  const auto error_after = [&good](const std::string& from, const std::string& to) {
    std::string text = good;
    const std::size_t at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    text.replace(at, from.size(), to);
    const auto record = parse_record(text);
    EXPECT_FALSE(record) << to;
    return record ? std::string() : record.error().message;
  };
  EXPECT_THAT(error_after("\"seed\":18446744073709551615", "\"seed\":-1"), HasSubstr("bad seed"));
  EXPECT_THAT(error_after("\"seed\":18446744073709551615", "\"sead\":1"), HasSubstr("no \"seed\""));
  EXPECT_THAT(error_after("\"token_decimals\":6", "\"token_decimals\":4294967296"),
              HasSubstr("token_decimals"));
  EXPECT_THAT(error_after("\"partial\":true", "\"partial\":1"), HasSubstr("bad partial"));
  EXPECT_THAT(error_after("\"columns\":[\"time_s\",\"height\",\"pool\"",
                          "\"columns\":[\"time\",\"height\",\"pool\""),
              HasSubstr("ledger has no column \"time_s\""));
  EXPECT_THAT(error_after("[10.0,1,\"burnt\",\"1\"]", "[10.0,1,\"burnt\"]"),
              HasSubstr("ledger row 1"));
  EXPECT_THAT(error_after("[10.0,1,\"burnt\",\"1\"]", "[10.0,1,\"burnt\",1]"),
              HasSubstr("bad amount"));
  EXPECT_THAT(error_after("[1,0]", "[1,2]"), HasSubstr("miner-0 has peer 2 of 2"));
}

TEST(Record, IgnoresColumnsItDoesNotKnow) {
  std::string text = record_json(full_record());
  const std::string from = R"({"columns":["role","amount"],"rows":[["producer","600"]]})";
  const std::size_t at = text.find(from);
  ASSERT_NE(at, std::string::npos);
  text.replace(at, from.size(),
               R"({"columns":["new","amount","role"],"rows":[[7,"600","producer"]]})");
  const auto record = parse_record(text);
  ASSERT_TRUE(record) << record.error().message;
  EXPECT_EQ(record->rewards[0].role, "producer");
  EXPECT_EQ(record->rewards[0].amount, "600");
}

TEST(Summary, HoldsTheFieldsOfTheJsonContract) {
  const std::string text = summary_json(full_record());
  for (const char* part :
       {R"("schema":"orrery.run/1")", R"("digest":"dddd)", R"("seed":18446744073709551615)",
        R"("scenario_hash":"aaaa)", R"("virtual_seconds":0.30000000000000004)",
        R"("wall_seconds":1e-09)", R"("events":9007199254740993)", R"("nodes":2)", R"("height":12)",
        R"("finalized_height":10)",
        R"("tasks":{"requested":3,"settled":2,"refunded":0,"slashed":0,"queued":1})",
        R"("total":"1000000000000000000000000000")", R"("liquid":"999999999999999999999999999")",
        R"("invariants":[{"name":"supply-conserved","checks":100,"violations":1}])",
        R"("asserts":[{"name":"finality","ok":true}])", R"("exit":130)", R"("run_dir":"out/run")",
        R"("partial":true)"}) {
    EXPECT_THAT(text, HasSubstr(part));
  }
  EXPECT_THAT(text, Not(HasSubstr("\n")));
}

TEST_F(RecordFiles, WritesTheWholeRunDirectory) {
  const std::string run = (dir_ / "a" / "b").string();
  const auto status = write_run_directory(full_record(), run, {"name: x\n", "{}"});
  ASSERT_TRUE(status) << status.error().message;
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(run)) names.push_back(entry.path().filename());
  EXPECT_THAT(names, ::testing::UnorderedElementsAre("scenario.yaml", "scenario.lock.json",
                                                     "record.json", "summary.json", "asserts.json",
                                                     "metrics.csv", "ledger.csv", "blocks.csv",
                                                     "tasks.csv", "nodes.csv", "manifest.json"));
  EXPECT_EQ(slurp(fs::path(run) / "scenario.yaml"), "name: x\n");
  EXPECT_EQ(slurp(fs::path(run) / "summary.json"), summary_json(full_record()) + "\n");
  const auto back = read_record(run);
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(record_json(*back), record_json(full_record()));
}

TEST_F(RecordFiles, WritesTidyCsv) {
  ASSERT_TRUE(write_run_directory(full_record(), dir_.string(), {}));
  EXPECT_EQ(slurp(dir_ / "metrics.csv"),
            "time_s,metric,value\n10,height,1\n20,peers.mean,nan\n30,supply.error,-inf\n");
  EXPECT_EQ(slurp(dir_ / "ledger.csv"),
            "time_s,height,pool,amount\n10,1,liquid,999999999999999999999999999\n10,1,burnt,1\n");
  EXPECT_THAT(slurp(dir_ / "tasks.csv"),
              HasSubstr("\"miner-0,miner-1\",settled,1,2,1.5,9.5,16,1000,5,4,"
                        "\"a, \"\"b\"\"\nc </script>\",bytes \xEF\xBF\xBD"));
  EXPECT_THAT(slurp(dir_ / "blocks.csv"),
              HasSubstr("\n1,3,3.5,h1,h0,miner-0,1,2,3,4,5,true,7.25,60,20,15,5,1\n"));
}

TEST_F(RecordFiles, ManifestAccountsForEveryFile) {
  ASSERT_TRUE(write_run_directory(full_record(), dir_.string(), {"name: x\n", "{}"}));
  const std::string manifest = slurp(dir_ / "manifest.json");
  for (const auto& entry : fs::directory_iterator(dir_)) {
    if (entry.path().filename() == "manifest.json") continue;
    EXPECT_THAT(manifest, HasSubstr(entry.path().filename().string()));
    EXPECT_THAT(manifest, HasSubstr(to_hex(sha256(as_bytes(slurp(entry.path()))))));
  }
  for (const char* part :
       {"\"commit\": \"abc123\"", "\"machine\": \"8 cores\"", "\"version\": \"0.1.0\"",
        "\"seed\": 18446744073709551615", "\"ledger\": 2", "\"nodes\": 2"}) {
    EXPECT_THAT(manifest, HasSubstr(part));
  }
}

TEST_F(RecordFiles, SaysWhichFileCouldNotBeWritten) {
  std::ofstream(dir_ / "file") << "x";
  const auto inside_a_file =
      write_run_directory(full_record(), (dir_ / "file" / "run").string(), {});
  ASSERT_FALSE(inside_a_file);
  EXPECT_EQ(inside_a_file.error().code, ErrorCode::kIo);
  EXPECT_THAT(inside_a_file.error().message, HasSubstr((dir_ / "file").string()));
  fs::create_directories(dir_ / "run" / "record.json");
  const auto in_the_way = write_run_directory(full_record(), (dir_ / "run").string(), {});
  ASSERT_FALSE(in_the_way);
  EXPECT_THAT(in_the_way.error().message, HasSubstr("record.json: Is a directory"));
  EXPECT_FALSE(fs::exists(dir_ / "run" / "manifest.json"));
}

// A file size limit stands in for a full disk: write() fails in the middle of the file either way.
TEST_F(RecordFiles, LeavesTheOldFileWhenTheDiskFillsUp) {
  const std::string path = (dir_ / "summary.json").string();
  ASSERT_TRUE(write_file_atomically(path, "old"));
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  ::getrlimit(RLIMIT_FSIZE, &before);
  const rlimit small{1024, before.rlim_max};
  ::setrlimit(RLIMIT_FSIZE, &small);
  const auto status = write_file_atomically(path, std::string(5000, 'x'));
  ::setrlimit(RLIMIT_FSIZE, &before);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, ErrorCode::kIo);
  EXPECT_THAT(status.error().message, HasSubstr("summary.json"));
  EXPECT_EQ(slurp(path), "old");
  EXPECT_EQ(std::distance(fs::directory_iterator(dir_), {}), 1);
}

TEST_F(RecordFiles, ReportsAMissingRecord) {
  EXPECT_EQ(read_record((dir_ / "none.json").string()).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(read_record(dir_.string()).error().code, ErrorCode::kNotFound);
}

TEST(Metrics, AreNamedOnceAndExplained) {
  for (const MetricInfo& metric : metric_registry()) {
    EXPECT_EQ(find_metric(metric.name), &metric) << metric.name;
    EXPECT_FALSE(metric.meaning.empty()) << metric.name;
    EXPECT_TRUE(metric.meaning.ends_with('.')) << metric.name;
  }
  EXPECT_EQ(find_metric("heights"), nullptr);
  ASSERT_NE(find_metric("tasks.settled"), nullptr);
  EXPECT_EQ(find_metric("tasks.settled")->kind, MetricKind::kCounter);
}

}  // namespace
}  // namespace orrery::report
