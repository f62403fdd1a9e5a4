#include "scenarios/schema/resolve.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "engine/base/random.h"
#include "scenarios/schema/checks.h"
#include "scenarios/schema/fields.h"
#include "scenarios/schema/quantity.h"
#include "scenarios/schema/read.h"
#include "scenarios/schema/resolve_events.h"
#include "scenarios/schema/resolve_topology.h"
#include "scenarios/schema/selector.h"
#include "scenarios/schema/trained_models.h"

namespace orrery::scenario {
namespace {

class Resolver {
 public:
  Resolver(const ScenarioDraft& draft, const Node& root, const LoadOptions& options,
           Diagnostics& diagnostics)
      : draft_(draft), root_(root), options_(options), diagnostics_(diagnostics) {}

  Scenario run() {
    out_.name = draft_.name;
    out_.about = draft_.about;
    out_.seed = draft_.seed;
    out_.until = Time{} + draft_.until;
    out_.chain = draft_.chain;
    out_.metrics_every = draft_.metrics.every;
    out_.report_html = draft_.report.html;
    out_.live = draft_.live;
    check_names(draft_, diagnostics_);
    check_chain(draft_.chain, root_, diagnostics_);
    check_models(draft_, diagnostics_);
    models();
    devices();
    groups();
    network();
    if (diagnostics_.empty()) resolve_topology(draft_, root_, diagnostics_, out_);
    bug();
    // Selectors over a broken node list would only repeat what was said above.
    if (diagnostics_.empty()) resolve_load(draft_, diagnostics_, out_);
    if (diagnostics_.empty()) resolve_timeline(draft_, options_, diagnostics_, out_);
    if (diagnostics_.empty()) resolve_asserts(draft_, options_, diagnostics_, out_);
    return std::move(out_);
  }

 private:
  void models() {
    for (const ModelDraft& draft : draft_.models) {
      ModelSpec model = draft;
      if (const TrainedModel* trained = trained_model(model.generator)) {
        model.dim = trained->dim;
        model.hidden = trained->hidden;
        model.layers = trained->layers;
        model.heads = trained->heads;
        model.context = trained->context;
      }
      out_.models.push_back(std::move(model));
    }
  }

  void devices() {
    for (const DeviceDraft& device : draft_.devices) out_.devices.push_back(device);
    const bool has_cpu = std::any_of(out_.devices.begin(), out_.devices.end(),
                                     [](const DeviceSpec& d) { return d.name == "cpu"; });
    if (!has_cpu) out_.devices.push_back({.name = "cpu"});
  }

  void groups() {
    std::uint64_t total = 0;
    for (const GroupDraft& group : draft_.groups) total += group.count;
    if (total > kMaxNodes) {
      report_at(diagnostics_, root_, "groups",
                fmt::format("{} nodes in all; the bound is {}", total, kMaxNodes));
      return;
    }
    u128 genesis = 0;
    bool overflow = false;
    for (const GroupDraft& group : draft_.groups) {
      check_group(group);
      const auto each = checked_add(group.stake, group.balance);
      const auto all = each ? checked_mul(*each, group.count) : std::nullopt;
      const auto sum = all ? checked_add(genesis, *all) : std::nullopt;
      overflow = overflow || !sum;
      genesis = sum.value_or(genesis);
      for (std::uint32_t i = 0; i < group.count; ++i) add_node(group, i);
    }
    check_roles();
    const chain::TokenParams& token = draft_.chain.token;
    const u128 pool = mul_div_floor(token.supply, token.sale_percent, 100);
    if (overflow || genesis > pool) {
      const Currency currency = currency_of(draft_.chain);
      report_at(diagnostics_, root_, "groups",
                fmt::format("stakes and balances exceed the sale pool of {}{}",
                            format_money(pool, currency),
                            overflow ? "" : ": they are " + format_money(genesis, currency)));
    }
  }

  void check_group(const GroupDraft& group) {
    const bool bonded = group.role == Role::kValidator || group.role == Role::kMiner;
    if (bonded && group.stake < draft_.chain.stake.minimum) {
      const Currency currency = currency_of(draft_.chain);
      report(
          diagnostics_, group, "stake",
          fmt::format("{} is below chain.stake.minimum, {}: a {} could not bond",
                      format_money(group.stake, currency),
                      format_money(draft_.chain.stake.minimum, currency), role_name(group.role)));
    }
    // A validator's challenge and a miner's commitment are transactions: without money for fees
    // they would stand by while they are cheated.
    if (bonded && group.balance < draft_.chain.fees.base_fee) {
      report(diagnostics_, group, "balance",
             fmt::format("a {} pays the fees of its own transactions: expected at least {}",
                         role_name(group.role),
                         format_money(draft_.chain.fees.base_fee, currency_of(draft_.chain))));
    }
    std::vector<std::string> names;
    for (const DeviceSpec& device : out_.devices) names.push_back(device.name);
    if (std::find(names.begin(), names.end(), group.device) == names.end()) {
      report(diagnostics_, group, "device", fmt::format("no device is named '{}'", group.device),
             suggest(group.device, names));
    }
    check_behaviour(options_, diagnostics_, group, group.behaviour);
  }

  void add_node(const GroupDraft& group, std::uint32_t index) {
    NodeSpec node{.name = fmt::format("{}-{}", group.name, index),
                  .group = group.name,
                  .role = group.role,
                  .stake = group.stake,
                  .balance = group.balance,
                  .device = group.device,
                  .clock_offset = group.clock.offset,
                  .clock_drift_ppb = group.clock.drift_ppb,
                  .uplink_bytes_per_second = group.uplink,
                  .behaviour = group.behaviour};
    std::uint64_t total = 0;
    for (const auto& [name, weight] : group.region.weights) total += weight;
    if (total > 0) {
      // A stream for each node, so that a larger group keeps the places of its first nodes.
      RandomStream stream(draft_.seed, stream_id(node.name), stream_id("scenario.region"));
      std::uint64_t draw = stream.below(total);
      for (const auto& [name, weight] : group.region.weights) {
        if (draw < weight) {
          node.region = name;
          break;
        }
        draw -= weight;
      }
    }
    out_.nodes.push_back(std::move(node));
  }

  void check_roles() {
    const auto has = [&](Role role) {
      return std::any_of(draft_.groups.begin(), draft_.groups.end(),
                         [&](const GroupDraft& group) { return group.role == role; });
    };
    const auto missing = [&](Role role, std::string_view why) {
      report_at(diagnostics_, root_, "groups",
                fmt::format("no group has role {}: {}", role_name(role), why));
    };
    if (!has(Role::kBootstrap)) missing(Role::kBootstrap, "nodes could not find one another");
    if (!has(Role::kMiner)) missing(Role::kMiner, "nobody would make blocks");
    if (!has(Role::kValidator) &&
        draft_.chain.consensus.finality == chain::FinalityKind::kCheckpoint) {
      missing(Role::kValidator,
              "nothing would become final (or set chain.consensus.finality: none)");
    }
  }

  void network() {
    out_.network.link = draft_.network.link;
    check_link(draft_.network.link, root_, "network", diagnostics_);
    std::set<std::string> known_set;
    for (const GroupDraft& group : draft_.groups) {
      for (const auto& [name, weight] : group.region.weights) known_set.insert(name);
    }
    const std::vector<std::string> known(known_set.begin(), known_set.end());
    std::map<std::pair<std::string, std::string>, int> lines;
    for (const BetweenDraft& between : draft_.network.between) {
      for (const auto& [key, region] :
           {std::pair("from", &between.from), std::pair("to", &between.to)}) {
        if (known_set.count(*region) == 0) {
          report(diagnostics_, between, key, fmt::format("no group is in region '{}'", *region),
                 suggest(*region, known));
        }
      }
      const auto [first, fresh] =
          lines.try_emplace({between.from, between.to}, between.node->mark.line);
      if (!fresh) {
        report(diagnostics_, between, "",
               fmt::format("links from {} to {} are described twice", between.from, between.to),
               fmt::format("first on line {}", first->second));
      }
      const LinkSpec link = inherit_link(between.link, between, draft_.network.link);
      check_link(link, *between.node, between.path, diagnostics_);
      out_.network.overrides.push_back({between.from, between.to, link});
    }
  }

  void bug() {
    out_.buggify_ppm = draft_.debug.buggify_ppm;
    out_.seeded_bug = draft_.debug.seeded_bug;
    const auto& known = options_.known_bugs;
    if (out_.seeded_bug.empty() || known.empty()) return;
    if (std::find(known.begin(), known.end(), out_.seeded_bug) == known.end()) {
      report_at(diagnostics_, root_, "debug.seeded_bug",
                fmt::format("unknown bug '{}'", out_.seeded_bug), suggest(out_.seeded_bug, known));
    }
  }

  const ScenarioDraft& draft_;
  const Node& root_;
  const LoadOptions& options_;
  Diagnostics& diagnostics_;
  Scenario out_;
};

}  // namespace

Scenario resolve_scenario(const ScenarioDraft& draft, const Node& root, const LoadOptions& options,
                          Diagnostics& diagnostics) {
  return Resolver(draft, root, options, diagnostics).run();
}

}  // namespace orrery::scenario
