#include "harness/cli/run_files.h"

#include <fstream>
#include <sstream>

#include "reports/record/write.h"
#include "reports/render/render.h"

namespace orrery::cli {

std::string read_text(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

Status write_run(const report::RunRecord& record, const RunFiles& files) {
  // The replay file first: a directory without it could not be repeated.
  TRY(report::write_file_atomically(record.run_dir + "/replay.json", encode(files.replay)));
  TRY(report::write_run_directory(
      record, record.run_dir, {.given_yaml = files.given_yaml, .lock_json = files.lock_json}));
  if (!files.report) return {};
  // By far the largest, and `report` makes it again.
  ASSIGN_OR_RETURN(const std::string html, report::render_html(record));
  return report::write_file_atomically(record.run_dir + "/report.html", html);
}

Result<RunAgain> open_run(const std::string& dir) {
  const std::string path = dir + "/replay.json";
  ASSIGN_OR_RETURN(const run::ReplayFile replay, run::read_replay_file(path));
  RunAgain again{.until = Time{replay.until_ns}, .digest = replay.digest};
  ASSIGN_OR_RETURN(again.scenario, run::load_replay(replay, path));
  ASSIGN_OR_RETURN(again.branch, run::load_replay_branch(replay, path));
  return again;
}

}  // namespace orrery::cli
