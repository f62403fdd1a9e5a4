#include "reports/render/view.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "reports/record/amount.h"
#include "reports/record/metrics.h"
#include "reports/record/text.h"
#include "reports/render/figures.h"
#include "reports/render/page.h"

namespace orrery::report {
namespace {

using Json = nlohmann::ordered_json;

std::string count(std::uint64_t value) { return group_digits(std::to_string(value)); }

// Builds the parts of the page and notes what had to be left out.
class View {
 public:
  View(const RunRecord& record, const ViewLimits& limits) : record_(record), limits_(limits) {}

  Json build() {
    Json out = Json::object();
    overview(out);
    out["asserts"] = asserts();
    out["invariants"] = invariants();
    out["nodes"] = nodes();
    out["series"] = series();
    out["faults"] = faults();
    out["tasks"] = tasks();
    out["supply"] = supply();
    out["rewards"] = rewards();
    out["slashes"] = slashes();
    out["blocks"] = blocks();
    out["reproduce"] = reproduce();
    out["cuts"] = cuts_;
    return out;
  }

 private:
  std::string text(const std::string& value) const { return shorten(to_utf8(value), limits_.text); }
  std::string money(const std::string& amount, Fraction fraction = Fraction::kFull) const {
    return format_amount(amount, record_.token_decimals, fraction);
  }
  std::size_t cut(const char* what, std::size_t size, std::size_t limit) {
    if (size <= limit) return size;
    cuts_.push_back(fmt::format("{} of {} {}", count(limit), count(size), what));
    return limit;
  }

  void overview(Json& out) const;
  Json asserts();
  Json invariants();
  Json nodes();
  Json links(const std::vector<std::size_t>& shown);
  Json series();
  Json faults();
  Json tasks();
  Json supply() const;
  Json rewards() const;
  Json slashes();
  Json blocks();
  Json histogram(const Distribution& all) const;
  Json reproduce() const;

  const RunRecord& record_;
  const ViewLimits limits_;
  Json cuts_ = Json::array();
};

std::uint64_t task_count(const RunRecord& record, const char* state) {
  const auto found = record.tasks.find(state);
  return found == record.tasks.end() ? 0 : found->second;
}

void View::overview(Json& out) const {
  const Verdict verdict = verdict_of(record_);
  const double speed =
      record_.wall_seconds > 0 ? record_.virtual_seconds / record_.wall_seconds : 0.0;
  const auto slashed = std::ranges::count(record_.nodes, true, &NodeRow::slashed);
  out["title"] = text(record_.scenario_name);
  out["about"] = text(record_.scenario_about);
  out["verdict"] = {{"state", verdict.state}, {"text", verdict.text}};
  out["digest"] = record_.digest;
  out["seconds"] = record_.virtual_seconds;
  out["figures"] = {
      {"Height", count(record_.height), "blocks on the best branch"},
      {"Finalised", count(record_.finalized_height),
       record_.height >= record_.finalized_height
           ? fmt::format("{} behind the head", count(record_.height - record_.finalized_height))
           : "above the head"},
      {"Tasks settled", count(task_count(record_, "settled")),
       fmt::format("of {} requested", count(task_count(record_, "requested")))},
      {"Nodes", count(record_.nodes.size()), fmt::format("{} slashed", slashed)},
      {"Virtual time",
       fmt::format("{} s",
                   count(static_cast<std::uint64_t>(std::llround(record_.virtual_seconds)))),
       speed > 0 ? fmt::format("{:.3g} times real time", speed) : ""},
      {"Wall time", fmt::format("{:.3g} s", record_.wall_seconds), "on the machine named below"},
      {"Events", count(record_.events), "each folded into the digest"},
      {"Faults", count(record_.faults.size()),
       fmt::format("{} slashes on evidence", count(record_.slashes.size()))}};
}

Json View::asserts() {
  Json out = Json::array();
  const std::size_t shown = cut("assertions", record_.asserts.size(), limits_.rows);
  for (std::size_t i = 0; i < shown; ++i) {
    const AssertRow& row = record_.asserts[i];
    out.push_back({{"name", text(row.name)},
                   {"text", text(row.text)},
                   {"ok", row.ok},
                   {"decided", row.decided},
                   {"seen", text(row.seen)}});
  }
  return out;
}

Json View::invariants() {
  Json out = Json::array();
  const std::size_t shown = cut("invariants", record_.invariants.size(), limits_.rows);
  for (std::size_t i = 0; i < shown; ++i) {
    const InvariantRow& row = record_.invariants[i];
    out.push_back({{"name", text(row.name)},
                   {"about", text(row.about)},
                   {"checks", count(row.checks)},
                   {"checked", row.checks != 0},
                   {"violations", count(row.violations)},
                   {"ok", row.violations == 0},
                   {"first", text(row.first_violation)}});
  }
  return out;
}

// Nodes that misbehaved or were slashed are always among those shown.
Json View::nodes() {
  std::set<std::size_t> chosen;
  for (std::size_t i = 0; i < record_.nodes.size() && chosen.size() < limits_.nodes / 2; ++i) {
    if (record_.nodes[i].slashed || record_.nodes[i].behaviour != "honest") chosen.insert(i);
  }
  cut("nodes on the map", record_.nodes.size(), limits_.nodes);
  for (const std::size_t i : scattered(record_.nodes.size(), limits_.nodes)) {
    if (chosen.size() < limits_.nodes) chosen.insert(i);
  }
  const std::vector<std::size_t> shown(chosen.begin(), chosen.end());
  Json rows = Json::array();
  for (const std::size_t i : shown) {
    const NodeRow& node = record_.nodes[i];
    rows.push_back({{"name", text(node.name)},
                    {"group", text(node.group)},
                    {"role", text(node.role)},
                    {"region", text(node.region)},
                    {"height", node.height},
                    {"finalized", node.finalized_height},
                    {"peers", node.peers.size()},
                    {"stake", money(node.stake, Fraction::kTrimmed)},
                    {"boots", node.boots},
                    {"sent", count(node.messages_sent)},
                    {"slashed", node.slashed},
                    {"behaviour", text(node.behaviour)}});
  }
  return {{"total", record_.nodes.size()},
          {"rows", std::move(rows)},
          {"table", std::min(shown.size(), limits_.rows)},
          {"links", links(shown)}};
}

// Pairs of positions in `shown`, each open session once.
Json View::links(const std::vector<std::size_t>& shown) {
  std::map<std::size_t, std::size_t> position;
  for (const std::size_t i : shown) position.emplace(i, position.size());
  std::set<std::pair<std::size_t, std::size_t>> pairs;
  for (const auto& [i, at] : position) {
    for (const std::uint32_t peer : record_.nodes[i].peers) {
      const auto other = position.find(peer);
      if (other == position.end() || other->second == at) continue;
      pairs.insert(std::minmax(at, other->second));
    }
  }
  const std::vector<std::pair<std::size_t, std::size_t>> all(pairs.begin(), pairs.end());
  cut("sessions on the map", all.size(), limits_.links);
  Json out = Json::array();
  for (const std::size_t i : spread(all.size(), limits_.links)) {
    out.push_back({all[i].first, all[i].second});
  }
  return out;
}

Json View::series() {
  std::map<std::string, std::vector<const MetricRow*>> by_name;
  for (const MetricRow& row : record_.metrics) by_name[row.metric].push_back(&row);
  cut("metrics", by_name.size(), limits_.series);
  std::vector<std::string> names;  // in the order of the registry, then what it does not know
  for (const MetricInfo& info : metric_registry()) {
    if (by_name.contains(std::string(info.name))) names.emplace_back(info.name);
  }
  for (const auto& [name, rows] : by_name) {
    if (find_metric(name) == nullptr) names.push_back(name);
  }
  if (names.size() > limits_.series) names.resize(limits_.series);

  Json out = Json::array();
  for (const std::string& name : names) {
    const std::vector<const MetricRow*>& rows = by_name[name];
    Json times = Json::array(), values = Json::array();
    for (const std::size_t i : spread(rows.size(), limits_.points)) {
      times.push_back(rows[i]->time_s);
      const double value = rows[i]->value;
      values.push_back(std::isfinite(value) ? Json(value) : Json());
    }
    const MetricInfo* info = find_metric(name);
    out.push_back({{"name", text(name)},
                   {"unit", info ? std::string(info->unit) : ""},
                   {"kind", info ? std::string(to_string(info->kind)) : ""},
                   {"meaning", info ? std::string(info->meaning) : "Not in the metric registry."},
                   {"last", fmt::format("{:.6g}", rows.back()->value)},
                   {"t", std::move(times)},
                   {"v", std::move(values)}});
  }
  return out;
}

Json View::faults() {
  Json out = Json::array();
  const std::size_t shown = cut("faults", record_.faults.size(), limits_.rows);
  for (std::size_t i = 0; i < shown; ++i) {
    const FaultRow& row = record_.faults[i];
    out.push_back({{"id", row.id},
                   {"name", text(row.name)},
                   {"kind", text(row.kind)},
                   {"targets", text(row.targets)},
                   {"detail", text(row.detail)},
                   {"begin", row.begin_s},
                   {"end", row.end_s}});
  }
  return out;
}

// Up to half of the rows are tasks that did not simply settle; the rest are spread over the run.
Json View::tasks() {
  const std::vector<TaskRow>& all = record_.task_rows;
  std::vector<std::size_t> unusual;
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (all[i].state != "settled") unusual.push_back(i);
  }
  std::set<std::size_t> chosen;
  for (const std::size_t i : spread(unusual.size(), limits_.tasks / 2)) chosen.insert(unusual[i]);
  cut("tasks", all.size(), limits_.tasks);
  for (const std::size_t i : spread(all.size(), limits_.tasks)) {
    if (chosen.size() < limits_.tasks) chosen.insert(i);
  }
  Json rows = Json::array();
  for (const std::size_t i : chosen) {
    const TaskRow& row = all[i];
    rows.push_back({{"id", text(row.id)},
                    {"kind", text(row.kind)},
                    {"requester", text(row.requester)},
                    {"workers", text(row.workers)},
                    {"state", text(row.state)},
                    {"requested", row.requested_s},
                    {"ended", row.ended_s},
                    {"tokens", count(row.tokens)},
                    {"work", count(row.work)},
                    {"paid", money(row.paid, Fraction::kTrimmed)},
                    {"prompt", text(row.prompt)},
                    {"answer", text(row.answer)}});
  }
  return {{"total", all.size()}, {"counts", record_.tasks}, {"rows", std::move(rows)}};
}

Json View::supply() const {
  const SupplyView view = supply_of(record_);
  const auto formatted = [this](const PoolRow& row) {
    return Json{{"pool", row.pool},
                {"start", money(row.start)},
                {"end", money(row.end)},
                {"change", money(row.change)}};
  };
  Json rows = Json::array();
  for (const PoolRow& row : view.pools) rows.push_back(formatted(row));

  std::map<double, std::map<std::string, std::string>> samples;
  for (const LedgerRow& row : record_.ledger) {
    samples[row.time_s].emplace(to_utf8(row.pool), row.amount);
  }
  std::vector<double> times;
  for (const auto& [time, pools] : samples) times.push_back(time);
  Json shown_times = Json::array(), pools = Json::object();
  for (const PoolRow& row : view.pools) pools[row.pool] = Json::array();
  for (const std::size_t i : spread(times.size(), limits_.samples)) {
    shown_times.push_back(times[i]);
    const auto& sample = samples[times[i]];
    for (const PoolRow& row : view.pools) {
      const auto amount = sample.find(row.pool);
      const bool valid = amount != sample.end() && is_integer_text(amount->second);
      pools[row.pool].push_back(valid ? amount->second : "0");
    }
  }
  return {{"symbol", record_.token_symbol}, {"decimals", record_.token_decimals},
          {"t", std::move(shown_times)},    {"pools", std::move(pools)},
          {"rows", std::move(rows)},        {"total", formatted(view.total)},
          {"conserved", view.conserved},    {"samples", view.samples},
          {"statement", view.statement}};
}

Json View::rewards() const {
  Json rows = Json::array();
  for (const RewardRow& row : record_.rewards) {
    rows.push_back({{"role", text(row.role)},
                    {"amount", money(row.amount)},
                    {"base", is_integer_text(row.amount) ? row.amount : "0"}});
  }
  return {{"rows", std::move(rows)}, {"total", money(total_rewards(record_))}};
}

Json View::slashes() {
  Json out = Json::array();
  const std::size_t shown = cut("slashes", record_.slashes.size(), limits_.rows);
  for (std::size_t i = 0; i < shown; ++i) {
    const SlashRow& row = record_.slashes[i];
    out.push_back({{"time", row.time_s},
                   {"height", count(row.height)},
                   {"node", text(row.node)},
                   {"cause", text(row.cause)},
                   {"amount", money(row.amount, Fraction::kTrimmed)},
                   {"evidence", text(row.evidence)}});
  }
  return out;
}

Json View::blocks() {
  const std::vector<BlockRow>& all = record_.blocks;
  cut("blocks", all.size(), limits_.blocks);
  const std::size_t first = all.size() - std::min(all.size(), limits_.blocks);
  Json rows = Json::array();
  for (std::size_t i = all.size(); i-- > first;) {
    const BlockRow& row = all[i];
    const double latency = row.finalized_time_s < 0 ? -1 : row.finalized_time_s - row.time_s;
    rows.push_back({{"height", count(row.height)},
                    {"slot", count(row.slot)},
                    {"time", row.time_s},
                    {"hash", text(row.hash)},
                    {"proposer", text(row.proposer)},
                    {"transactions", row.transactions},
                    {"proofs", row.proofs},
                    {"evidence", row.evidence},
                    {"bytes", count(row.bytes)},
                    {"work", count(row.work)},
                    {"finalized", row.finalized},
                    {"latency", latency}});
  }
  return {{"total", all.size()},
          {"rows", std::move(rows)},
          {"intervals", histogram(block_intervals(record_))},
          {"latencies", histogram(finality_latencies(record_))}};
}

// A histogram's values, spread evenly if there are too many, with the figures of all of them.
Json View::histogram(const Distribution& all) const {
  Json seconds = Json::array();
  for (const std::size_t i : spread(all.sorted.size(), limits_.intervals)) {
    seconds.push_back(all.sorted[i]);
  }
  return {{"count", all.sorted.size()}, {"mean", all.mean}, {"deviation", all.deviation},
          {"median", all.median},       {"p99", all.p99},   {"seconds", std::move(seconds)}};
}

Json View::reproduce() const {
  Json out = Json::object();
  const auto line = [&](const char* label, const std::string& value) {
    out[label] = value.empty() ? "not recorded" : text(value);
  };
  line("Command", record_.command);
  line("Scenario", record_.scenario_path);
  line("Scenario hash", record_.scenario_hash);
  line("Seed", std::to_string(record_.seed));
  line("Digest", record_.digest);
  line("Commit", record_.commit);
  line("Version", record_.version);
  line("Compiler", record_.compiler);
  line("Machine", record_.machine);
  line("Run directory", record_.run_dir);
  line("Exit code", std::to_string(record_.exit));
  return out;
}

}  // namespace

ViewLimits ViewLimits::halved() const {
  const auto half = [](std::size_t n) { return std::max<std::size_t>(2, n / 2); };
  return {.points = half(points),
          .series = half(series),
          .samples = half(samples),
          .nodes = half(nodes),
          .links = half(links),
          .rows = half(rows),
          .blocks = half(blocks),
          .intervals = half(intervals),
          .tasks = half(tasks),
          .text = half(text)};
}

std::string view_json(const RunRecord& record, const ViewLimits& limits) {
  const std::string json =
      View(record, limits)
          .build()
          .dump(-1, ' ', /*ensure_ascii=*/true, nlohmann::detail::error_handler_t::replace);
  return script_safe(json);
}

}  // namespace orrery::report
