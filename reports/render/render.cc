#include "reports/render/render.h"

#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "engine/base/ensure.h"
#include "reports/record/text.h"
#include "reports/render/assets.h"
#include "reports/render/view.h"

namespace orrery::report {
namespace {

constexpr int kMaxHalvings = 8;  // 600 points become 2: below that a page says nothing

std::string escape_html(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      case '\'': out += "&#39;"; break;
      default: out += c;
    }
  }
  return out;
}

// Replaces each {{name}} of the template in one pass: what is put in is never looked at again.
std::string fill(std::string_view page, const std::map<std::string_view, std::string_view>& parts) {
  std::string out;
  while (true) {
    const std::size_t open = page.find("{{");
    out.append(page.substr(0, open));
    if (open == std::string_view::npos) return out;
    const std::size_t close = page.find("}}", open);
    ENSURE(close != std::string_view::npos, "report.html: {{ without }}");
    const auto part = parts.find(page.substr(open + 2, close - open - 2));
    ENSURE(part != parts.end(), "report.html: unknown placeholder");
    out.append(part->second);
    page.remove_prefix(close + 2);
  }
}

Result<std::string> read_plotly(const RenderOptions& options) {
  std::error_code error;
  const std::uintmax_t size = std::filesystem::file_size(options.plotly_js, error);
  if (error) {
    return fail(ErrorCode::kNotFound, "cannot read Plotly at \"" + options.plotly_js +
                                          "\": " + error.message() + "; give its path");
  }
  if (size > options.max_bytes) {
    return fail(ErrorCode::kLimit, fmt::format("{} has {} bytes, a page at most {}: minify it",
                                               options.plotly_js, size, options.max_bytes));
  }
  std::ifstream in(options.plotly_js, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  if (!in || !text) return fail(ErrorCode::kIo, "cannot read " + options.plotly_js);
  return text.str();
}

}  // namespace

std::string default_plotly_js() { return ORRERY_PLOTLY_MIN_JS; }

Result<std::string> render_html(const RunRecord& record, const RenderOptions& options) {
  ASSIGN_OR_RETURN(const std::string plotly, read_plotly(options));
  if (plotly.find("</script") != std::string::npos) {
    return fail(ErrorCode::kMalformed, options.plotly_js + " would end its own script element");
  }
  const std::string title = escape_html(shorten(to_utf8(record.scenario_name), 200));
  ViewLimits limits;
  std::string page;
  for (int i = 0; i <= kMaxHalvings; ++i, limits = limits.halved()) {
    const std::string data = view_json(record, limits);
    page = fill(kReportHtml, {{"title", title},
                              {"css", kReportCss},
                              {"plotly", plotly},
                              {"data", data},
                              {"charts", kChartsJs},
                              {"script", kReportJs}});
    if (page.size() <= options.max_bytes) return page;
  }
  return fail(ErrorCode::kLimit, fmt::format("the page has {} bytes at its smallest, limit {}",
                                             page.size(), options.max_bytes));
}

}  // namespace orrery::report
