// record.json and summary.json from a record. See fields.h for the columns.
#include <cmath>
#include <nlohmann/json.hpp>

#include "engine/base/bytes.h"
#include "reports/record/fields.h"
#include "reports/record/text.h"
#include "reports/record/write.h"

namespace orrery::report {
namespace {

using Json = nlohmann::ordered_json;

// JSON strings are Unicode; bytes that are not go as {"hex": ...} so that nothing is lost.
Json encode(const std::string& value) {
  if (is_utf8(value)) return value;
  return {{"hex", to_hex(as_bytes(value))}};
}

// JSON has no NaN and no infinity.
Json encode(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  return value;
}

template <class Value>
requires std::integral<Value> Json encode(Value value) { return value; }

Json encode(const std::vector<std::uint32_t>& values) { return values; }

template <class Value>
Json encode(const std::map<std::string, Value>& values) {
  Json out = Json::object();
  for (const auto& [key, value] : values) out[to_utf8(key)] = encode(value);
  return out;
}

template <class Row>
Json encode_table(const std::vector<Row>& table) {
  Json columns = Json::array();
  const Row blank;
  fields(blank, [&](const char* name, const auto&) { columns.push_back(name); });
  Json rows = Json::array();
  for (const Row& row : table) {
    Json cells = Json::array();
    fields(row, [&](const char*, const auto& value) { cells.push_back(encode(value)); });
    rows.push_back(std::move(cells));
  }
  return {{"columns", std::move(columns)}, {"rows", std::move(rows)}};
}

std::uint64_t count_of(const std::map<std::string, std::uint64_t>& counts, const char* key) {
  const auto found = counts.find(key);
  return found == counts.end() ? 0 : found->second;
}

Json task_counts(const RunRecord& record) {
  Json tasks = Json::object();
  for (const char* state : {"requested", "settled", "refunded", "slashed"}) {
    tasks[state] = count_of(record.tasks, state);
  }
  for (const auto& [state, count] : record.tasks) tasks[to_utf8(state)] = count;
  return tasks;
}

}  // namespace

std::string record_json(const RunRecord& record) {
  Json out = {{"schema", "orrery.record/1"}};
  scalar_fields(record, [&](const char* name, const auto& value) { out[name] = encode(value); });
  table_fields(record,
               [&](const char* name, const auto& table) { out[name] = encode_table(table); });
  return out.dump();
}

std::string summary_json(const RunRecord& record) {
  Json invariants = Json::array();
  for (const InvariantRow& row : record.invariants) {
    invariants.push_back(
        {{"name", encode(row.name)}, {"checks", row.checks}, {"violations", row.violations}});
  }
  Json asserts = Json::array();
  for (const AssertRow& row : record.asserts) {
    asserts.push_back({{"name", encode(row.name)}, {"ok", row.ok}});
  }
  const Json out = {{"schema", "orrery.run/1"},
                    {"scenario", encode(record.scenario_name)},
                    {"scenario_hash", encode(record.scenario_hash)},
                    {"seed", record.seed},
                    {"digest", encode(record.digest)},
                    {"exit", record.exit},
                    {"partial", record.partial},
                    {"virtual_seconds", encode(record.virtual_seconds)},
                    {"wall_seconds", encode(record.wall_seconds)},
                    {"events", record.events},
                    {"nodes", record.nodes.size()},
                    {"height", record.height},
                    {"finalized_height", record.finalized_height},
                    {"tasks", task_counts(record)},
                    {"supply", encode(record.supply)},
                    {"invariants", std::move(invariants)},
                    {"asserts", std::move(asserts)},
                    {"run_dir", encode(record.run_dir)}};
  return out.dump();
}

}  // namespace orrery::report
