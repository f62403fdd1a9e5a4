// Faults: who they happen to, and what their keys have to do with each other.
#include <fmt/format.h>

#include <algorithm>
#include <initializer_list>

#include "engine/base/disk_budget.h"
#include "scenarios/schema/checks.h"
#include "scenarios/schema/fields.h"
#include "scenarios/schema/resolve_events.h"
#include "scenarios/schema/selector.h"

namespace orrery::scenario {
namespace {

constexpr std::int64_t kMaxDriftPpb = 100'000'000;  // of all faults and the clock's own together

class Timeline {
 public:
  Timeline(const ScenarioDraft& draft, const LoadOptions& options, Diagnostics& diagnostics,
           Scenario& out)
      : draft_(draft), options_(options), diagnostics_(diagnostics), out_(out) {}

  void add(const FaultDraft& fault) {
    FaultSpec spec = fault.spec;
    spec.id = static_cast<std::uint32_t>(out_.timeline.size() + 1);
    spec.kind = static_cast<FaultKind>(fault.action + 1);
    if (spec.name.empty()) {
      spec.name = fmt::format("{}-{}", action_field()->choices[fault.action], spec.id);
    }
    if (spec.kind == FaultKind::kCrash) spec.duration = fault.restart_after;
    if (spec.at >= out_.until) {
      complain(fault, "at",
               fmt::format("{} is not before the end of the run, {}", spell(spec.at),
                           spell(out_.until)));
    }
    for (const FaultSpec& other : out_.timeline) {
      if (other.name == spec.name) {
        complain(fault, "name", fmt::format("the name '{}' is taken", spec.name));
      }
    }
    if (spec.kind == FaultKind::kPartition) {
      partition(fault, spec);
    } else {
      spec.targets = nodes(fault, "targets", fault.targets);
    }
    switch (spec.kind) {
      case FaultKind::kBehave:
        check_behaviour(options_, diagnostics_, fault, spec.behaviour);
        break;
      case FaultKind::kClock: clock(fault, spec); break;
      case FaultKind::kLink: link(fault, spec); break;
      case FaultKind::kDisk: disk(fault, spec); break;
      case FaultKind::kClog: clog(fault, spec); break;
      case FaultKind::kCrash: crash(fault, spec); break;
      default: break;
    }
    out_.timeline.push_back(std::move(spec));
    drafts_.push_back(&fault);
  }

  // What needs all faults: how many disks are damaged at a time, and how fast clocks run.
  void finish() {
    for (std::size_t i = 0; i < out_.timeline.size(); ++i) {
      if (destroys(out_.timeline[i])) disk_budget(i);
      if (drifts(out_.timeline[i])) drift_budget(i);
    }
  }

 private:
  static const Field* action_field() {
    return scenario_section().find("timeline")->section->find("do");
  }
  void complain(const FaultDraft& fault, std::string_view key, std::string message,
                std::string hint = {}) {
    report(diagnostics_, fault, key, std::move(message), std::move(hint));
  }
  static bool given(const FaultDraft& fault, std::string_view key) {
    return fault.node->find(key) != nullptr;
  }

  std::vector<std::uint32_t> nodes(const FaultDraft& fault, std::string_view key,
                                   const std::string& text) {
    const std::string path = join_path(fault.path, key);
    auto set = select_nodes(text, {.nodes = out_.nodes, .seed = out_.seed, .path = path});
    if (set) return std::move(*set);
    complain(fault, key, set.error().message);
    return {};
  }

  void partition(const FaultDraft& fault, FaultSpec& spec) {
    const bool directed = given(fault, "from") || given(fault, "to");
    if (!directed && !given(fault, "sides")) {
      return complain(fault, "", "missing key 'sides'", "or from and to, for one direction");
    }
    if (!directed) return sides(fault, spec);
    if (given(fault, "sides")) {
      return complain(fault, "sides", "either sides, or from and to");
    }
    for (const char* key : {"from", "to"}) {
      if (!given(fault, key)) return complain(fault, "", fmt::format("missing key '{}'", key));
    }
    spec.from = nodes(fault, "from", fault.from);
    spec.to = nodes(fault, "to", fault.to);
  }

  void sides(const FaultDraft& fault, FaultSpec& spec) {
    const Node* list = fault.node->find("sides");
    if (fault.sides.size() < 2) {
      complain(fault, "sides", "a partition needs at least two sides");
      return;
    }
    std::vector<int> side_of(out_.nodes.size(), -1);
    for (std::size_t i = 0; i < fault.sides.size(); ++i) {
      const std::string path = fmt::format("{}.sides[{}]", fault.path, i);
      auto set =
          select_nodes(fault.sides[i], {.nodes = out_.nodes, .seed = out_.seed, .path = path});
      const Mark mark = list->items[i].mark;
      if (!set) {
        diagnostics_.add(mark, path, set.error().message);
        continue;
      }
      for (const std::uint32_t node : *set) {
        if (side_of[node] >= 0) {
          diagnostics_.add(
              mark, path,
              fmt::format("{} is also on side {}", out_.nodes[node].name, side_of[node]),
              "sides must be disjoint");
          break;
        }
        side_of[node] = static_cast<int>(i);
      }
      spec.sides.push_back(std::move(*set));
    }
  }

  void link(const FaultDraft& fault, FaultSpec& spec) {
    spec.link = inherit_link(spec.link, fault, draft_.network.link);
    if (spec.link == draft_.network.link) {
      complain(fault, "do", "changes nothing about the links",
               "give latency, loss, duplicate, rate, jitter, reorder, corrupt or queue");
    }
    check_link(spec.link, *fault.node, fault.path, diagnostics_);
  }

  void crash(const FaultDraft& fault, const FaultSpec& spec) {
    if (spec.unnoticed && spec.disk_loss != CrashDisk::kTorn) {
      complain(fault, "unnoticed", "goes with disk: torn, where a record may be half written");
    }
  }

  // Each of `keys` must be given, and no other of `all`.
  void only(const FaultDraft& fault, std::string_view kind,
            std::initializer_list<std::string_view> all,
            std::initializer_list<std::string_view> keys) {
    for (const std::string_view key : all) {
      const bool wanted = std::find(keys.begin(), keys.end(), key) != keys.end();
      if (given(fault, key) && !wanted) {
        complain(fault, key, fmt::format("'{}' does not go with {}", key, kind));
      }
      if (!given(fault, key) && wanted) {
        complain(fault, "", fmt::format("missing key '{}': {} needs it", key, kind));
      }
    }
  }

  void clock(const FaultDraft& fault, FaultSpec& spec) {
    const Field* field = scenario_section().find("timeline")->section->find("mode");
    const std::string kind =
        fmt::format("mode: {}", field->choices[static_cast<std::size_t>(spec.clock)]);
    switch (spec.clock) {
      case ClockMode::kOffset: return only(fault, kind, {"offset", "drift", "error"}, {"offset"});
      case ClockMode::kStep:
        return only(fault, kind, {"offset", "drift", "error", "for"}, {"offset"});
      case ClockMode::kSlew:
        return only(fault, kind, {"offset", "drift", "error", "for"}, {"offset", "for"});
      case ClockMode::kDrift:
      case ClockMode::kNtpLoss: return only(fault, kind, {"offset", "drift", "error"}, {"drift"});
      case ClockMode::kClaim: return only(fault, kind, {"offset", "drift", "error"}, {"error"});
    }
  }

  void disk(const FaultDraft& fault, const FaultSpec& spec) {
    const Field* field = scenario_section().find("timeline")->section->find("kind");
    const std::string kind =
        fmt::format("kind: {}", field->choices[static_cast<std::size_t>(spec.disk)]);
    const auto refuse = [&](std::string_view key) {
      if (given(fault, key)) {
        complain(fault, key, fmt::format("'{}' does not go with {}", key, kind));
      }
    };
    const bool stall = spec.disk == DiskMode::kStall;
    if (stall) {
      only(fault, kind, {"delay"}, {"delay"});
    } else {
      refuse("delay");
    }
    if (stall || spec.disk == DiskMode::kFull || spec.disk == DiskMode::kSyncFails) refuse("share");
    if (stall || spec.disk == DiskMode::kFull || spec.disk == DiskMode::kBadSectors ||
        spec.disk == DiskMode::kLostWrites) {
      refuse("unnoticed");
    }
  }

  void clog(const FaultDraft& fault, const FaultSpec& spec) {
    if (spec.swizzle && spec.duration == Duration{}) {
      complain(fault, "swizzle", "needs 'for': the time in which nodes are clogged and freed");
    }
  }

  static bool destroys(const FaultSpec& f) {
    if (f.kind == FaultKind::kCrash) return f.disk_loss == CrashDisk::kWipe;
    return f.kind == FaultKind::kDisk && f.disk != DiskMode::kStall && f.disk != DiskMode::kFull;
  }
  static bool drifts(const FaultSpec& f) {
    return f.kind == FaultKind::kClock &&
           (f.clock == ClockMode::kDrift || f.clock == ClockMode::kNtpLoss);
  }
  static bool in_force(const FaultSpec& f, Time at) {
    return f.at <= at && (f.duration == Duration{} || at < later(f.at, f.duration));
  }

  // Of all disks that are damaged when fault `i` begins.
  void disk_budget(std::size_t i) {
    const Time at = out_.timeline[i].at;
    std::vector<bool> damaged(out_.nodes.size());
    for (const FaultSpec& f : out_.timeline) {
      if (!destroys(f) || !in_force(f, at)) continue;
      for (const std::uint32_t node : f.targets) damaged[node] = true;
    }
    const auto count = static_cast<std::uint32_t>(std::count(damaged.begin(), damaged.end(), true));
    const auto all = static_cast<std::uint32_t>(out_.nodes.size());
    if (count <= damageable_disks(all)) return;
    complain(*drafts_[i], "targets",
             fmt::format("{} of {} disks would be damaged at {}: at least {} must be whole, or "
                         "what is final could be lost everywhere",
                         count, all, spell(at), all - damageable_disks(all)));
  }

  void drift_budget(std::size_t i) {
    const Time at = out_.timeline[i].at;
    for (const std::uint32_t node : out_.timeline[i].targets) {
      std::int64_t drift = out_.nodes[node].clock_drift_ppb;
      for (const FaultSpec& f : out_.timeline) {
        if (!drifts(f) || !in_force(f, at)) continue;
        drift += f.drift_ppb * std::count(f.targets.begin(), f.targets.end(), node);
      }
      if (drift >= -kMaxDriftPpb && drift <= kMaxDriftPpb) continue;
      return complain(
          *drafts_[i], "drift",
          fmt::format("the drifts of {} add up to more than 10 %", out_.nodes[node].name));
    }
  }

  const ScenarioDraft& draft_;
  const LoadOptions& options_;
  Diagnostics& diagnostics_;
  Scenario& out_;
  std::vector<const FaultDraft*> drafts_;  // of out_.timeline
};

}  // namespace

void resolve_timeline(const ScenarioDraft& draft, const LoadOptions& options,
                      Diagnostics& diagnostics, Scenario& out) {
  Timeline timeline(draft, options, diagnostics, out);
  for (const FaultDraft& fault : draft.timeline) timeline.add(fault);
  if (diagnostics.empty()) timeline.finish();
}

LinkSpec inherit_link(LinkSpec given, const Located& place, const LinkSpec& base) {
  const auto inherit = [&](std::string_view key, auto member) {
    if (place.node->find(key) == nullptr) given.*member = base.*member;
  };
  inherit("latency", &LinkSpec::latency);
  inherit("loss", &LinkSpec::loss_ppm);
  inherit("duplicate", &LinkSpec::duplicate_ppm);
  inherit("rate", &LinkSpec::bytes_per_second);
  inherit("jitter", &LinkSpec::jitter);
  inherit("reorder", &LinkSpec::reorder_ppm);
  inherit("reorder_window", &LinkSpec::reorder_window);
  inherit("corrupt", &LinkSpec::corrupt_ppm);
  inherit("queue", &LinkSpec::queue_bytes);
  return given;
}

}  // namespace orrery::scenario
