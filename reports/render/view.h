// What a report shows of a record: chosen, bounded and formatted, as the JSON that the page's
// script draws. Money is formatted here, exactly; charts get base units and may round them.
#pragma once

#include <cstddef>
#include <string>

#include "reports/record/run_record.h"

namespace orrery::report {

// Most rows or points of each kind. A page that would be too large is made again with halved
// limits.
struct ViewLimits {
  std::size_t points = 600;   // a metric
  std::size_t series = 80;    // metrics
  std::size_t samples = 300;  // of the ledger
  std::size_t nodes = 1500;   // on the map
  std::size_t links = 4000;
  std::size_t rows = 200;   // faults, slashes, asserts, invariants, nodes in the table
  std::size_t blocks = 50;  // the last
  std::size_t intervals = 4000;
  std::size_t tasks = 60;
  std::size_t text = 600;  // bytes of a prompt, an answer, a piece of evidence

  ViewLimits halved() const;
};

// One line of ASCII JSON in which '<' is escaped, so that it may stand inside a <script> element.
std::string view_json(const RunRecord& record, const ViewLimits& limits);

}  // namespace orrery::report
