// Run directories as the verbs write them and open them again.
#pragma once

#include <optional>
#include <string>

#include "harness/run/replay_file.h"
#include "reports/record/run_record.h"

namespace orrery::cli {

struct RunFiles {
  std::string given_yaml;  // the scenario file as the user wrote it
  std::string lock_json;
  run::ReplayFile replay;
  bool report = true;  // render report.html
};

std::string read_text(const std::string& path);

// Into record.run_dir.
Status write_run(const report::RunRecord& record, const RunFiles& files);

// What makes a run again.
struct RunAgain {
  scenario::Scenario scenario;
  std::optional<run::Branch> branch;
  Time until{};
  std::string digest;  // recorded

  // With what the branch adds.
  const scenario::Scenario& whole() const { return branch ? branch->scenario : scenario; }
};
// kNotFound and kMalformed with the path.
Result<RunAgain> open_run(const std::string& dir);

}  // namespace orrery::cli
