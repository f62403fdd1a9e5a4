#include "harness/sweep/story.h"

#include <fmt/format.h>

#include <deque>
#include <map>

#include "harness/run/network.h"
#include "harness/run/world.h"
#include "protocol/types/trace_kinds.h"

namespace orrery::sweep {
namespace {

std::string instant(Time t) {
  return fmt::format("t+{}.{:03}s", t.ns / 1'000'000'000, t.ns / 1'000'000 % 1000);
}

// Keeps the last few of what is worth telling; faults are always told.
class Chronicle final : public env::TraceSink {
 public:
  explicit Chronicle(const scenario::Scenario& scenario) : scenario_(scenario) {}

  void on_trace(Time now, std::uint32_t node, const env::TraceEvent& event) override {
    const std::string text = words(event);
    if (text.empty()) return;
    const bool fault = event.kind == env::kFaultBegin || event.kind == env::kFaultEnd;
    const std::string who = node == env::TraceSink::kWorld ? "" : scenario_.nodes[node].name + " ";
    const std::string line = fmt::format("{}  {}{}", instant(now), who, text);
    if (fault) {
      faults_.emplace_back(count_++, line);
    } else {
      others_.emplace_back(count_++, line);
      if (others_.size() > kStoryLines) others_.pop_front();
    }
  }

  // The last of both kinds, faults first to stay, in the order in which they happened.
  std::vector<std::string> last(std::size_t lines) const {
    std::map<std::uint64_t, std::string> kept;
    for (auto it = faults_.rbegin(); it != faults_.rend() && kept.size() < lines; ++it) {
      kept.insert(*it);
    }
    for (auto it = others_.rbegin(); it != others_.rend() && kept.size() < lines; ++it) {
      kept.insert(*it);
    }
    std::vector<std::string> texts;
    for (const auto& [order, text] : kept) texts.push_back(text);
    return texts;
  }

 private:
  std::string fault(std::uint64_t id) const {
    for (const scenario::FaultSpec& spec : scenario_.timeline) {
      if (spec.id == id) return spec.name;
    }
    return fmt::format("fault {}", id);
  }

  std::string words(const env::TraceEvent& e) const {
    switch (e.kind) {
      case env::kFaultBegin: return "fault begins: " + fault(e.n[0]);
      case env::kFaultEnd: return "fault ends: " + fault(e.n[0]);
      case env::kNodeCrash: return fmt::format("is down, {} writes lost", e.n[0]);
      case env::kNodeBoot: return e.n[0] == 0 ? "" : fmt::format("boots, life {}", e.n[0] + 1);
      case chain::kTraceRestored:
        return e.n[1] == 0 ? "" : fmt::format("restores height {}, final {}", e.n[1], e.n[0]);
      case chain::kTraceProduced: return fmt::format("makes block {}", e.n[0]);
      case chain::kTraceHead:
        return e.n[1] == 0 ? ""
                           : fmt::format("moves to height {}, {} blocks abandoned", e.n[0], e.n[1]);
      case chain::kTraceVoteSent: return fmt::format("votes for epoch {}", e.n[0]);
      case chain::kTraceFinalized: return fmt::format("finalises height {}", e.n[1]);
      case chain::kTraceFinalConflict: return "sees a quorum off its final chain";
      case chain::kTraceEvidence: return "sees conflicting votes";
      default: return "";
    }
  }

  const scenario::Scenario& scenario_;
  std::uint64_t count_ = 0;
  std::vector<std::pair<std::uint64_t, std::string>> faults_;
  std::deque<std::pair<std::uint64_t, std::string>> others_;
};

std::string cast_of(const scenario::Scenario& scenario) {
  std::vector<std::pair<std::string, int>> roles;
  for (const scenario::NodeSpec& node : scenario.nodes) {
    const std::string role = run::role_name(node.role);
    if (roles.empty() || roles.back().first != role) roles.emplace_back(role, 0);
    ++roles.back().second;
  }
  std::vector<std::string> parts;
  for (const auto& [role, count] : roles) parts.push_back(fmt::format("{} {}", count, role));
  return fmt::format("{}", fmt::join(parts, ", "));
}

}  // namespace

Result<std::vector<std::string>> tell(const scenario::Scenario& scenario, const Failure& failure) {
  ASSIGN_OR_RETURN(const auto world, run::World::make(scenario));
  Chronicle chronicle(scenario);
  world->simulator().add_trace_sink(chronicle);
  // An error of the run is the failure itself.
  (void)world->run_until(failure.at);
  std::vector<std::string> lines = {fmt::format("{} nodes ({}), {} faults, seed {}",
                                                scenario.nodes.size(), cast_of(scenario),
                                                scenario.timeline.size(), scenario.seed)};
  for (std::string& line : chronicle.last(kStoryLines - 2)) lines.push_back(std::move(line));
  lines.push_back(fmt::format("{}  {} {} fails: {}", instant(failure.at), to_string(failure.kind),
                              failure.name, failure.text));
  return lines;
}

}  // namespace orrery::sweep
