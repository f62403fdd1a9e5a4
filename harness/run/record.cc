#include "harness/run/record.h"

#include <fmt/format.h>

#include <algorithm>

#include "harness/run/machine.h"
#include "harness/run/network.h"
#include "protocol/ledger/accounts.h"
#include "protocol/ledger/staking.h"
#include "scenarios/schema/describe.h"

namespace orrery::run {
namespace {

using chain::ChainEventKind;
using chain::RewardRole;

double seconds(Time t) { return static_cast<double>(t.ns) / 1e9; }

std::string cause_name(std::uint64_t cause) {
  switch (static_cast<chain::SlashCause>(cause)) {
    case chain::SlashCause::kWrongInference: return "wrong-inference";
    case chain::SlashCause::kDoubleVote: return "double-vote";
    case chain::SlashCause::kSurroundVote: return "surround-vote";
    case chain::SlashCause::kLostChallenge: return "lost-challenge";
  }
  return "unknown";
}

constexpr std::string_view kRewardNames[] = {
    "producer",      "models",      "fund",        "treasury",           "fees",
    "workers",       "quality-bonus", "speed-bonus", "availability-bonus", "challengers"};

// Answers are arbitrary bytes: what is not printable ASCII is shown as \xNN.
std::string printable(ByteView bytes) {
  std::string text;
  for (std::uint8_t b : bytes) {
    if (b >= 0x20 && b < 0x7f && b != '\\') {
      text += static_cast<char>(b);
    } else {
      text += fmt::format("\\x{:02x}", b);
    }
  }
  return text;
}

class Builder {
 public:
  Builder(const World& world, const RunFacts& facts)
      : world_(world), scenario_(world.scenario()), canonical_(world.recorder().canonical()) {
    head(facts);
    nodes();
    blocks();
    tasks();
    money();
    faults();
    verdicts(facts);
  }
  report::RunRecord take() { return std::move(record_); }

 private:
  std::string name_of(const chain::Address& who) const {
    const auto it = world_.observer().owners.find(who);
    return it == world_.observer().owners.end() ? who.hex() : scenario_.nodes[it->second].name;
  }
  double block_time(const chain::Header& header) const {
    return seconds(Time{header.timestamp_ns - world_.observer().network->genesis.time_ns});
  }
  std::string node_list(const std::vector<std::uint32_t>& nodes) const {
    std::string text;
    for (std::uint32_t n : nodes) text += (text.empty() ? "" : ", ") + scenario_.nodes[n].name;
    return text;
  }

  void head(const RunFacts& facts);
  void nodes();
  void blocks();
  void tasks();
  void money();
  void faults();
  void verdicts(const RunFacts& facts);
  void describe_tasks(std::map<Hash256, report::TaskRow>& rows);

  const World& world_;
  const scenario::Scenario& scenario_;
  std::vector<const SeenBlock*> canonical_;
  report::RunRecord record_;
};

void Builder::head(const RunFacts& facts) {
  const MachineFacts machine = machine_facts();
  record_.scenario_name = scenario_.name;
  record_.scenario_about = scenario_.about;
  record_.scenario_path = scenario_.source_path;
  record_.scenario_hash = to_hex(scenario_.hash);
  record_.command = facts.command;
  record_.commit = machine.commit;
  record_.machine = machine.machine;
  record_.compiler = machine.compiler;
  record_.version = machine.version;
  record_.seed = scenario_.seed;
  record_.digest = to_hex(world_.simulator().digest());
  record_.virtual_seconds = seconds(world_.simulator().now());
  record_.wall_seconds = facts.wall_seconds;
  record_.events = world_.simulator().events();
  record_.partial = facts.partial;
  record_.token_symbol = scenario_.chain.token.symbol;
  record_.token_decimals = scenario_.chain.token.decimals;
  const Metrics& last = world_.recorder().latest();
  record_.height = static_cast<std::uint64_t>(last.at("height"));
  record_.finalized_height = static_cast<std::uint64_t>(last.at("finalized_height"));
  for (const char* state : {"requested", "settled", "refunded", "slashed", "open"}) {
    record_.tasks[state] =
        static_cast<std::uint64_t>(last.at(std::string("tasks.") + state));
  }
}

void Builder::nodes() {
  const sim::Simulator& simulator = world_.simulator();
  const SeenBlock* tip = world_.recorder().find(world_.recorder().reference_head());
  const chain::StateTree* state = nullptr;
  for (std::uint32_t i = 0; i < simulator.nodes() && !state; ++i) {
    const chain::ChainNode* node = world_.node(i);
    if (node && node->chain().head().hash() == tip->block->hash) state = &node->chain().state();
  }
  std::map<std::uint32_t, std::string> behaved;
  for (const scenario::FaultSpec& fault : scenario_.timeline) {
    if (fault.kind != scenario::FaultKind::kBehave) continue;
    for (std::uint32_t target : fault.targets) behaved[target] = fault.behaviour;
  }
  for (std::uint32_t i = 0; i < simulator.nodes(); ++i) {
    const scenario::NodeSpec& spec = scenario_.nodes[i];
    const chain::ChainNode* node = world_.node(i);
    const auto who = std::find_if(world_.observer().owners.begin(), world_.observer().owners.end(),
                                  [&](const auto& item) { return item.second == i; })->first;
    const sim::NodeCounters& counters = simulator.counters(i);
    report::NodeRow row{.name = spec.name,
                        .group = spec.group,
                        .role = role_name(spec.role),
                        .region = spec.region,
                        .height = node ? node->chain().head().height() : 0,
                        .finalized_height = node ? node->chain().finalized_height() : 0,
                        .digest = to_hex(simulator.node_digest(i)),
                        .peers = simulator.peers(i),
                        .messages_sent = counters.messages_sent,
                        .bytes_sent = counters.bytes_sent,
                        .boots = static_cast<std::uint32_t>(counters.boots)};
    row.stake = to_decimal(state ? chain::amount_at(*state, chain::stake_path(who)) : u128{0});
    row.slashed = tip->slashed.count(who) != 0;
    row.behaviour = behaved.count(i) != 0 ? behaved[i] : spec.behaviour;
    record_.nodes.push_back(std::move(row));
  }
}

void Builder::blocks() {
  std::map<std::string, chain::Amount> totals;
  for (const SeenBlock* seen : canonical_) {
    const chain::Header& h = seen->block->header();
    const chain::Block& body = seen->block->block;
    report::BlockRow row{.height = h.height,
                         .slot = h.slot,
                         .time_s = block_time(h),
                         .hash = to_hex(seen->block->hash),
                         .parent = to_hex(h.parent),
                         .proposer = name_of(chain::address_of(h.proposer)),
                         .transactions = static_cast<std::uint32_t>(body.transactions.size()),
                         .proofs = static_cast<std::uint32_t>(body.proofs.size()),
                         .evidence = static_cast<std::uint32_t>(body.evidence.size()),
                         .bytes = static_cast<std::uint32_t>(seen->block->encoded.size())};
    for (const chain::InferenceProof& proof : body.proofs) row.work += proof.work;
    row.finalized = seen->finalized != kNever;
    row.finalized_time_s = row.finalized ? seconds(seen->finalized) : -1;
    std::array<chain::Amount, 10> paid{};
    for (const chain::ChainEvent& e : seen->events) {
      if (e.kind == ChainEventKind::kFee) {
        row.fees = to_decimal(e.amount);
        paid[static_cast<std::size_t>(RewardRole::kFees)] += e.amount;
      }
      if (e.kind == ChainEventKind::kReward) paid[e.number] += e.amount;
      if (e.kind == ChainEventKind::kSlashed) {
        record_.slashes.push_back({.time_s = row.time_s,
                                   .height = h.height,
                                   .node = name_of(e.who),
                                   .cause = cause_name(e.number),
                                   .amount = to_decimal(e.amount),
                                   .evidence = to_hex(e.subject)});
      }
    }
    row.reward_producer = to_decimal(paid[0]);
    row.reward_models = to_decimal(paid[1]);
    row.reward_fund = to_decimal(paid[2]);
    row.reward_treasury = to_decimal(paid[3]);
    for (std::size_t i = 0; i < paid.size(); ++i) totals[std::string(kRewardNames[i])] += paid[i];
    record_.blocks.push_back(std::move(row));
  }
  for (const std::string_view name : kRewardNames) {
    record_.rewards.push_back({std::string(name), to_decimal(totals[std::string(name)])});
  }
}

void Builder::tasks() {
  std::map<Hash256, report::TaskRow> rows;
  std::vector<Hash256> order;
  for (const SeenBlock* seen : canonical_) {
    const double time = block_time(seen->block->header());
    const std::uint64_t height = seen->block->header().height;
    for (const chain::ChainEvent& e : seen->events) {
      if (e.kind == ChainEventKind::kTaskRequested) {
        rows[e.subject] = {.id = to_hex(e.subject),
                           .kind = "chat",
                           .requester = name_of(e.who),
                           .state = "requested",
                           .requested_height = height,
                           .requested_s = time,
                           .escrow = to_decimal(e.amount),
                           .paid = "0"};
        order.push_back(e.subject);
        continue;
      }
      const auto it = rows.find(e.subject);
      if (it == rows.end()) continue;
      report::TaskRow& row = it->second;
      const auto end = [&](const char* state) {
        row.state = state;
        row.ended_height = height;
        row.ended_s = time;
      };
      switch (e.kind) {
        case ChainEventKind::kTaskAssigned:
          row.state = "assigned";
          row.workers += (row.workers.empty() ? "" : ", ") + name_of(e.who);
          break;
        case ChainEventKind::kTaskUnassigned: row.state = "queued"; break;
        case ChainEventKind::kTaskCommitted: row.state = "committed"; break;
        case ChainEventKind::kTaskRevealed:
          row.state = "revealed";
          row.tokens = e.number;
          break;
        case ChainEventKind::kTaskChallenged: row.state = "challenged"; break;
        case ChainEventKind::kTaskSettled:
          end("settled");
          row.paid = to_decimal(e.amount);
          break;
        case ChainEventKind::kTaskRefunded: end("refunded"); break;
        case ChainEventKind::kTaskSlashed: end("slashed"); break;
        default: break;
      }
    }
  }
  describe_tasks(rows);
  for (const Hash256& id : order) record_.task_rows.push_back(std::move(rows[id]));
}

// Prompts and answers stand in the transactions.
void Builder::describe_tasks(std::map<Hash256, report::TaskRow>& rows) {
  static constexpr const char* kKinds[] = {"chat", "code", "analysis", "translation",
                                           "classification"};
  for (const SeenBlock* seen : canonical_) {
    for (const chain::TransactionPtr& shared : seen->block->block.transactions) {
      const chain::Transaction& tx = shared->tx;
      if (tx.tag == chain::kRequestTag) {
        const auto request = chain::decode_request(tx.payload);
        const auto row = rows.find(chain::task_id(scenario_.chain.id, tx.sender, tx.nonce));
        if (!request || row == rows.end()) continue;
        row->second.prompt = printable(request->prompt);
        row->second.kind = kKinds[static_cast<std::size_t>(request->kind)];
      } else if (tx.tag == chain::kRevealTag) {
        const auto reveal = chain::decode_reveal(tx.payload);
        if (!reveal) continue;
        const auto row = rows.find(reveal->task);
        const auto result = gpu::InferenceResult::decode(reveal->result);
        if (!result || row == rows.end()) continue;
        row->second.answer = printable(result->output);
        row->second.work = result->work_units;
      }
    }
  }
}

void Builder::money() {
  for (const Sample& sample : world_.recorder().samples()) {
    for (const auto& [pool, amount] : sample.pools) {
      record_.ledger.push_back({seconds(sample.time), sample.height, pool, to_decimal(amount)});
    }
    for (const auto& [metric, value] : sample.metrics) {
      record_.metrics.push_back({seconds(sample.time), metric, value});
    }
  }
  const auto& pools = world_.recorder().samples().back().pools;
  for (const auto& [pool, amount] : pools) record_.supply[pool] = to_decimal(amount);
  record_.supply["total"] = to_decimal(chain::SupplyBook::total(pools));
}

void Builder::faults() {
  for (const scenario::FaultSpec& fault : scenario_.timeline) {
    const auto seen = world_.recorder().faults().find(fault.id);
    if (seen == world_.recorder().faults().end()) continue;  // the run ended before it
    report::FaultRow row{.id = fault.id,
                         .name = fault.name,
                         .kind = fault_name(fault.kind),
                         .targets = node_list(fault.targets),
                         .begin_s = seconds(seen->second.begin)};
    row.end_s = seen->second.end == kNever ? -1 : seconds(seen->second.end);
    for (const auto& side : fault.sides) {
      row.targets += (row.targets.empty() ? "" : " | ") + node_list(side);
    }
    if (!fault.from.empty()) row.targets = node_list(fault.from) + " to " + node_list(fault.to);
    row.detail = scenario::effect(fault);
    record_.faults.push_back(std::move(row));
  }
}

void Builder::verdicts(const RunFacts& facts) {
  bool held = true;
  const check::CheckerSet& checkers = world_.checkers();
  for (std::size_t i = 0; i < checkers.size(); ++i) {
    const check::Checker& checker = checkers.at(i);
    report::InvariantRow row{.name = std::string(checker.name()),
                             .about = std::string(checker.about()),
                             .checks = checker.checks(),
                             .violations = checker.violations()};
    if (const auto& first = checker.first_violation()) {
      row.first_violation = first->text;
      row.first_violation_s = seconds(first->time);
    }
    held = held && row.violations == 0;
    record_.invariants.push_back(std::move(row));
  }
  // A checker that should have looked and never did says nothing: that is a finding as well.
  for (const std::string& name : checkers.unarmed()) {
    if (facts.partial) continue;
    held = false;
    record_.asserts.push_back({.name = "armed: " + name,
                               .text = "the invariant was checked at least once",
                               .ok = false,
                               .seen = "it never looked at anything"});
  }
  const auto& specs = world_.asserts().specs();
  for (std::size_t i = 0; i < specs.size(); ++i) {
    const Asserts::Verdict& verdict = world_.asserts().verdicts()[i];
    // What held or failed for good before the end stands; the rest is open.
    const bool at_the_end = specs[i].kind == scenario::AssertKind::kAtEnd ||
                            (specs[i].kind == scenario::AssertKind::kEventually && !verdict.early);
    const bool cut_short = facts.partial && at_the_end;
    held = held && (verdict.ok || cut_short);
    record_.asserts.push_back({.name = specs[i].name,
                               .text = specs[i].text,
                               .ok = verdict.ok && !cut_short,
                               .decided = !cut_short,
                               .seen = cut_short ? "the run was cut short" : verdict.seen});
  }
  record_.exit = facts.interrupted ? 130 : held ? 0 : 1;
}

}  // namespace

report::RunRecord make_record(const World& world, const RunFacts& facts) {
  ENSURE(world.finished(), "a record is made of a finished world");
  return Builder(world, facts).take();
}

}  // namespace orrery::run
