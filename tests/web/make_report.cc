// Writes the synthetic run's directory and its report, for check_report.py.
// Usage: make_report DIRECTORY [held|violated|partial|empty|large]
#include <cstdio>
#include <string>

#include "reports/record/write.h"
#include "reports/render/render.h"
#include "tests/web/synthetic_run.h"

namespace {

using namespace orrery;

Status make(const std::string& dir, const std::string& kind) {
  report::RunRecord record;
  if (kind != "empty") record = report::synthetic_run();
  if (kind == "large") report::enlarge(record);
  record.run_dir = dir;
  if (kind == "violated") {
    record.exit = 1;
    record.asserts[1].ok = false;
    record.invariants[0].violations = 3;
    record.invariants[0].first_violation = "at 610.0 s on workers-2: expected 1, saw <b>2</b>";
  }
  record.partial = kind == "partial";
  TRY(report::write_run_directory(record, dir, {"name: synthetic\n", "{}"}));
  TRY(report::write_file_atomically(dir + "/report.md", report::render_markdown(record)));
  ASSIGN_OR_RETURN(const std::string html, report::render_html(record));
  return report::write_file_atomically(dir + "/report.html", html);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2 || argc > 3) {
    std::fprintf(stderr, "usage: make_report DIRECTORY [held|violated|partial|empty|large]\n");
    return 2;
  }
  const Status status = make(argv[1], argc == 3 ? argv[2] : "");
  if (!status) std::fprintf(stderr, "%s\n", status.error().message.c_str());
  return status ? 0 : 1;
}
