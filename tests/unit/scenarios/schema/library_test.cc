#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include <nlohmann/json.hpp>

#include "scenarios/schema/schema.h"
#include "tests/unit/scenarios/schema/support.h"

namespace orrery::scenario {
namespace {

namespace fs = std::filesystem;

std::vector<fs::path> library_files(bool negative) {
  std::vector<fs::path> out;
  for (const auto& entry : fs::recursive_directory_iterator(root() + "/scenarios/library")) {
    const std::string folder = entry.path().parent_path().filename().string();
    const bool part = folder == "parts" && entry.path().filename() != "small.yaml";
    if (entry.path().extension() == ".yaml" && (folder == "negative") == negative && !part) {
      out.push_back(entry.path());
    }
  }
  std::sort(out.begin(), out.end());
  return out;
}

TEST(Library, LoadsEveryFile) {
  const auto files = library_files(false);
  EXPECT_GE(files.size(), 5u);
  for (const fs::path& file : files) {
    const LoadOutcome s = load_file(file.string(), options());
    EXPECT_TRUE(s) << all_messages(s);
  }
}

TEST(Library, QuickstartPutsNeitherSideOfTheSplitAboveTwoThirds) {
  const LoadOutcome s = load_file(root() + "/scenarios/library/quickstart.yaml", options());
  ASSERT_TRUE(s) << all_messages(s);
  EXPECT_EQ(s->nodes.size(), 39u);
  u128 total = 0;
  for (const NodeSpec& node : s->nodes) total += node.stake;
  const auto& split = s->timeline.at(1);
  ASSERT_EQ(split.sides.size(), 2u);
  EXPECT_EQ(split.sides[0].size() + split.sides[1].size(), s->nodes.size());
  for (const auto& side : split.sides) {
    u128 stake = 0, votes = 0;
    for (const std::uint32_t i : side) {
      stake += s->nodes[i].stake;
      votes += s->nodes[i].role == Role::kValidator ? 1 : 0;
    }
    EXPECT_TRUE(stake * 3 <= total * 2);
    EXPECT_TRUE(votes * 3 <= u128{5} * 2);
  }
}

TEST(NegativeLibrary, GivesTheExpectedMessageAtTheExpectedPlaceAndNothingElse) {
  const auto files = library_files(true);
  EXPECT_GE(files.size(), 30u);
  for (const fs::path& file : files) {
    std::ifstream in(file);
    std::string expect, at;
    std::getline(in, expect);
    std::getline(in, at);
    ASSERT_EQ(expect.rfind("# expect: ", 0), 0u) << file;
    ASSERT_EQ(at.rfind("# at: ", 0), 0u) << file;
    const LoadOutcome s = load_file(file.string(), options());
    EXPECT_FALSE(s) << file << " loads";
    if (s) continue;
    EXPECT_EQ(s.error().size(), 1u) << all_messages(s);
    const std::string message = format(s.error().front());
    EXPECT_NE(message.find(expect.substr(10)), std::string::npos)
        << message << "\nexpected: " << expect.substr(10);
    // line:column of the file itself, or of another one beside it: data/x.csv:3:7
    const std::string where = at.substr(6);
    const bool beside = where.find_first_not_of("0123456789:") != std::string::npos;
    const std::string place = (beside ? (file.parent_path() / where).lexically_normal().string()
                                      : file.string() + ":" + where) +
                              ": ";
    EXPECT_EQ(message.rfind(place, 0), 0u) << message << "\nexpected at " << at.substr(6);
  }
}

// --- schema
// -------------------------------------------------------------------------------------------

void schema_keys(const nlohmann::json& schema, const std::string& path,
                 std::set<std::string>& out) {
  const nlohmann::json& object = schema.contains("items") ? schema["items"] : schema;
  if (!object.contains("properties")) return;
  EXPECT_EQ(object["additionalProperties"], false) << path;
  for (const auto& [key, value] : object["properties"].items()) {
    const std::string full = path.empty() ? key : path + "." + key;
    out.insert(full);
    schema_keys(value, full, out);
  }
}

TEST(Schema, ListsExactlyTheKeysOfTheLoader) {
  const auto schema = nlohmann::json::parse(json_schema());
  std::set<std::string> found;
  schema_keys(schema, "", found);
  const std::vector<std::string> keys = known_keys();
  EXPECT_EQ(found, std::set<std::string>(keys.begin(), keys.end()));
  EXPECT_GT(keys.size(), 120u);
  for (const char* key : {"chain.work.credit_blocks", "network.between.latency"}) {
    EXPECT_EQ(found.count(key), 1u) << key;
  }
}

TEST(Schema, HasAKeyForEveryMemberOfTheChainParameters) {
  const auto schema = nlohmann::json::parse(json_schema())["properties"]["chain"]["properties"];
  // All but seeded_bug, which is the key debug.seeded_bug of test builds.
  EXPECT_EQ(schema.size() + 1, member_count<chain::ChainParams>());
  const auto keys = [&](const char* section) { return schema[section]["properties"].size(); };
  EXPECT_EQ(keys("token"), member_count<chain::TokenParams>());
  EXPECT_EQ(keys("rewards"), member_count<chain::RewardParams>());
  EXPECT_EQ(keys("fees"), member_count<chain::FeeParams>());
  EXPECT_EQ(keys("stake"), member_count<chain::StakeParams>());
  EXPECT_EQ(keys("consensus"), member_count<chain::ConsensusParams>());
  EXPECT_EQ(keys("work"), member_count<chain::WorkParams>());
  EXPECT_EQ(keys("mempool"), member_count<chain::MempoolParams>());
  EXPECT_EQ(keys("network"), member_count<chain::NetworkParams>());
}

TEST(Schema, GivesDefaultsThatTheLoaderReadsBackToTheSameScenario) {
  const auto schema = nlohmann::json::parse(json_schema());
  const LoadOutcome plain = load_small();
  ASSERT_TRUE(plain) << all_messages(plain);
  int count = 0;
  for (const auto& [section, properties] : schema["properties"]["chain"]["properties"].items()) {
    if (!properties.contains("properties")) continue;
    for (const auto& [key, value] : properties["properties"].items()) {
      ASSERT_TRUE(value.contains("default")) << section << "." << key;
      const auto& given = value["default"];
      LoadOptions with = options();
      with.overrides = {{"chain." + section + "." + key,
                         given.is_string() ? given.get<std::string>() : given.dump()}};
      const LoadOutcome s = load_small("", with);
      ASSERT_TRUE(s) << all_messages(s);
      EXPECT_EQ(s->canonical_json, plain->canonical_json) << section << "." << key;
      ++count;
    }
  }
  EXPECT_GT(count, 50);
}

TEST(Schema, ReferenceNamesEveryKey) {
  const std::string text = reference_markdown();
  for (const std::string& key : known_keys()) {
    const std::string last = key.substr(key.rfind('.') + 1);
    EXPECT_NE(text.find("| `" + last + "` |"), std::string::npos) << key;
  }
}

// Runs the reference implementation of JSON Schema over the library, where there is one.
TEST(Schema, AcceptsEveryFileOfTheLibrary) {
  if (std::system("python3 -c 'import jsonschema' >/dev/null 2>&1") != 0) {
    GTEST_SKIP() << "python3 has no jsonschema";
  }
  const fs::path folder = fs::path(::testing::TempDir()) / "orrery_schema_test";
  fs::create_directories(folder);
  std::ofstream(folder / "schema.json") << json_schema();
  // Files after the schema; those named bad_* must fail.
  std::ofstream(folder / "check.py")
      << "import json, os, sys, jsonschema\n"
         "schema = json.load(open(sys.argv[1]))\n"
         "jsonschema.Draft202012Validator.check_schema(schema)\n"
         "validator = jsonschema.Draft202012Validator(schema)\n"
         "wrong = 0\n"
         "for path in sys.argv[2:]:\n"
         "    errors = [f'{e.json_path}: {e.message}' for e in "
         "validator.iter_errors(json.load(open(path)))]\n"
         "    if bool(errors) != os.path.basename(path).startswith('bad_'):\n"
         "        wrong += 1\n"
         "        print(path, errors or 'passes')\n"
         "print(len(sys.argv) - 2, 'documents')\n"
         "sys.exit(3 if wrong else 0)\n";
  std::string command =
      "python3 " + (folder / "check.py").string() + " " + (folder / "schema.json").string();
  int count = 0;
  const auto add = [&](const fs::path& file, const std::string& prefix) {
    const fs::path copy = folder / (prefix + file.stem().string() + ".json");
    std::ofstream(copy) << document_json(file.string());
    command += " " + copy.string();
    ++count;
  };
  for (const fs::path& file : library_files(false)) add(file, "good_");
  for (const char* name : {"unknown-key", "unknown-nested-key", "bare-duration", "wrong-dimension",
                           "out-of-range", "unknown-choice", "missing-key", "map-for-value",
                           "key-of-another-fault", "crash-without-targets", "amount-of-chat",
                           "two-conditions", "no-models", "unsupported-sweep"}) {
    add(root() + "/scenarios/library/negative/" + name + ".yaml", "bad_");
  }
  const int status = std::system((command + " >" + (folder / "out").string() + " 2>&1").c_str());
  std::ifstream in(folder / "out");
  std::stringstream text;
  text << in.rdbuf();
  EXPECT_EQ(WEXITSTATUS(status), 0) << text.str();
  EXPECT_NE(text.str().find(std::to_string(count) + " documents"), std::string::npos) << text.str();
  fs::remove_all(folder);
}

}  // namespace
}  // namespace orrery::scenario
