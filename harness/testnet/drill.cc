#include "harness/testnet/drill.h"

#include <fmt/format.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "harness/run/network.h"

namespace orrery::testnet {

using nlohmann::json;
using scenario::FaultKind;

Drill::Drill(boost::asio::io_context& loop, const Home& home, const scenario::Scenario& scenario,
             std::int64_t genesis_ns, Fleet& fleet)
    : alarms_(loop),
      home_(home),
      scenario_(scenario),
      genesis_ns_(genesis_ns),
      fleet_(fleet),
      links_(static_cast<std::uint32_t>(scenario.nodes.size())) {
  for (const scenario::FaultSpec& fault : scenario.timeline) {
    next_id_ = std::max(next_id_, fault.id + 1);
  }
}

void Drill::start_timeline() {
  const std::int64_t now = utc_now_ns();
  for (const scenario::FaultSpec& fault : scenario_.timeline) {
    const std::int64_t begin = genesis_ns_ + fault.at.ns;
    const bool over = fault.duration.ns > 0 && now >= begin + fault.duration.ns;
    const bool done_once = fault.kind == FaultKind::kCrash && fault.duration.ns == 0;
    if (over || (now >= begin && done_once)) continue;
    scenario::FaultSpec rest = fault;
    if (fault.duration.ns > 0 && now > begin) {
      rest.duration = Duration{begin + fault.duration.ns - now};
    }
    alarms_.at_utc(begin, [this, rest] { this->begin(rest); });
  }
}

void Drill::begin(scenario::FaultSpec fault) {
  next_id_ = std::max(next_id_, fault.id + 1);
  running_[fault.id] = {fault, utc_now_ns()};
  note(fault, true);
  switch (fault.kind) {
    case FaultKind::kPartition:
    case FaultKind::kLink:
      links_.begin(fault);
      write_links();
      break;
    case FaultKind::kCrash:
      for (const std::uint32_t node : fault.targets) {
        fleet_.kill(node, fault.disk_loss == scenario::CrashDisk::kWipe,
                    fault.duration.ns > 0 ? fault.duration : Duration{kNever.ns});
      }
      break;
    case FaultKind::kBehave:
      for (const std::uint32_t node : fault.targets) {
        fleet_.tell(node, "behave", json{{"do", "behave"}, {"as", fault.behaviour}}.dump());
      }
      break;
    case FaultKind::kClock:
      for (const std::uint32_t node : fault.targets) write_clock(node);
      break;
    default: break;  // refused by can_honour
  }
  if (fault.duration.ns > 0) {
    alarms_.after(fault.duration, [this, id = fault.id] { end(id); });
  }
}

bool Drill::clear(const std::string& name) {
  std::vector<std::uint32_t> ids;
  for (const auto& [id, fault] : running_) {
    if (name == "all" || fault.spec.name == name) ids.push_back(id);
  }
  for (const std::uint32_t id : ids) end(id);
  return !ids.empty();
}

void Drill::end(std::uint32_t id) {
  const auto it = running_.find(id);
  if (it == running_.end()) return;
  const scenario::FaultSpec fault = std::move(it->second.spec);
  running_.erase(it);
  note(fault, false);
  switch (fault.kind) {
    case FaultKind::kPartition:
    case FaultKind::kLink:
      links_.end(id);
      write_links();
      break;
    case FaultKind::kCrash:
      for (const std::uint32_t node : fault.targets) fleet_.start(node);
      break;
    case FaultKind::kBehave:
      for (const std::uint32_t node : fault.targets) {
        fleet_.tell(node, "behave", json{{"do", "behave"}, {"as", "honest"}}.dump());
      }
      break;
    case FaultKind::kClock:
      for (const std::uint32_t node : fault.targets) write_clock(node);
      break;
    default: break;  // refused by can_honour
  }
}

void Drill::write_links() {
  for (std::uint32_t node = 0; node < fleet_.size(); ++node) {
    json rules = json::object();
    for (const auto& [other, rule] : links_.rules_of(node)) {
      rules[fleet_.place(other).name] = {{"blocked", rule.blocked},
                                         {"delay_ns", rule.delay.ns},
                                         {"loss_ppm", rule.loss_ppm},
                                         {"bytes_per_second", rule.bytes_per_second}};
    }
    fleet_.tell(node, "links", json{{"do", "links"}, {"rules", rules}}.dump());
  }
}

// Offsets of all running faults on a node add up, as in simulation.
void Drill::write_clock(std::uint32_t node) {
  Duration sum{};
  for (const auto& [id, fault] : running_) {
    if (fault.spec.kind != FaultKind::kClock) continue;
    for (const std::uint32_t target : fault.spec.targets) {
      if (target == node) sum = sum + fault.spec.offset;
    }
  }
  fleet_.tell(node, "clock", json{{"do", "clock"}, {"offset_ns", sum.ns}}.dump());
}

void Drill::note(const scenario::FaultSpec& fault, bool active) {
  const json line{{"utc_ns", utc_now_ns()},
                  {"id", fault.id},
                  {"name", fault.name},
                  {"kind", static_cast<std::uint32_t>(fault.kind)},
                  {"active", active}};
  std::ofstream(home_.dir() + "/faults.jsonl", std::ios::app) << line.dump() << "\n";
  const json order{{"do", "fault"},
                   {"name", fault.name},
                   {"kind", run::fault_name(fault.kind)},
                   {"active", active}};
  for (std::uint32_t node = 0; node < fleet_.size(); ++node) fleet_.tell(node, "", order.dump());
}

Status Drill::start_load() {
  ASSIGN_OR_RETURN(inference_, run::Inference::make(scenario_.models, false));
  const Time now{utc_now_ns() - genesis_ns_};
  for (const auto& source : run::make_load(scenario_, *inference_)) {
    Time at = source->next_time(source->start());
    while (at < now) at = source->next_time(at);  // asked before this supervisor's time
    sources_.emplace_back(source, at);
  }
  set_load_rate(rate_);
  return {};
}

void Drill::set_load_rate(double rate) {
  rate_ = rate;
  ++load_epoch_;
  if (rate <= 0) return;
  const Time now{utc_now_ns() - genesis_ns_};
  for (auto& [source, at] : sources_) {
    if (at != kNever) next_request(source, std::max(at, now));
  }
}

// Asks at the scenario's instant `at`, then goes on. A higher rate shortens what lies between two
// requests, so the instants that follow are counted from the real present.
void Drill::next_request(const std::shared_ptr<run::LoadSource>& source, Time at) {
  if (at == kNever) return;
  alarms_.at_utc(genesis_ns_ + at.ns, [this, source, at, epoch = load_epoch_] {
    if (epoch != load_epoch_) return;
    ++requests_;
    const json order{{"do", "request"}, {"body", to_hex(source->next_request())}};
    if (fleet_.listens(source->user())) {
      fleet_.tell(source->user(), "", order.dump());
    } else {
      ++unheard_;
    }
    const Time drawn = source->next_time(at);
    Time next = kNever;
    if (drawn != kNever) {
      next = at + Duration{static_cast<std::int64_t>(static_cast<double>((drawn - at).ns) / rate_)};
    }
    for (auto& [s, t] : sources_) {
      if (s == source) t = next;
    }
    next_request(source, next);
  });
}

}  // namespace orrery::testnet
