#include "reports/render/page.h"

#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "engine/base/ensure.h"

namespace orrery::report {

std::string default_plotly_js() { return ORRERY_PLOTLY_MIN_JS; }

std::string fill_page(std::string_view page,
                      const std::map<std::string_view, std::string_view>& parts) {
  std::string out;
  while (true) {
    const std::size_t open = page.find("{{");
    out.append(page.substr(0, open));
    if (open == std::string_view::npos) return out;
    const std::size_t close = page.find("}}", open);
    ENSURE(close != std::string_view::npos, "a page's {{ without }}");
    const auto part = parts.find(page.substr(open + 2, close - open - 2));
    ENSURE(part != parts.end(), "a page's unknown placeholder");
    out.append(part->second);
    page.remove_prefix(close + 2);
  }
}

Result<std::string> read_plotly(const std::string& path, std::uint64_t max_bytes) {
  std::error_code error;
  const std::uintmax_t size = std::filesystem::file_size(path, error);
  if (error) {
    return fail(ErrorCode::kNotFound,
                "cannot read Plotly at \"" + path + "\": " + error.message() + "; give its path");
  }
  if (size > max_bytes) {
    return fail(ErrorCode::kLimit, fmt::format("{} has {} bytes, a page at most {}: minify it",
                                               path, size, max_bytes));
  }
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  if (!in || !text) return fail(ErrorCode::kIo, "cannot read " + path);
  std::string plotly = text.str();
  if (plotly.find("</script") != std::string::npos) {
    return fail(ErrorCode::kMalformed, path + " would end its own script element");
  }
  return plotly;
}

std::string script_safe(std::string_view json) {
  std::string out;
  out.reserve(json.size());
  for (const char c : json) {
    if (c == '<') {
      out += "\\u003c";
    } else {
      out += c;
    }
  }
  return out;
}

}  // namespace orrery::report
