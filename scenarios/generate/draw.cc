#include "scenarios/generate/draw.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "engine/base/random.h"

namespace orrery::scenario {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::uint64_t kHalf = std::uint64_t{1} << 31;  // of RandomStream::chance
constexpr std::uint64_t kThird = (std::uint64_t{1} << 32) / 3;
constexpr std::uint32_t kMaxFaults = 6;
constexpr std::int64_t kFirstFault = 30;  // seconds: the first blocks are there
constexpr std::int64_t kLongest = 90;     // seconds that a fault may last
// At the end, so that a chain of the slowest kind drawn here has some epochs to finalise in.
constexpr std::int64_t kCalm = 120;

// Bytes that a node sends a second, mean over nodes and time: several times what the busiest of
// these worlds needs. Who asks for the same thing over and over needs more.
constexpr std::int64_t kMostTraffic = 10'000;

// Draws of one purpose: what another purpose draws shifts nothing here.
class Dice {
 public:
  Dice(std::uint64_t seed, std::string_view purpose) : stream_(seed, 0, stream_id(purpose)) {}

  std::int64_t between(std::int64_t low, std::int64_t high) {
    return low +
           static_cast<std::int64_t>(stream_.below(static_cast<std::uint64_t>(high - low) + 1));
  }
  bool chance(std::uint64_t parts) { return stream_.chance(parts); }
  template <class T>
  const T& one_of(const std::vector<T>& items) {
    return items[stream_.below(items.size())];
  }
  // At least one and at most `most`, in the order given.
  std::vector<std::string> some_of(const std::vector<std::string>& items, std::size_t most) {
    std::vector<std::string> chosen = items;
    const auto count = static_cast<std::size_t>(
        between(1, static_cast<std::int64_t>(std::min(most, items.size()))));
    while (chosen.size() > count) {
      chosen.erase(chosen.begin() + static_cast<std::ptrdiff_t>(stream_.below(chosen.size())));
    }
    return chosen;
  }

 private:
  RandomStream stream_;
};

std::string selector(const std::vector<std::string>& names) {
  return fmt::format("{}", fmt::join(names, " | "));
}

std::vector<std::string> all_of(const FaultField& field) {
  std::vector<std::string> all = field.others;
  all.insert(all.end(), field.validators.begin(), field.validators.end());
  all.insert(all.end(), field.workers.begin(), field.workers.end());
  return all;
}

std::size_t minority(const FaultField& field) {  // that may fail for good
  return field.validators.empty() ? 0 : (field.validators.size() - 1) / 3;
}

// Validators that may fail for good: the same ones for misbehaviour and for disks, so that both
// together stay a minority.
std::vector<std::string> weak_validators(const FaultField& field) {
  return {field.validators.end() - static_cast<std::ptrdiff_t>(minority(field)),
          field.validators.end()};
}

// Who may lose a disk without an end of the chain: one worker and one bootstrap node, which every
// scenario has, always keep theirs.
std::vector<std::string> weak_nodes(const FaultField& field) {
  std::vector<std::string> nodes = weak_validators(field);
  nodes.insert(nodes.end(), field.workers.begin(), field.workers.end() - 1);
  nodes.insert(nodes.end(), field.others.begin() + 1, field.others.end());
  return nodes;
}

std::vector<std::string> rest_of(const FaultField& field, const std::vector<std::string>& chosen) {
  std::vector<std::string> rest = all_of(field);
  std::erase_if(rest, [&](const std::string& name) {
    return std::find(chosen.begin(), chosen.end(), name) != chosen.end();
  });
  return rest;
}

// A fault of at least one of the nodes and at most `most`.
Json fault_of(Dice& dice, const char* what, const std::vector<std::string>& nodes,
              std::size_t most) {
  return {{"do", what}, {"targets", selector(dice.some_of(nodes, most))}};
}

Json with(Json item, const Json& more) {
  item.update(more);
  return item;
}

Json partition(Dice& dice, const FaultField& field) {
  const auto left = dice.some_of(all_of(field), all_of(field).size() - 1);
  return {{"do", "partition"}, {"sides", {selector(left), selector(rest_of(field, left))}}};
}

Json one_way(Dice& dice, const FaultField& field) {
  const auto from = dice.some_of(all_of(field), all_of(field).size() - 1);
  return {{"do", "partition"},
          {"from", selector(from)},
          {"to", selector(dice.some_of(rest_of(field, from), 8))}};
}

Json crash(Dice& dice, const FaultField& field) {
  const std::vector<std::string> losses = {"lose-unsynced", "keep-prefix", "keep-subset", "torn"};
  Json item = fault_of(dice, "crash", all_of(field), 4);
  return with(std::move(item), {{"disk", dice.one_of(losses)}});
}

// Of nodes that have signed nothing that a second signature could contradict.
Json wipe(Dice& dice, const FaultField& field) {
  std::vector<std::string> nodes = field.others;
  nodes.insert(nodes.end(), field.workers.begin(), field.workers.end());
  return with(fault_of(dice, "crash", nodes, 2), {{"disk", "wipe"}});
}

Json clock(Dice& dice, const FaultField& field) {
  // One in four is off by epochs, not only by slots.
  const std::int64_t most = dice.chance(kHalf / 2) ? 60'000 : 3000;
  const std::int64_t millis = dice.between(-most, most);
  return with(fault_of(dice, "clock", all_of(field), 3),
              {{"offset", fmt::format("{}ms", millis == 0 ? 1 : millis)}});
}

Json slewing_clock(Dice& dice, const FaultField& field) {
  Json item = fault_of(dice, "clock", all_of(field), 3);
  return with(std::move(item),
              {{"mode", "slew"}, {"offset", fmt::format("{}ms", dice.between(1, 3000))}});
}

Json drifting_clock(Dice& dice, const FaultField& field) {
  const std::vector<std::string> modes = {"drift", "ntp-loss"};
  const std::string mode = dice.one_of(modes);
  Json item = fault_of(dice, "clock", all_of(field), 3);
  return with(std::move(item),
              {{"mode", mode}, {"drift", fmt::format("{}ppb", dice.between(1, 5'000'000))}});
}

Json bad_disk(Dice& dice, const FaultField& field) {
  const std::vector<std::string> kinds = {"rot",         "bad-sectors", "lost-writes",
                                          "misdirected", "full",        "sync-fails"};
  const std::string kind = dice.one_of(kinds);
  return with(fault_of(dice, "disk", weak_nodes(field), 2), {{"kind", kind}});
}

Json slow_disk(Dice& dice, const FaultField& field) {
  Json item = fault_of(dice, "disk", all_of(field), 4);
  return with(std::move(item),
              {{"kind", "stall"}, {"delay", fmt::format("{}ms", dice.between(10, 20'000))}});
}

Json clog(Dice& dice, const FaultField& field) {
  Json item = fault_of(dice, "clog", all_of(field), 4);
  return with(std::move(item), {{"swizzle", dice.chance(kHalf)}});
}

Json reset(Dice& dice, const FaultField& field) {
  return fault_of(dice, "reset", all_of(field), 4);
}

Json half_open(Dice& dice, const FaultField& field) {
  return fault_of(dice, "half-open", all_of(field), 4);
}

Json churn(Dice& dice, const FaultField& field) {
  Json item = fault_of(dice, "churn", all_of(field), 4);
  item["every"] = fmt::format("{}s", dice.between(5, 40));
  item["away"] = fmt::format("{}s", dice.between(1, 20));
  return item;
}

// One property of links, drawn from `low` to `high`.
struct LinkRange {
  const char* key;
  std::int64_t low, high;
  const char* unit;
};
Json links(Dice& dice, const FaultField& field, const LinkRange& range) {
  Json item = fault_of(dice, "link", all_of(field), 4);
  item[range.key] = fmt::format("{}{}", dice.between(range.low, range.high), range.unit);
  return item;
}
Json slow_links(Dice& dice, const FaultField& field) {
  return links(dice, field, {"latency", 200, 3000, "ms"});
}
Json lossy_links(Dice& dice, const FaultField& field) {
  return links(dice, field, {"loss", 6, 60, "%"});
}
Json narrow_links(Dice& dice, const FaultField& field) {
  return links(dice, field, {"rate", 16, 512, "kbps"});
}
Json jittery_links(Dice& dice, const FaultField& field) {
  return links(dice, field, {"jitter", 50, 2000, "ms"});
}
Json corrupting_links(Dice& dice, const FaultField& field) {
  return links(dice, field, {"corrupt", 1, 20'000, "ppm"});
}

// The last worker stays honest: who is slashed for lying makes no more blocks.
Json liar(Dice& dice, const FaultField& field) {
  const std::vector<std::string> most(field.workers.begin(), field.workers.end() - 1);
  return with(fault_of(dice, "behave", most, most.size()), {{"behaviour", "lie-inference"}});
}

bool any(const FaultField&) { return true; }
bool has_weak_nodes(const FaultField& field) { return !weak_nodes(field).empty(); }
bool has_two_workers(const FaultField& field) { return field.workers.size() >= 2; }

struct FaultKindToDraw {
  const char* name;
  bool (*fits)(const FaultField& field);
  Json (*draw)(Dice& dice, const FaultField& field);
  const char* lasts;  // the key of its duration; nothing: to the end of the run
};

constexpr FaultKindToDraw kKinds[] = {
    {"partition", any, partition, "for"},
    {"one-way", any, one_way, "for"},
    {"crash", any, crash, "restart_after"},
    {"wipe", any, wipe, "restart_after"},
    {"churn", any, churn, "for"},
    {"clock", any, clock, "for"},
    {"slewing-clock", any, slewing_clock, "for"},
    {"drifting-clock", any, drifting_clock, "for"},
    {"bad-disk", has_weak_nodes, bad_disk, "for"},
    {"slow-disk", any, slow_disk, "for"},
    {"slow-links", any, slow_links, "for"},
    {"lossy-links", any, lossy_links, "for"},
    {"narrow-links", any, narrow_links, "for"},
    {"jittery-links", any, jittery_links, "for"},
    {"corrupting-links", any, corrupting_links, "for"},
    {"clog", any, clog, "for"},
    {"reset", any, reset, nullptr},
    {"half-open", any, half_open, nullptr},
    {"liar", has_two_workers, liar, nullptr},
};

std::int64_t seconds(Duration d) { return d.ns / kSecond; }

}  // namespace

Time calm_from(Duration until) { return Time{until.ns - kCalm * kSecond}; }

std::vector<std::string> fault_kinds() {
  std::vector<std::string> names;
  for (const FaultKindToDraw& kind : kKinds) names.emplace_back(kind.name);
  names.emplace_back("byzantine-validators");
  return names;
}

Json draw_world(const DrawOptions& options) {
  Dice dice(options.seed, "swarm/world");
  const std::int64_t nodes = dice.between(options.min_nodes, options.max_nodes);
  std::int64_t left = nodes - 5;
  const auto take = [&](std::int64_t most) {
    const std::int64_t taken = dice.between(0, std::min(most, left));
    left -= taken;
    return taken;
  };
  // Users first: without them nothing is asked and nothing is paid.
  std::int64_t users = 0;
  if (left > 0 && !dice.chance(kHalf / 2)) {
    --left;
    users = 1 + take(2);
  }
  const std::int64_t validators = 3 + take(4);
  const std::int64_t workers = 1 + take(3);
  const std::int64_t full = left;
  Json groups = {{{"name", "boot"}, {"role", "bootstrap"}},
                 {{"name", "validators"},
                  {"role", "validator"},
                  {"count", validators},
                  {"stake", "50000 AIGEN"},
                  {"balance", "100 AIGEN"}},
                 {{"name", "workers"},
                  {"role", "miner"},
                  {"count", workers},
                  {"stake", "10000 AIGEN"},
                  {"balance", "100 AIGEN"}}};
  if (users > 0) {
    groups.push_back(
        {{"name", "users"}, {"role", "user"}, {"count", users}, {"balance", "1000 AIGEN"}});
  }
  if (full > 0) groups.push_back({{"name", "full"}, {"role", "full"}, {"count", full}});
  Json load = Json::array();
  if (users > 0 && dice.chance(3 * kThird / 2)) {
    load.push_back({{"name", "chats"},
                    {"users", "group(users)"},
                    {"rate", fmt::format("{}/m", dice.between(1, 4))},
                    {"start", "t+20s"},
                    {"output", "uniform(2, 8)"}});
  }
  if (users > 0 && dice.chance(kHalf)) {
    load.push_back({{"name", "payments"},
                    {"users", "group(users)"},
                    {"kind", "transfer"},
                    {"rate", fmt::format("{}/m", dice.between(1, 30))},
                    {"start", "t+20s"},
                    {"amount", "0.5 AIGEN"}});
  }
  if (dice.chance(kThird)) {
    // Of bonds that stay far above the least one until the end.
    load.push_back({{"name", "notices"},
                    {"users", "role(miner) | role(validator)"},
                    {"kind", "unstake"},
                    {"rate", fmt::format("{}/m", dice.between(1, 2))},
                    {"start", "t+30s"},
                    {"amount", "2 AIGEN"}});
  }
  const std::int64_t interval = dice.one_of(std::vector<std::int64_t>{4, 6, 10});
  const std::int64_t low = dice.between(1, 60);
  Json network = {{"latency", fmt::format("uniform({}ms, {}ms)", low, low + dice.between(1, 200))}};
  if (dice.chance(kHalf)) network["loss"] = fmt::format("{}%", dice.between(1, 5));
  Json out = {
      {"orrery", 1},
      {"name", fmt::format("swarm-{}", options.seed)},
      {"seed", options.seed},
      {"until", fmt::format("{}s", seconds(options.until))},
      {"chain",
       {{"preset", "aigen"},
        {"consensus",
         {{"slot", "1s"},
          {"block_interval", fmt::format("{}s", interval)},
          {"epoch_slots", interval}}},
        {"stake", {{"unbonding_blocks", dice.between(4, 30)}}},
        {"work", {{"audit", dice.chance(kHalf) ? "100%" : "25%"}}}}},
      {"models", {{{"name", "small"}, {"dim", 32}, {"hidden", 64}, {"layers", 1}, {"heads", 2}}}},
      {"groups", std::move(groups)},
      {"network", std::move(network)}};
  if (!load.empty()) out["load"] = std::move(load);
  return out;
}

FaultField field_of(const Scenario& scenario) {
  FaultField field{.validators = {}, .workers = {}, .others = {}, .until = {scenario.until.ns}};
  for (const NodeSpec& node : scenario.nodes) {
    auto& list = node.role == Role::kValidator ? field.validators
                 : node.role == Role::kMiner   ? field.workers
                                               : field.others;
    list.push_back(node.name);
  }
  return field;
}

Json draw_faults(std::uint64_t seed, const FaultField& field) {
  Dice dice(seed, "swarm/faults");
  std::vector<const FaultKindToDraw*> present;
  for (const FaultKindToDraw& kind : kKinds) {
    if (dice.chance(kHalf) && kind.fits(field)) present.push_back(&kind);
  }
  Json timeline = Json::array();
  const std::int64_t calm = calm_from(field.until).ns / kSecond;
  const bool calm_world = present.empty() || dice.chance(kHalf / 8);  // one in sixteen
  const auto count = calm_world ? 0 : dice.between(1, kMaxFaults);
  for (std::int64_t i = 0; i < count; ++i) {
    const FaultKindToDraw& kind = *dice.one_of(present);
    const std::int64_t lasts = dice.between(3, std::min(kLongest, calm - kFirstFault - 1));
    Json item = {{"name", fmt::format("{}-{}", kind.name, i)},
                 {"at", fmt::format("t+{}s", dice.between(kFirstFault, calm - lasts))}};
    item.update(kind.draw(dice, field));
    if (kind.lasts) item[kind.lasts] = fmt::format("{}s", lasts);
    timeline.push_back(std::move(item));
  }
  if (minority(field) > 0 && dice.chance(kThird)) {
    const std::vector<std::string> behaviours = {"double-vote", "silent"};
    timeline.push_back({{"name", "byzantine"},
                        {"at", fmt::format("t+{}s", dice.between(kFirstFault, calm))},
                        {"do", "behave"},
                        {"targets", selector(weak_validators(field))},
                        {"behaviour", dice.one_of(behaviours)}});
  }
  return timeline;
}

Json sound_asserts(Duration until, std::size_t nodes) {
  const std::int64_t after = calm_from(until).ns / kSecond;
  const std::int64_t bytes =
      kMostTraffic * static_cast<std::int64_t>(nodes) * (until.ns / kSecond);
  return {{{"name", "money-is-conserved"}, {"always", "supply.error == 0"}},
          {{"name", "no-honest-node-is-slashed"}, {"always", "slashed.honest == 0"}},
          {{"name", "finality-goes-on"},
           {"eventually", "finality.advanced increases"},
           {"after", fmt::format("t+{}s", after)},
           {"within", fmt::format("{}s", kCalm)}},
          {{"name", "nobody-stays-behind"},
           {"eventually", "nodes.behind == 0"},
           {"after", fmt::format("t+{}s", after)},
           {"within", fmt::format("{}s", kCalm)}},
          {{"name", "nobody-floods"}, {"at_end", fmt::format("bytes.total < {}", bytes)}}};
}

}  // namespace orrery::scenario
