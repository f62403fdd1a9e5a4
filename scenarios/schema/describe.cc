#include "scenarios/schema/describe.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "scenarios/schema/distribution_text.h"
#include "scenarios/schema/fields_links.h"
#include "scenarios/schema/quantity.h"
#include "scenarios/schema/read.h"
#include "scenarios/schema/selector.h"

namespace orrery::scenario {
namespace {

std::string duration(Duration d) { return format_quantity(d.ns, Dimension::kDuration); }
std::string at(Time t) { return "t+" + duration(t - Time{}); }

// "workers-3, users-0 .. users-19": runs of one group are folded.
std::string node_list(const Scenario& s, const std::vector<std::uint32_t>& nodes) {
  std::string out;
  for (std::size_t i = 0; i < nodes.size();) {
    std::size_t last = i;
    while (last + 1 < nodes.size() && nodes[last + 1] == nodes[last] + 1 &&
           s.nodes[nodes[last + 1]].group == s.nodes[nodes[i]].group)
      ++last;
    if (!out.empty()) out += ", ";
    out += s.nodes[nodes[i]].name;
    if (last > i) out += (last == i + 1 ? ", " : " .. ") + s.nodes[nodes[last]].name;
    i = last + 1;
  }
  return out;
}

std::string groups(const Scenario& s) {
  const Currency currency = currency_of(s.chain);
  std::string out =
      fmt::format("  {:<14}{:<11}{:>6}  {:<18}{:<18}{:<10}{:<18}{}\n", "group", "role", "nodes",
                  "stake", "balance", "device", "behaviour", "regions");
  for (std::size_t i = 0; i < s.nodes.size();) {
    const NodeSpec& first = s.nodes[i];
    std::map<std::string, int> regions;
    std::size_t end = i;
    for (; end < s.nodes.size() && s.nodes[end].group == first.group; ++end) {
      if (!s.nodes[end].region.empty()) ++regions[s.nodes[end].region];
    }
    std::string places;
    for (const auto& [region, count] : regions) places += fmt::format("{} {} ", region, count);
    if (!places.empty()) places.pop_back();
    out +=
        fmt::format("  {:<14}{:<11}{:>6}  {:<18}{:<18}{:<10}{:<18}{}\n", first.group,
                    role_name(first.role), end - i, format_money(first.stake, currency),
                    format_money(first.balance, currency), first.device, first.behaviour, places);
    i = end;
  }
  return out;
}

std::string link(const LinkSpec& link) {
  std::string out = "latency " + format_distribution(link.latency, Dimension::kDuration);
  if (link.loss_ppm != 0) out += ", loss " + format_quantity(link.loss_ppm, Dimension::kPpm);
  if (link.duplicate_ppm != 0) {
    out += ", duplicate " + format_quantity(link.duplicate_ppm, Dimension::kPpm);
  }
  if (link.bytes_per_second != 0) {
    out += ", " + format_quantity(link.bytes_per_second, Dimension::kBitRate);
  }
  if (link.jitter > Duration{}) out += ", jitter " + duration(link.jitter);
  if (link.reorder_ppm != 0) {
    out += fmt::format(", reorder {} within {}", format_quantity(link.reorder_ppm, Dimension::kPpm),
                       duration(link.reorder_window));
  }
  if (link.corrupt_ppm != 0) {
    out += ", corrupt " + format_quantity(link.corrupt_ppm, Dimension::kPpm);
  }
  if (link.queue_bytes != 0)
    out += ", queue " + format_quantity(link.queue_bytes, Dimension::kSize);
  return out;
}

std::string topology(const TopologySpec& t) {
  const Section* section = network_section().find("topology")->section;
  std::string out =
      fmt::format("  {:<18}{}", "topology",
                  section->find("kind")->choices.at(static_cast<std::size_t>(t.kind)));
  if (t.degree != 0) out += fmt::format(", degree {}", t.degree);
  if (t.rewire_ppm != 0) out += ", rewire " + format_quantity(t.rewire_ppm, Dimension::kPpm);
  if (t.attach != 0) out += fmt::format(", attach {}", t.attach);
  if (!t.edges.empty()) out += fmt::format(", {} directed links", t.edges.size());
  return out + "\n";
}

std::string load(const Scenario& s, const LoadSpec& l) {
  std::string out = fmt::format("  {:<18}{} from each of {} users, {} to {}: ", l.name,
                                format_quantity(l.mean_interval_ns, Dimension::kEventRate),
                                l.users.size(), at(l.start), at(l.stop));
  if (l.kind == "transfer") {
    return out + "transfer of " + format_money(l.amount, currency_of(s.chain)) + "\n";
  }
  if (l.kind == "unstake") {
    return out + "notice for " + format_money(l.amount, currency_of(s.chain)) + "\n";
  }
  return out + fmt::format("chat with {}, prompt {}, output {} tokens\n", l.model,
                           format_distribution(l.prompt_bytes, Dimension::kSize),
                           format_distribution(l.output_tokens, Dimension::kCount));
}

// The value of a choice as the file spells it.
std::string choice(std::string_view key, std::size_t value) {
  return std::string(timeline_section().find(key)->choices.at(value));
}

std::string clock(const FaultSpec& f) {
  std::string out = choice("mode", static_cast<std::size_t>(f.clock));
  if (f.offset != Duration{}) out += ", offset " + duration(f.offset);
  if (f.drift_ppb != 0) out += ", drift " + format_quantity(f.drift_ppb, Dimension::kPpb);
  if (f.clock == ClockMode::kClaim) out += ", error " + duration(f.error);
  return out;
}

std::string disk(const FaultSpec& f) {
  std::string out = choice("kind", static_cast<std::size_t>(f.disk));
  if (f.share_ppm != 1'000'000) out += ", share " + format_quantity(f.share_ppm, Dimension::kPpm);
  if (f.delay > Duration{}) out += ", delay " + duration(f.delay);
  if (f.unnoticed) out += ", unnoticed";
  return out;
}

std::string fault(const Scenario& s, const FaultSpec& f) {
  const bool ends = f.duration > Duration{};
  std::string length = ends ? " for " + duration(f.duration) : " until the end";
  std::string who = node_list(s, f.targets);
  if (f.kind == FaultKind::kCrash) {
    length = ends ? ", restart after " + duration(f.duration) : ", for good";
  }
  if (f.kind == FaultKind::kReset || f.kind == FaultKind::kHalfOpen) length.clear();
  for (const auto& side : f.sides) who += (who.empty() ? "" : " | ") + node_list(s, side);
  if (!f.from.empty()) who = fmt::format("{} to {}", node_list(s, f.from), node_list(s, f.to));
  const auto kind = static_cast<std::size_t>(f.kind) - 1;
  const std::string_view word = timeline_section().find("do")->choices.at(kind);
  return fmt::format("  {:<10}{:<18}{} {}: {}{}\n", at(f.at), f.name, word, who, effect(f), length);
}

std::string assertion(const AssertSpec& a) {
  static constexpr const char* kKinds[] = {"always", "never", "eventually", "at end"};
  std::string out = fmt::format("  {:<26}{}: {}", a.name, kKinds[static_cast<int>(a.kind)], a.text);
  if (a.kind == AssertKind::kEventually) {
    out +=
        fmt::format(", within {} after {}", duration(a.within), a.after.empty() ? "t+0s" : a.after);
  }
  return out + "\n";
}

}  // namespace

std::string effect(const FaultSpec& f) {
  switch (f.kind) {
    case FaultKind::kPartition:
      if (f.sides.empty()) return "nothing arrives";
      return fmt::format("{} sides cannot reach each other", f.sides.size());
    case FaultKind::kCrash:
      switch (f.disk_loss) {
        case CrashDisk::kLoseUnsynced: return "unsynced writes are lost";
        case CrashDisk::kWipe: return "the disk is wiped";
        case CrashDisk::kKeepPrefix: return "the last unsynced writes are lost";
        case CrashDisk::kKeepSubset: return "some unsynced writes are lost";
        case CrashDisk::kTorn:
          return f.unnoticed ? "a write is torn, unnoticed" : "a write is torn";
      }
      return {};
    case FaultKind::kBehave: return f.behaviour;
    case FaultKind::kClock: return clock(f);
    case FaultKind::kLink: return link(f.link);
    case FaultKind::kDisk: return disk(f);
    case FaultKind::kClog:
      return f.swizzle ? "one by one, freed in another order" : "nothing moves";
    case FaultKind::kReset: return "sessions break";
    case FaultKind::kHalfOpen: return "sessions break, peers do not know";
    case FaultKind::kChurn:
      return fmt::format("leave every {}, away for {}", duration(f.every),
                         format_distribution(f.away, Dimension::kDuration));
  }
  return {};
}

std::string describe(const Scenario& s) {
  std::string out = fmt::format("{}\n", s.name);
  if (!s.about.empty()) out += fmt::format("{}\n", s.about);
  const chain::ChainParams& c = s.chain;
  out += fmt::format("\nseed {}, until {}, {} nodes\n", s.seed, at(s.until), s.nodes.size());
  out += fmt::format("chain {} (preset {}): slot {}, block every {}, {}\n", c.id, c.preset,
                     duration(c.consensus.slot), duration(c.consensus.block_interval),
                     c.consensus.finality == chain::FinalityKind::kCheckpoint
                         ? fmt::format("finality votes every {} slots", c.consensus.epoch_slots)
                         : std::string("no finality"));
  for (const ModelSpec& m : s.models) {
    out += fmt::format("model {}: {}, width {}, {} layers, {} heads, context {}\n", m.name,
                       m.generator, m.dim, m.layers, m.heads, m.context);
  }
  out += "\ngroups\n" + groups(s);
  out += fmt::format("\nnetwork\n  {:<18}{}\n", "everywhere", link(s.network.link));
  for (const NetworkSpec::Override& o : s.network.overrides) {
    out += fmt::format("  {:<18}{}\n", o.from_region + " - " + o.to_region, link(o.link));
  }
  if (s.network.topology.kind != TopologyKind::kComplete) out += topology(s.network.topology);
  if (!s.load.empty()) out += "\nload\n";
  for (const LoadSpec& l : s.load) out += load(s, l);
  if (!s.timeline.empty()) out += "\ntimeline\n";
  std::vector<const FaultSpec*> faults;
  for (const FaultSpec& f : s.timeline) faults.push_back(&f);
  std::stable_sort(faults.begin(), faults.end(),
                   [](const FaultSpec* a, const FaultSpec* b) { return a->at < b->at; });
  for (const FaultSpec* f : faults) out += fault(s, *f);
  if (!s.asserts.empty()) out += "\nasserts\n";
  for (const AssertSpec& a : s.asserts) out += assertion(a);
  return out + fmt::format("\nhash {}\n", to_hex(s.hash));
}

}  // namespace orrery::scenario
