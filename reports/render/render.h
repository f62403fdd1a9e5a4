// Renders a finished run for people. Pure functions of the record (and of Plotly's file); may be
// called from any thread.
#pragma once

#include <cstdint>
#include <string>

#include "engine/base/result.h"
#include "reports/record/run_record.h"
#include "reports/render/page.h"

namespace orrery::report {

struct RenderOptions {
  std::string plotly_js = default_plotly_js();  // Plotly's minified browser bundle
  std::uint64_t max_bytes = 5'000'000;          // of the whole page
};

// One HTML page that needs nothing else: Plotly, styles, scripts and data inside, network access
// forbidden by the page itself. Shows less of a large run until it fits max_bytes, and says so.
// kNotFound or kIo if plotly_js cannot be read, kLimit if the page cannot be made to fit.
Result<std::string> render_html(const RunRecord& record, const RenderOptions& options = {});

// The page of a conformance record (schema orrery.conform/1, a JSON object as text): distributions
// side by side, replays, invariants. Errors as render_html.
Result<std::string> render_conformance(const std::string& title, const std::string& record_json,
                                       const RenderOptions& options = {});

// A page of Markdown: verdict, key figures, what failed, exact supply and rewards, how to
// reproduce.
std::string render_markdown(const RunRecord& record);

}  // namespace orrery::report
