// What once failed does not fail any more: every scenario of the library's regressions, run twice.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "harness/run/replay_file.h"
#include "harness/sweep/trial.h"
#include "scenarios/schema/load.h"

namespace orrery::sweep {
namespace {

namespace fs = std::filesystem;

std::vector<fs::path> files() {
  const char* root = std::getenv("ORRERY_ROOT");
  std::vector<fs::path> found;
  for (const auto& entry :
       fs::directory_iterator(fs::path(root ? root : ".") / "scenarios/library/regressions")) {
    if (entry.path().extension() == ".yaml") found.push_back(entry.path());
  }
  std::sort(found.begin(), found.end());
  return found;
}

class Regressions : public testing::TestWithParam<fs::path> {};

TEST_P(Regressions, StayMended) {
  const auto scenario = scenario::load_file(GetParam().string(), run::loader_options({}));
  ASSERT_TRUE(scenario) << scenario::format(scenario.error().front());
  const auto trial = run_trial(*scenario, {.again = true});
  ASSERT_TRUE(trial) << trial.error().message;
  EXPECT_FALSE(trial->failure) << trial->failure->name << ": " << trial->failure->text;
}

INSTANTIATE_TEST_SUITE_P(All, Regressions, testing::ValuesIn(files()), [](const auto& test) {
  std::string name = test.param.stem().string();
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
});

}  // namespace
}  // namespace orrery::sweep
