// The page's own files as text, embedded at build (embed.cmake).
#pragma once

#include <string_view>

namespace orrery::report {

extern const std::string_view kReportHtml;
extern const std::string_view kConformHtml;
extern const std::string_view kReportCss;
extern const std::string_view kChartsJs;
extern const std::string_view kReportJs;

}  // namespace orrery::report
