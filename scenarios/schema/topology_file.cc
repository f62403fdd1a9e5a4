#include "scenarios/schema/topology_file.h"

#include <fmt/format.h>

#include <algorithm>

#include "scenarios/schema/quantity.h"
#include "scenarios/schema/values.h"

namespace orrery::scenario {
namespace {

constexpr std::int64_t kMaxLatency = 3600 * std::int64_t{1'000'000'000};

struct Cell {
  std::string text;
  int line;
  int column;
};
using Row = std::vector<Cell>;

tl::unexpected<TopologyProblem> problem(const Cell& cell, std::string message) {
  return tl::unexpected<TopologyProblem>({cell.line, cell.column, std::move(message)});
}

std::string_view trimmed(std::string_view text, int& column) {
  while (!text.empty() && text.front() == ' ') {
    text.remove_prefix(1);
    ++column;
  }
  while (!text.empty() && (text.back() == ' ' || text.back() == '\r')) text.remove_suffix(1);
  return text;
}

// Lines that are empty or begin with '#' are passed over. No quoting: no value needs it.
std::vector<Row> rows_of(std::string_view text) {
  std::vector<Row> rows;
  int line = 0;
  while (!text.empty()) {
    ++line;
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view rest = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    int start = 1;
    if (const auto shown = trimmed(rest, start); shown.empty() || shown.front() == '#') continue;
    Row row;
    int column = 1;
    for (;;) {
      const std::size_t comma = std::min(rest.find(','), rest.size());
      int at = column;
      const std::string_view cell = trimmed(rest.substr(0, comma), at);
      row.push_back({std::string(cell), line, at});
      if (comma == rest.size()) break;
      rest.remove_prefix(comma + 1);
      column += static_cast<int>(comma) + 1;
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

TopologyResult<Duration> latency_of(const Cell& cell) {
  const auto value = parse_quantity(cell.text, Dimension::kDuration);
  if (!value) return problem(cell, value.error().message);
  if (*value < 1 || *value > kMaxLatency) {
    return problem(cell, fmt::format("a latency of {} is not between 1ns and 1h", cell.text));
  }
  return Duration{static_cast<std::int64_t>(*value)};
}

TopologyResult<std::string> name_of(const Cell& cell) {
  if (!is_name(cell.text)) return problem(cell, fmt::format("'{}' is not a name", cell.text));
  return cell.text;
}

}  // namespace

TopologyResult<std::vector<RegionLatency>> parse_region_table(std::string_view text) {
  const std::vector<Row> rows = rows_of(text);
  if (rows.empty() || rows[0][0].text != "region" || rows[0].size() < 2) {
    const Cell at = rows.empty() ? Cell{"", 1, 1} : rows[0][0];
    return problem(at, "expected a first line 'region,<name>,<name>...'");
  }
  const Row& head = rows[0];
  for (std::size_t i = 1; i < head.size(); ++i) {
    if (const auto name = name_of(head[i]); !name) return tl::unexpected(name.error());
    for (std::size_t k = 1; k < i; ++k) {
      if (head[k].text == head[i].text) {
        return problem(head[i], fmt::format("region '{}' is there twice", head[i].text));
      }
    }
  }
  std::vector<RegionLatency> table;
  std::vector<std::string> seen;
  for (std::size_t r = 1; r < rows.size(); ++r) {
    const Row& row = rows[r];
    const std::string& from = row[0].text;
    if (std::none_of(head.begin() + 1, head.end(), [&](const Cell& c) { return c.text == from; })) {
      return problem(row[0], fmt::format("region '{}' is not in the first line", from));
    }
    if (std::find(seen.begin(), seen.end(), from) != seen.end()) {
      return problem(row[0], fmt::format("region '{}' is there twice", from));
    }
    seen.push_back(from);
    if (row.size() != head.size()) {
      return problem(row.back(),
                     fmt::format("{} latencies, expected {}", row.size() - 1, head.size() - 1));
    }
    for (std::size_t i = 1; i < row.size(); ++i) {
      const auto latency = latency_of(row[i]);
      if (!latency) return tl::unexpected(latency.error());
      table.push_back({from, head[i].text, *latency});
    }
  }
  if (seen.size() != head.size() - 1) {
    return problem(head[0], fmt::format("{} lines for {} regions", seen.size(), head.size() - 1));
  }
  return table;
}

TopologyResult<std::vector<NamedEdge>> parse_edge_list(std::string_view text) {
  const std::vector<Row> rows = rows_of(text);
  const auto head_is = [&](std::size_t i, std::string_view name) {
    return rows[0].size() == 3 && rows[0][i].text == name;
  };
  if (rows.empty() || !head_is(0, "from") || !head_is(1, "to") || !head_is(2, "latency")) {
    const Cell at = rows.empty() ? Cell{"", 1, 1} : rows[0][0];
    return problem(at, "expected a first line 'from,to,latency'");
  }
  std::vector<NamedEdge> edges;
  for (std::size_t r = 1; r < rows.size(); ++r) {
    const Row& row = rows[r];
    if (row.size() != 3) {
      return problem(row.back(), fmt::format("{} values, expected from,to,latency", row.size()));
    }
    NamedEdge edge{.line = row[0].line, .column = row[0].column};
    for (const auto& [cell, name] :
         {std::pair(&row[0], &edge.from), std::pair(&row[1], &edge.to)}) {
      auto parsed = name_of(*cell);
      if (!parsed) return tl::unexpected(parsed.error());
      *name = std::move(*parsed);
    }
    const auto latency = latency_of(row[2]);
    if (!latency) return tl::unexpected(latency.error());
    edge.latency = *latency;
    edges.push_back(std::move(edge));
  }
  return edges;
}

}  // namespace orrery::scenario
