#include "scenarios/schema/resolve_events.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "scenarios/schema/checks.h"
#include "scenarios/schema/fields.h"
#include "scenarios/schema/quantity.h"
#include "scenarios/schema/read.h"
#include "scenarios/schema/selector.h"

namespace orrery::scenario {
namespace {

// --- load ----------------------------------------------------------------------------------------

void choose_model(const LoadDraft& load, const ScenarioDraft& draft, Diagnostics& diagnostics,
                  LoadSpec& spec) {
  std::vector<std::string> names;
  for (const ModelDraft& model : draft.models) names.push_back(model.name);
  if (spec.model.empty() && names.size() == 1) spec.model = names.front();
  if (spec.model.empty()) {
    report(diagnostics, load, "model", "missing: there is more than one model", suggest("", names));
  } else if (std::find(names.begin(), names.end(), spec.model) == names.end()) {
    report(diagnostics, load, "model", fmt::format("no model is named '{}'", spec.model),
           suggest(spec.model, names));
  }
}

// The chain refuses longer requests: samples of an unbounded tail are clamped to the limit, but
// asking for more on purpose is an error.
void bound_distribution(const LoadDraft& load, std::string_view key, std::int64_t limit,
                        Diagnostics& diagnostics, DistributionSpec& spec) {
  std::int64_t asked = spec.a;
  if (spec.kind == DistributionKind::kUniform) asked = std::max(spec.a, spec.b);
  if (spec.max != INT64_MAX) asked = std::max(asked, spec.max);
  if (asked > limit) {
    report(diagnostics, load, key,
           fmt::format("asks for up to {}, above the chain's limit of {}", asked, limit),
           key == "prompt" ? "chain.work.max_prompt_bytes" : "chain.work.max_output_tokens");
  }
  spec.max = std::min(spec.max, limit);
}

void check_users(const LoadDraft& load, const ScenarioDraft& draft, Diagnostics& diagnostics,
                 const Scenario& out, const LoadSpec& spec) {
  for (const std::uint32_t index : spec.users) {
    const NodeSpec& node = out.nodes[index];
    if (load.kind == "unstake" && node.stake == 0) {
      report(diagnostics, load, "users", fmt::format("{} has no bond", node.name),
             "users of an unstake are miners and validators");
      return;
    }
    if (load.kind != "unstake" && node.role != Role::kUser) {
      report(diagnostics, load, "users",
             fmt::format("{} has role {}, not user", node.name, role_name(node.role)));
      return;
    }
    if (node.balance < draft.chain.fees.base_fee) {
      report(diagnostics, load, "users",
             fmt::format("{} has a balance of {} and cannot pay a fee", node.name,
                         format_money(node.balance, currency_of(draft.chain))),
             fmt::format("give group '{}' a balance", node.group));
      return;
    }
  }
}

// --- asserts -------------------------------------------------------------------------------------

struct Condition {
  std::string metric, op, value;
};

bool is_decimal(std::string_view text) {
  const auto raw = parse_raw_quantity(text);
  return raw && raw->unit.empty();
}

// `metric op number`, or `metric increases`.
Result<Condition> parse_condition(std::string_view text) {
  std::vector<std::string> words(1);
  for (char c : text) {
    if (c != ' ') {
      words.back().push_back(c);
    } else if (!words.back().empty()) {
      words.emplace_back();
    }
  }
  if (words.back().empty()) words.pop_back();
  static constexpr std::array<std::string_view, 6> kOps = {"<", "<=", ">", ">=", "==", "!="};
  const bool rising = words.size() == 2 && words[1] == "increases";
  const bool comparison =
      words.size() == 3 && std::find(kOps.begin(), kOps.end(), words[1]) != kOps.end();
  if (!rising && !comparison) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("'{}' is not a comparison: expected <metric> <op> <number> with one of "
                            "{}, or <metric> increases",
                            text, fmt::join(kOps, " ")));
  }
  if (comparison && !is_decimal(words[2])) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("'{}' is not a bare decimal number", words[2]));
  }
  return Condition{words[0], words[1], rising ? "" : words[2]};
}

// Where `after` starts: sets after_time, or reports and returns false.
bool resolve_after(const AssertDraft& draft, Diagnostics& diagnostics, const Scenario& out,
                   AssertSpec& spec) {
  if (draft.after.starts_with("t+")) {
    const auto time = parse_quantity(std::string_view(draft.after).substr(2), Dimension::kDuration);
    if (!time || *time < 0) {
      report(diagnostics, draft, "after", fmt::format("'{}' is not a time", draft.after));
      return false;
    }
    spec.after_time = Time{static_cast<std::int64_t>(*time)};
    return true;
  }
  std::vector<std::string> known;
  for (const FaultSpec& fault : out.timeline) {
    const bool ends = fault.duration > Duration{};
    known.push_back(fault.name + ".begin");
    if (ends) known.push_back(fault.name + ".end");
    if (draft.after == fault.name + ".begin") spec.after_time = fault.at;
    if (draft.after == fault.name + ".end") {
      if (!ends) {
        report(diagnostics, draft, "after", fmt::format("{} never ends", fault.name));
        return false;
      }
      spec.after_time = later(fault.at, fault.duration);
    }
  }
  known.emplace_back("t+0s");
  const bool found = std::find(known.begin(), known.end(), draft.after) != known.end();
  if (!found) {
    report(diagnostics, draft, "after",
           fmt::format("'{}' is no event of the timeline", draft.after),
           suggest(draft.after, known));
  }
  return found;
}

void resolve_bound(const AssertDraft& draft, Diagnostics& diagnostics, const Scenario& out,
                   AssertSpec& spec) {
  for (const char* key : {"within", "after"}) {
    if (spec.kind != AssertKind::kEventually && draft.node->find(key) != nullptr) {
      report(diagnostics, draft, key, fmt::format("'{}' goes with eventually only", key));
      return;
    }
  }
  if (spec.kind != AssertKind::kEventually) return;
  if (!draft.after.empty() && !resolve_after(draft, diagnostics, out, spec)) return;
  if (spec.after_time >= out.until) {
    report(diagnostics, draft, "after",
           fmt::format("{} is not before the end of the run, {}", spell(spec.after_time),
                       spell(out.until)));
    return;
  }
  if (spec.within == Duration{}) spec.within = out.until - spec.after_time;
  if (later(spec.after_time, spec.within) > out.until) {
    report(diagnostics, draft, "within",
           fmt::format("the bound {} lies behind the end of the run, {}",
                       spell(later(spec.after_time, spec.within)), spell(out.until)));
  }
}

void add_assert(const AssertDraft& draft, const LoadOptions& options, Diagnostics& diagnostics,
                Scenario& out) {
  const std::array<std::pair<const char*, const std::string*>, 4> texts = {
      {{"always", &draft.always},
       {"never", &draft.never},
       {"eventually", &draft.eventually},
       {"at_end", &draft.at_end}}};
  AssertSpec spec{.name = draft.name, .within = draft.within, .after = draft.after};
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const auto& [key, text] = texts[i];
    if (text->empty()) continue;
    spec.kind = static_cast<AssertKind>(i);
    spec.text = *text;
    const auto condition = parse_condition(*text);
    if (!condition) {
      report(diagnostics, draft, key, condition.error().message);
      continue;
    }
    spec.metric = condition->metric;
    spec.op = condition->op;
    spec.value = condition->value;
    const auto& known = options.known_metrics;
    if (!known.empty() && std::find(known.begin(), known.end(), spec.metric) == known.end()) {
      report(diagnostics, draft, key, fmt::format("unknown metric '{}'", spec.metric),
             suggest(spec.metric, known));
    }
  }
  resolve_bound(draft, diagnostics, out, spec);
  out.asserts.push_back(std::move(spec));
}

}  // namespace

std::string spell(Time time) { return "t+" + format_quantity(time.ns, Dimension::kDuration); }

void resolve_load(const ScenarioDraft& draft, Diagnostics& diagnostics, Scenario& out) {
  for (const LoadDraft& load : draft.load) {
    LoadSpec spec{.name = load.name,
                  .kind = load.kind,
                  .mean_interval_ns = load.mean_interval_ns,
                  .start = load.start,
                  .stop = std::min(load.stop, out.until),
                  .model = load.model,
                  .prompt_bytes = load.prompt,
                  .output_tokens = load.output,
                  .priority = load.priority,
                  .amount = load.amount};
    const std::string path = join_path(load.path, "users");
    auto users = select_nodes(load.users, {.nodes = out.nodes, .seed = out.seed, .path = path});
    if (!users) {
      report(diagnostics, load, "users", users.error().message);
      continue;
    }
    spec.users = std::move(*users);
    check_users(load, draft, diagnostics, out, spec);
    if (load.stop != kNever && load.stop > out.until) {
      report(
          diagnostics, load, "stop",
          fmt::format("{} lies behind the end of the run, {}", spell(load.stop), spell(out.until)));
    }
    if (load.start >= spec.stop) {
      report(diagnostics, load, "start",
             fmt::format("{} is not before the stop, {}", spell(load.start), spell(spec.stop)));
    }
    if (load.kind == "chat") {
      choose_model(load, draft, diagnostics, spec);
      bound_distribution(load, "prompt", draft.chain.work.max_prompt_bytes, diagnostics,
                         spec.prompt_bytes);
      bound_distribution(load, "output", draft.chain.work.max_output_tokens, diagnostics,
                         spec.output_tokens);
    }
    out.load.push_back(std::move(spec));
  }
}

void resolve_asserts(const ScenarioDraft& draft, const LoadOptions& options,
                     Diagnostics& diagnostics, Scenario& out) {
  for (const AssertDraft& item : draft.asserts) add_assert(item, options, diagnostics, out);
}

void check_behaviour(const LoadOptions& options, Diagnostics& diagnostics, const Located& place,
                     const std::string& behaviour) {
  std::vector<std::string> known = options.known_behaviours;
  if (known.empty() || behaviour == "honest") return;
  if (std::find(known.begin(), known.end(), behaviour) != known.end()) return;
  known.emplace_back("honest");
  report(diagnostics, place, "behaviour", fmt::format("unknown behaviour '{}'", behaviour),
         suggest(behaviour, known));
}

}  // namespace orrery::scenario
