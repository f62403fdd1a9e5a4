// A test fixture: a made-up record of a plausible run, large enough that every part of a report has
// something to show, with texts that try to break out of a page. It is no result of any run.
#pragma once

#include "reports/record/run_record.h"

namespace orrery::report {

// Half an hour of 28 nodes in four regions, three faults, two slashed nodes; the same at every
// call.
RunRecord synthetic_run();

// Makes the run a hundred times larger: 3,000 nodes, 20,000 tasks, a sample every 100 ms.
void enlarge(RunRecord& record);

// A prompt that the record holds: markup, quotes and the end of a script element.
extern const char* const kHostilePrompt;

}  // namespace orrery::report
