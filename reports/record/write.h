// The files of a run. Called once, after the run ended or was interrupted; nothing here changes the
// record. All functions may be called from any thread.
#pragma once

#include <string>
#include <string_view>

#include "engine/base/result.h"
#include "reports/record/run_record.h"

namespace orrery::report {

struct ScenarioTexts {
  std::string given_yaml;  // the file as the user wrote it
  std::string lock_json;   // resolved and canonical; its SHA-256 is the scenario hash
};

// Writes scenario.yaml, scenario.lock.json, record.json, summary.json, asserts.json, metrics.csv,
// ledger.csv, blocks.csv, tasks.csv, nodes.csv and, last, manifest.json, which lists the others
// with bytes, SHA-256 and row counts: a directory without a manifest is unfinished. `dir` and its
// parents are made. Every file is written aside and renamed, so a reader sees the old or the new
// one, whole. kIo names the file and the system's reason (disk full, not writable); the temporary
// file is gone.
Status write_run_directory(const RunRecord& record, const std::string& dir,
                           const ScenarioTexts& texts);

// One file, written aside in the same directory and renamed. For what others add to a run directory
// (the rendered report).
Status write_file_atomically(const std::string& path, std::string_view content);

// The object that `orrery run --json` prints, one line without a newline: schema "orrery.run/1".
std::string summary_json(const RunRecord& record);

// record.json: schema "orrery.record/1"; the complete record, read back by read.h without loss.
// Tables are {"columns": [...], "rows": [[...], ...]}.
std::string record_json(const RunRecord& record);

}  // namespace orrery::report
