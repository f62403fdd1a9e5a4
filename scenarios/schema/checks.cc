#include "scenarios/schema/checks.h"

#include <fmt/format.h>

#include <map>

#include "scenarios/schema/quantity.h"

namespace orrery::scenario {
namespace {

template <class Draft>
const std::string& name_of(const Draft& draft) {
  return draft.name;
}
const std::string& name_of(const FaultDraft& draft) { return draft.spec.name; }

template <class Drafts>
void check_list_names(const Drafts& drafts, Diagnostics& diagnostics) {
  std::map<std::string, int> first_lines;
  for (const auto& draft : drafts) {
    const std::string& name = name_of(draft);
    if (name.empty()) continue;
    const auto [first, fresh] = first_lines.try_emplace(name, draft.node->mark.line);
    if (!fresh) {
      report(diagnostics, draft, "name", fmt::format("the name '{}' is taken", name),
             fmt::format("first on line {}", first->second));
    }
  }
}

}  // namespace

void report(Diagnostics& diagnostics, const Located& place, std::string_view key,
            std::string message, std::string hint) {
  const Node* value = place.node->find(key);
  diagnostics.add(value != nullptr ? value->mark : place.node->mark,
                  key.empty() ? place.path : join_path(place.path, key), std::move(message),
                  std::move(hint));
}

void report_at(Diagnostics& diagnostics, const Node& root, const std::string& path,
               std::string message, std::string hint) {
  const Node* at = &root;
  std::string rest = path;
  while (!rest.empty()) {
    const std::size_t dot = rest.find('.');
    const Node* next = at->find(rest.substr(0, dot));
    if (next == nullptr) break;
    at = next;
    rest = dot == std::string::npos ? "" : rest.substr(dot + 1);
  }
  diagnostics.add(at->mark, path, std::move(message), std::move(hint));
}

void check_chain(const chain::ChainParams& chain, const Node& root, Diagnostics& diagnostics) {
  const auto fault = [&](const char* path, std::string message) {
    report_at(diagnostics, root, path, std::move(message));
  };
  const chain::TokenParams& token = chain.token;
  const std::uint32_t percent = token.rewards_percent + token.team_percent +
                                token.ecosystem_percent + token.sale_percent +
                                token.reserve_percent;
  if (percent != 100) {
    fault("chain.token", fmt::format("rewards, team, ecosystem, sale and reserve add up to {}%, "
                                     "not 100%",
                                     percent));
  }
  const chain::RewardParams& rewards = chain.rewards;
  if (rewards.producer_weight + rewards.models_weight + rewards.fund_weight +
          rewards.treasury_weight ==
      0) {
    fault("chain.rewards", "all weights are zero: a block could pay nobody");
  }
  const chain::ConsensusParams& consensus = chain.consensus;
  if (consensus.block_interval < consensus.slot) {
    fault("chain.consensus.block_interval",
          fmt::format("{} is shorter than a slot of {}",
                      format_quantity(consensus.block_interval.ns, Dimension::kDuration),
                      format_quantity(consensus.slot.ns, Dimension::kDuration)));
  }
  if (chain.network.max_peers < chain.network.target_peers) {
    fault("chain.network.max_peers",
          fmt::format("{} is below target_peers, {}", chain.network.max_peers,
                      chain.network.target_peers));
  }
  if (chain.work.max_prompt_bytes > consensus.max_block_bytes) {
    fault("chain.work.max_prompt_bytes", "a prompt would not fit into a block");
  }
  if (chain.work.background_tokens > chain.work.max_output_tokens) {
    fault("chain.work.background_tokens", "exceeds max_output_tokens");
  }
}

void check_models(const ScenarioDraft& draft, Diagnostics& diagnostics) {
  constexpr std::uint32_t kLane = 8;  // kernels take the width of a head in steps of eight
  for (const ModelDraft& model : draft.models) {
    if (model.dim % model.heads != 0) {
      report(diagnostics, model, "heads",
             fmt::format("{} heads do not divide dim, {}", model.heads, model.dim));
    } else if (model.dim % (kLane * model.heads) != 0) {
      report(diagnostics, model, "dim",
             fmt::format("{} is not a multiple of {} = {} * heads", model.dim, kLane * model.heads,
                         kLane));
    }
    if (model.hidden % kLane != 0) {
      report(diagnostics, model, "hidden",
             fmt::format("{} is not a multiple of {}", model.hidden, kLane));
    }
  }
}

void check_link(const LinkSpec& link, const Node& node, const std::string& path,
                Diagnostics& diagnostics) {
  const Node* inner = path == "network" ? node.find("network") : &node;
  const auto complain = [&](const char* key, std::string message) {
    const Node* value = inner != nullptr ? inner->find(key) : nullptr;
    diagnostics.add(value != nullptr ? value->mark : node.mark, join_path(path, key),
                    std::move(message));
  };
  if (link.queue_bytes != 0 && link.bytes_per_second == 0) {
    complain("queue", "a queue needs a rate at which it empties");
  }
  if (link.reorder_ppm != 0 && link.reorder_window == Duration{}) {
    complain("reorder", "needs reorder_window: how long a datagram is held back at most");
  }
}

void check_names(const ScenarioDraft& draft, Diagnostics& diagnostics) {
  check_list_names(draft.models, diagnostics);
  check_list_names(draft.devices, diagnostics);
  check_list_names(draft.groups, diagnostics);
  check_list_names(draft.load, diagnostics);
  check_list_names(draft.timeline, diagnostics);
  check_list_names(draft.asserts, diagnostics);
}

}  // namespace orrery::scenario
