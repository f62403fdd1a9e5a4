#include "reports/record/read.h"

#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>
#include <sstream>

#include "engine/base/bytes.h"
#include "reports/record/fields.h"

namespace orrery::report {
namespace {

using Json = nlohmann::json;

bool decode(const Json& json, std::string& out) {
  if (json.is_string()) {
    out = json.get_ref<const std::string&>();
    return true;
  }
  if (!json.is_object() || json.size() != 1 || !json.contains("hex")) return false;
  const Json& hex = json["hex"];
  const auto bytes = hex.is_string() ? from_hex(hex.get_ref<const std::string&>()) : std::nullopt;
  if (bytes) out = as_text(*bytes);
  return bytes.has_value();
}

bool decode(const Json& json, bool& out) {
  if (json.is_boolean()) out = json.get<bool>();
  return json.is_boolean();
}

bool decode(const Json& json, double& out) {
  if (json.is_number()) {
    out = json.get<double>();
  } else if (json == "nan") {
    out = std::numeric_limits<double>::quiet_NaN();
  } else if (json == "inf" || json == "-inf") {
    out = json == "inf" ? std::numeric_limits<double>::infinity()
                        : -std::numeric_limits<double>::infinity();
  } else {
    return false;
  }
  return true;
}

template <std::unsigned_integral Value>
bool decode(const Json& json, Value& out) {
  if (!json.is_number_unsigned()) return false;
  const auto wide = json.get<std::uint64_t>();
  if (wide > std::numeric_limits<Value>::max()) return false;
  out = static_cast<Value>(wide);
  return true;
}

bool decode(const Json& json, int& out) {
  if (!json.is_number_integer()) return false;
  const auto wide = json.get<std::int64_t>();
  if (wide < std::numeric_limits<int>::min() || wide > std::numeric_limits<int>::max())
    return false;
  out = static_cast<int>(wide);
  return true;
}

template <class Value>
bool decode(const Json& json, std::vector<Value>& out) {
  if (!json.is_array()) return false;
  out.resize(json.size());
  for (std::size_t i = 0; i < json.size(); ++i) {
    if (!decode(json[i], out[i])) return false;
  }
  return true;
}

template <class Value>
bool decode(const Json& json, std::map<std::string, Value>& out) {
  if (!json.is_object()) return false;
  for (const auto& [key, value] : json.items()) {
    if (!decode(value, out[key])) return false;
  }
  return true;
}

tl::unexpected<Error> malformed(std::string what) {
  return fail(ErrorCode::kMalformed, "record: " + std::move(what));
}

// Values of unknown length come from a file that may be hostile: quote only their beginning.
std::string quoted(const Json& json) {
  return json.is_structured()
             ? std::string(json.type_name())
             : json.dump(-1, ' ', true, Json::error_handler_t::replace).substr(0, 40);
}

// Position of each column of Row in the file's column list.
template <class Row>
Result<std::vector<std::size_t>> column_positions(const Json& columns, const char* table) {
  if (!columns.is_array()) return malformed(fmt::format("{}.columns is not a list", table));
  std::vector<std::size_t> positions;
  std::string missing;
  const Row blank;
  fields(blank, [&](const char* name, const auto&) {
    const auto found = std::find(columns.begin(), columns.end(), Json(name));
    if (found == columns.end() && missing.empty()) missing = name;
    positions.push_back(static_cast<std::size_t>(found - columns.begin()));
  });
  if (!missing.empty()) return malformed(fmt::format("{} has no column \"{}\"", table, missing));
  return positions;
}

template <class Row>
Status decode_table(const Json& json, const char* table, std::vector<Row>& out) {
  if (!json.is_object() || !json.contains("columns") || !json.contains("rows") ||
      !json["rows"].is_array()) {
    return malformed(fmt::format("{} is not a table of columns and rows", table));
  }
  ASSIGN_OR_RETURN(const auto positions, column_positions<Row>(json["columns"], table));
  const Json& rows = json["rows"];
  out.resize(rows.size());
  for (std::size_t r = 0; r < rows.size(); ++r) {
    if (!rows[r].is_array() || rows[r].size() != json["columns"].size()) {
      return malformed(
          fmt::format("{} row {} does not have {} cells", table, r, json["columns"].size()));
    }
    std::size_t column = 0;
    std::string wrong;
    fields(out[r], [&](const char* name, auto& value) {
      const Json& cell = rows[r][positions[column++]];
      if (wrong.empty() && !decode(cell, value)) {
        wrong = fmt::format("{} row {}: bad {}: {}", table, r, name, quoted(cell));
      }
    });
    if (!wrong.empty()) return malformed(wrong);
  }
  return {};
}

Status check_links(const RunRecord& record) {
  for (const NodeRow& node : record.nodes) {
    for (const std::uint32_t peer : node.peers) {
      if (peer >= record.nodes.size()) {
        return malformed(
            fmt::format("node {} has peer {} of {}", node.name, peer, record.nodes.size()));
      }
    }
  }
  return {};
}

}  // namespace

Result<RunRecord> parse_record(std::string_view text) {
  if (text.size() > kMaxRecordBytes) {
    return fail(ErrorCode::kLimit,
                fmt::format("record of {} bytes, limit {}", text.size(), kMaxRecordBytes));
  }
  const Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return malformed("not a JSON object (cut off or damaged)");
  const auto schema = json.find("schema");
  if (schema == json.end()) return malformed("no \"schema\"");
  if (*schema != "orrery.record/1") {
    return fail(ErrorCode::kUnsupported,
                "record: schema " + quoted(*schema) + ", expected orrery.record/1");
  }
  RunRecord record;
  std::string wrong;
  scalar_fields(record, [&](const char* name, auto& value) {
    const auto found = json.find(name);
    if (!wrong.empty()) return;
    if (found == json.end())
      wrong = fmt::format("no \"{}\"", name);
    else if (!decode(*found, value))
      wrong = fmt::format("bad {}: {}", name, quoted(*found));
  });
  if (!wrong.empty()) return malformed(wrong);
  Status tables;
  table_fields(record, [&](const char* name, auto& table) {
    const auto found = json.find(name);
    if (!tables) return;
    if (found == json.end())
      tables = malformed(fmt::format("no table \"{}\"", name));
    else
      tables = decode_table(*found, name, table);
  });
  TRY(tables);
  TRY(check_links(record));
  return record;
}

Result<RunRecord> read_record(const std::string& path) {
  namespace fs = std::filesystem;
  std::error_code error;
  const fs::path file =
      fs::is_directory(path, error) ? fs::path(path) / "record.json" : fs::path(path);
  const std::uintmax_t size = fs::file_size(file, error);
  if (error == std::errc::no_such_file_or_directory) {
    return fail(ErrorCode::kNotFound, "no record at " + file.string());
  }
  if (error) return fail(ErrorCode::kIo, "cannot read " + file.string() + ": " + error.message());
  if (size > kMaxRecordBytes) {
    return fail(ErrorCode::kLimit,
                fmt::format("{}: {} bytes, limit {}", file.string(), size, kMaxRecordBytes));
  }
  std::ifstream in(file, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  if (!in || !text) return fail(ErrorCode::kIo, "cannot read " + file.string());
  return parse_record(text.view());
}

}  // namespace orrery::report
