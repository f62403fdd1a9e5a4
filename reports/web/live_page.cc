#include "reports/web/live_page.h"

#include "reports/render/assets.h"
#include "reports/render/page.h"
#include "reports/web/assets.h"

namespace orrery::report {
namespace {

constexpr std::uint64_t kMaxPlotlyBytes = 5'000'000;  // minified it has 3.5 million

}  // namespace

Result<std::string> live_page(std::string plotly_js) {
  if (plotly_js.empty()) plotly_js = default_plotly_js();
  ASSIGN_OR_RETURN(const std::string plotly, read_plotly(plotly_js, kMaxPlotlyBytes));
  return fill_page(kLiveHtml, {{"css", kReportCss}, {"plotly", plotly}});
}

}  // namespace orrery::report
