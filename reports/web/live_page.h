// The page that a live node serves at /: the network as it lives, drawn from the node's own
// WebSocket. One HTML text that needs nothing else; made once at the start of a node.
#pragma once

#include <string>

#include "engine/base/result.h"

namespace orrery::report {

// `plotly_js`: path of Plotly's minified bundle; empty takes the one that the build made. An error
// if it cannot be read.
Result<std::string> live_page(std::string plotly_js = {});

}  // namespace orrery::report
