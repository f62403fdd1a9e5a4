// Reads back what write.h wrote.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "engine/base/result.h"
#include "reports/record/run_record.h"

namespace orrery::report {

// A run of 10,000 nodes over a day stays below this; a parsed record takes several times its text.
inline constexpr std::uint64_t kMaxRecordBytes = 512ULL << 20;

// Parses the text of a record.json. kMalformed names the place (table, row, column) and what was
// expected; kUnsupported if the schema is another; kLimit beyond kMaxRecordBytes. Columns and
// members that this version does not know are ignored; missing ones are an error.
Result<RunRecord> parse_record(std::string_view text);

// Reads a record.json, or the record.json of a run directory. kNotFound, kIo, else as parse_record.
Result<RunRecord> read_record(const std::string& path);

}  // namespace orrery::report
