#include <fmt/format.h>

#include "harness/cli/commands.h"
#include "harness/cli/exit_code.h"
#include "harness/cli/terminal.h"
#include "reports/record/read.h"
#include "reports/record/write.h"
#include "reports/render/render.h"

namespace orrery::cli {
namespace {

Status render(const std::string& run, const ReportArgs& args) {
  ASSIGN_OR_RETURN(report::RunRecord record, report::read_record(run));
  if (args.json) fmt::print("{}\n", report::summary_json(record));
  if (!args.markdown.empty()) {
    const std::string text = report::render_markdown(record);
    if (args.markdown == "-") {
      fmt::print("{}", text);
    } else {
      TRY(report::write_file_atomically(args.markdown, text));
      say("wrote " + args.markdown);
    }
  }
  if (args.json && args.html.empty()) return {};
  if (!args.markdown.empty() && args.html.empty()) return {};
  const std::string path = args.html.empty() ? run + "/report.html" : args.html;
  ASSIGN_OR_RETURN(const std::string html, report::render_html(record));
  TRY(report::write_file_atomically(path, html));
  say("wrote " + path);
  return {};
}

}  // namespace

int report_command(const ReportArgs& args) {
  if (args.runs.size() > 1 && (!args.html.empty() || !args.markdown.empty())) {
    complain("--html and --markdown name one file: give one run");
    return kUsage;
  }
  for (const std::string& run : args.runs) {
    const Status done = render(run, args);
    if (done) continue;
    complain(done.error().message);
    return exit_code(done.error());
  }
  return kHeld;
}

}  // namespace orrery::cli
