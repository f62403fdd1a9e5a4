// Records of runs: whatever is read is written and read again without loss.
#include "reports/record/read.h"
#include "reports/record/write.h"
#include "tests/fuzz/fuzz.h"

namespace orrery {
namespace {

Bytes bytes_of(std::string_view text) { return Bytes(text.begin(), text.end()); }

}  // namespace

std::vector<Bytes> fuzz::seeds() {
  report::RunRecord record;
  record.tasks["settled"] = 3;
  record.supply["total"] = "1000000000000000000000000000";
  record.blocks.resize(2);
  record.task_rows.resize(1);
  record.ledger.push_back({.time_s = 0.5, .height = 3, .pool = "burnt", .amount = "17"});
  record.metrics.push_back({.time_s = 1e-9, .metric = "height", .value = -0.1});
  return {bytes_of(report::record_json({})), bytes_of(report::record_json(record))};
}

}  // namespace orrery

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace orrery;
  const auto record = report::parse_record(as_text(ByteView(data, size)));
  if (!record) return 0;
  fuzz::accepted();
  const std::string written = report::record_json(*record);
  const auto again = report::parse_record(written);
  FUZZ_CHECK(again.has_value());
  FUZZ_CHECK(report::record_json(*again) == written);
  return 0;
}
