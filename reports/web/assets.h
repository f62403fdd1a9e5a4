// The live page's own file as text, embedded at build (reports/render/embed.cmake).
#pragma once

#include <string_view>

namespace orrery::report {

extern const std::string_view kLiveHtml;

}  // namespace orrery::report
