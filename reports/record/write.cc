#include "reports/record/write.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>

#include "engine/base/hash.h"
#include "reports/record/fields.h"
#include "reports/record/text.h"

namespace orrery::report {
namespace {

using Json = nlohmann::ordered_json;

tl::unexpected<Error> io_error(const std::string& path, int reason) {
  return fail(ErrorCode::kIo, "cannot write " + path + ": " + std::strerror(reason));
}

// Returns 0 or errno.
int write_all(int file, std::string_view content) {
  while (!content.empty()) {
    const ssize_t written = ::write(file, content.data(), content.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return errno;
    content.remove_prefix(static_cast<std::size_t>(written));
  }
  return 0;
}

std::string cell(const std::string& value) { return csv_cell(to_utf8(value)); }
std::string cell(bool value) { return value ? "true" : "false"; }
std::string cell(const std::vector<std::uint32_t>& values) {
  return fmt::format("{}", fmt::join(values, " "));
}
template <class Value>
requires std::is_arithmetic_v<Value> std::string cell(Value value) {
  return fmt::format("{}", value);  // doubles: the shortest text that reads back to the same value
}

template <class Row>
std::string csv(const std::vector<Row>& table) {
  std::string out;
  const auto end_line = [&out] { out.back() = '\n'; };  // in place of the last comma
  const Row blank;
  fields(blank, [&](const char* name, const auto&) { out.append(name).append(","); });
  end_line();
  for (const Row& row : table) {
    fields(row, [&](const char*, const auto& value) { out.append(cell(value)).append(","); });
    end_line();
  }
  return out;
}

std::string asserts_json(const RunRecord& record) {
  Json asserts = Json::array();
  for (const AssertRow& row : record.asserts) {
    asserts.push_back({{"name", to_utf8(row.name)},
                       {"text", to_utf8(row.text)},
                       {"ok", row.ok},
                       {"seen", to_utf8(row.seen)}});
  }
  Json invariants = Json::array();
  for (const InvariantRow& row : record.invariants) {
    invariants.push_back({{"name", to_utf8(row.name)},
                          {"about", to_utf8(row.about)},
                          {"checks", row.checks},
                          {"violations", row.violations},
                          {"first_violation", to_utf8(row.first_violation)},
                          {"first_violation_s", row.first_violation_s}});
  }
  return Json{{"schema", "orrery.asserts/1"},
              {"partial", record.partial},
              {"asserts", std::move(asserts)},
              {"invariants", std::move(invariants)}}
             .dump(1) +
         "\n";
}

// The files of one run directory on their way to disk, and what the manifest says of them.
class RunDirectory {
 public:
  explicit RunDirectory(std::filesystem::path dir) : dir_(std::move(dir)) {}

  Status add(const char* name, std::string_view content, std::optional<std::size_t> rows = {}) {
    TRY(write_file_atomically((dir_ / name).string(), content));
    Json entry = {{"bytes", content.size()}, {"sha256", to_hex(sha256(as_bytes(content)))}};
    if (rows) entry["rows"] = *rows;
    files_[name] = std::move(entry);
    return {};
  }

  Status finish(const RunRecord& record) {
    Json rows = Json::object();
    table_fields(record, [&](const char* name, const auto& table) { rows[name] = table.size(); });
    const Json manifest = {{"schema", "orrery.manifest/1"},
                           {"scenario", to_utf8(record.scenario_name)},
                           {"scenario_path", to_utf8(record.scenario_path)},
                           {"scenario_hash", to_utf8(record.scenario_hash)},
                           {"seed", record.seed},
                           {"digest", to_utf8(record.digest)},
                           {"command", to_utf8(record.command)},
                           {"commit", to_utf8(record.commit)},
                           {"version", to_utf8(record.version)},
                           {"compiler", to_utf8(record.compiler)},
                           {"machine", to_utf8(record.machine)},
                           {"partial", record.partial},
                           {"exit", record.exit},
                           {"rows", std::move(rows)},
                           {"files", files_}};
    return write_file_atomically((dir_ / "manifest.json").string(), manifest.dump(1) + "\n");
  }

 private:
  std::filesystem::path dir_;
  Json files_ = Json::object();
};

}  // namespace

Status write_file_atomically(const std::string& path, std::string_view content) {
  // The process id keeps two writers of one directory from sharing a temporary file.
  const std::string aside = fmt::format("{}.{}.tmp", path, ::getpid());
  const int file = ::open(aside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (file < 0) return io_error(path, errno);
  int reason = write_all(file, content);
  if (::close(file) != 0 && reason == 0) reason = errno;  // where delayed writes report a full disk
  if (reason == 0 && ::rename(aside.c_str(), path.c_str()) != 0) reason = errno;
  if (reason == 0) return {};
  ::unlink(aside.c_str());
  return io_error(path, reason);
}

Status write_run_directory(const RunRecord& record, const std::string& dir,
                           const ScenarioTexts& texts) {
  std::error_code error;
  std::filesystem::create_directories(dir, error);
  if (error) return fail(ErrorCode::kIo, "cannot make directory " + dir + ": " + error.message());
  std::filesystem::remove(std::filesystem::path(dir) / "manifest.json",
                          error);  // of an earlier run

  RunDirectory files(dir);
  // Small ones first: of a disk that fills up, people get as much as it holds.
  TRY(files.add("scenario.yaml", texts.given_yaml));
  TRY(files.add("summary.json", summary_json(record) + "\n"));
  TRY(files.add("asserts.json", asserts_json(record)));
  TRY(files.add("scenario.lock.json", texts.lock_json));
  TRY(files.add("nodes.csv", csv(record.nodes), record.nodes.size()));
  TRY(files.add("blocks.csv", csv(record.blocks), record.blocks.size()));
  TRY(files.add("tasks.csv", csv(record.task_rows), record.task_rows.size()));
  TRY(files.add("metrics.csv", csv(record.metrics), record.metrics.size()));
  TRY(files.add("ledger.csv", csv(record.ledger), record.ledger.size()));
  TRY(files.add("record.json", record_json(record)));
  return files.finish(record);
}

}  // namespace orrery::report
