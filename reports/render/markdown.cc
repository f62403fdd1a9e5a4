// The short text form of a report: for a terminal, a pull request, a chat.
#include <fmt/format.h>

#include "reports/record/amount.h"
#include "reports/record/text.h"
#include "reports/render/figures.h"
#include "reports/render/render.h"

namespace orrery::report {
namespace {

constexpr std::size_t kMaxText = 300;  // bytes of one cell

// Text of unknown origin in a table cell or a sentence: no markup, no line break, no end of cell.
std::string plain(const std::string& value) {
  std::string out;
  for (const char c : shorten(to_utf8(value), kMaxText)) {
    if (c == '\n' || c == '\r') {
      out += ' ';
    } else {
      if (std::string_view("\\`*_[]<>|#&!~").find(c) != std::string_view::npos) out += '\\';
      out += c;
    }
  }
  return out;
}

std::string count(std::uint64_t value) { return group_digits(std::to_string(value)); }

void failures(const RunRecord& record, std::string& out) {
  for (const AssertRow& row : record.asserts) {
    if (!row.ok && row.decided) {
      out += fmt::format("- assertion **{}** failed: {}; seen: {}\n", plain(row.name),
                         plain(row.text), plain(row.seen));
    }
  }
  for (const InvariantRow& row : record.invariants) {
    if (row.violations != 0) {
      out += fmt::format("- invariant **{}** violated {} times: {}\n", plain(row.name),
                         count(row.violations), plain(row.first_violation));
    }
  }
  for (const SlashRow& row : record.slashes) {
    out += fmt::format("- {} slashed at {:.1f} s for {}\n", plain(row.node), row.time_s,
                       plain(row.cause));
  }
}

void money(const RunRecord& record, std::string& out) {
  const auto amount = [&record](const std::string& base_units) {
    return plain(format_amount(base_units, record.token_decimals));
  };
  const SupplyView supply = supply_of(record);
  out += "\n## Supply\n\n" + plain(supply.statement) + "\n";
  if (!supply.pools.empty()) {
    out += fmt::format("\n| pool | at the end ({}) | change |\n|---|---:|---:|\n",
                       plain(record.token_symbol));
    for (const PoolRow& row : supply.pools) {
      out +=
          fmt::format("| {} | {} | {} |\n", plain(row.pool), amount(row.end), amount(row.change));
    }
  }
  if (record.rewards.empty()) return;
  out += fmt::format("\n| rewards of | {} |\n|---|---:|\n", plain(record.token_symbol));
  for (const RewardRow& row : record.rewards) {
    out += fmt::format("| {} | {} |\n", plain(row.role), amount(row.amount));
  }
  out += fmt::format("| total | {} |\n", amount(total_rewards(record)));
}

}  // namespace

std::string render_markdown(const RunRecord& record) {
  const Verdict verdict = verdict_of(record);
  const auto tasks = [&record](const char* state) {
    const auto found = record.tasks.find(state);
    return count(found == record.tasks.end() ? 0 : found->second);
  };
  std::string out = fmt::format(
      "# {}\n\n**{}{}** {}\n\n", plain(record.scenario_name), verdict.state,
      record.partial && verdict.state != "partial" ? " (partial run)" : "", verdict.text);
  failures(record, out);
  out += fmt::format(
      "\nHeight {}, finalised {}. Tasks: {} requested, {} settled, {} refunded, {} slashed. "
      "{} nodes, {} faults, {} events in {:.0f} s of virtual and {:.3g} s of wall time.\n",
      count(record.height), count(record.finalized_height), tasks("requested"), tasks("settled"),
      tasks("refunded"), tasks("slashed"), count(record.nodes.size()), record.faults.size(),
      count(record.events), record.virtual_seconds, record.wall_seconds);
  money(record, out);
  out += fmt::format(
      "\n## Reproduce\n\n- command: {}\n- seed: {}\n- scenario hash: {}\n- commit: {}\n"
      "- machine: {}\n- digest: {}\n",
      plain(record.command), record.seed, plain(record.scenario_hash), plain(record.commit),
      plain(record.machine), plain(record.digest));
  return out;
}

}  // namespace orrery::report
