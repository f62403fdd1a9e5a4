#include "reports/render/render.h"

#include <fmt/format.h>

#include "reports/record/text.h"
#include "reports/render/assets.h"
#include "reports/render/page.h"
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

}  // namespace

Result<std::string> render_html(const RunRecord& record, const RenderOptions& options) {
  ASSIGN_OR_RETURN(const std::string plotly, read_plotly(options.plotly_js, options.max_bytes));
  const std::string title = escape_html(shorten(to_utf8(record.scenario_name), 200));
  ViewLimits limits;
  std::string page;
  for (int i = 0; i <= kMaxHalvings; ++i, limits = limits.halved()) {
    const std::string data = view_json(record, limits);
    page = fill_page(kReportHtml, {{"title", title},
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

Result<std::string> render_conformance(const std::string& title, const std::string& record_json,
                                       const RenderOptions& options) {
  ASSIGN_OR_RETURN(const std::string plotly, read_plotly(options.plotly_js, options.max_bytes));
  return fill_page(kConformHtml, {{"title", escape_html(title)},
                                  {"css", kReportCss},
                                  {"plotly", plotly},
                                  {"data", script_safe(record_json)}});
}

}  // namespace orrery::report
