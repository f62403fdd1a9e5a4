// RunRecord: all that a run leaves behind, as plain data. harness/run fills it, reports/render
// turns it into files, harness/python into frames. Money is exact: decimal strings of base units.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace orrery::report {

struct NodeRow {
  std::string name, group, role, region;
  std::uint64_t height = 0, finalized_height = 0;
  std::string digest;                // 32 hex digits
  std::vector<std::uint32_t> peers;  // indices of sessions open at the end
  std::uint64_t messages_sent = 0, bytes_sent = 0;
  std::uint32_t boots = 0;
  std::string stake;  // base units at the end
  bool slashed = false;
  std::string behaviour;  // honest or the adversary's name
};

struct BlockRow {  // canonical chain at the end of the run (finalised part, then best branch)
  std::uint64_t height = 0, slot = 0;
  double time_s = 0;                   // virtual time of the slot
  std::string hash, parent, proposer;  // proposer: node name
  std::uint32_t transactions = 0, proofs = 0, evidence = 0, bytes = 0;
  std::uint64_t work = 0;  // work units proved
  bool finalized = false;
  double finalized_time_s = -1;  // first node's finalisation, -1 if none
  std::string reward_producer, reward_models, reward_fund, reward_treasury, fees;  // base units
};

struct TaskRow {
  std::string id, kind, requester, workers;  // names, comma separated
  std::string
      state;  // requested queued assigned committed revealed challenged settled refunded slashed
  std::uint64_t requested_height = 0, ended_height = 0;
  double requested_s = 0, ended_s = -1;
  std::uint64_t tokens = 0, work = 0;
  std::string escrow, paid, prompt, answer;  // answer: printable text, escaped
};

struct LedgerRow {  // one per (sample, pool): exact
  double time_s = 0;
  std::uint64_t height = 0;
  std::string pool;  // liquid staked unbonding escrow rewards ecosystem sale reserve fund treasury
                     // models_carry vesting burnt ...; their sum is the supply
  std::string amount;  // base units
};

struct MetricRow {
  double time_s = 0;
  std::string metric;  // name in the registry
  double value = 0;
};

struct FaultRow {
  std::uint32_t id = 0;
  std::string name, kind, targets, detail;
  double begin_s = 0, end_s = -1;  // -1: lasted to the end
};

struct InvariantRow {
  std::string name, about;  // "supply-conserved", one sentence
  std::uint64_t checks = 0, violations = 0;
  std::string first_violation;  // "" or time, node and what was expected and seen
  double first_violation_s = -1;
};

struct AssertRow {
  std::string name, text;
  bool ok = false;
  bool decided = true;  // false: the run ended before it could be judged
  std::string seen;     // what decided it
};

struct SlashRow {
  double time_s = 0;
  std::uint64_t height = 0;
  std::string node, cause, amount, evidence;  // cause: wrong-inference, double-vote, ...
};

struct RewardRow {  // exact totals of the run by role: producer models fund treasury workers bonus
                    // challengers
  std::string role, amount;
};

struct RunRecord {
  // Where every figure leads.
  std::string scenario_name, scenario_about, scenario_path, scenario_hash, command, commit, machine,
      compiler, version;
  std::uint64_t seed = 0;
  std::string digest;
  double virtual_seconds = 0, wall_seconds = 0;
  std::uint64_t events = 0;
  std::uint64_t height = 0, finalized_height = 0;
  std::string run_dir;   // where it was written, as given; "" if nowhere
  bool partial = false;  // interrupted: everything below covers the part that ran
  int exit = 0;
  std::string token_symbol;
  std::uint32_t token_decimals = 18;
  std::map<std::string, std::uint64_t> tasks;  // requested settled refunded slashed (+ open states)
  std::map<std::string, std::string> supply;   // pool -> base units at the end; with "total"
  std::vector<NodeRow> nodes;
  std::vector<BlockRow> blocks;
  std::vector<TaskRow> task_rows;
  std::vector<LedgerRow> ledger;
  std::vector<MetricRow> metrics;
  std::vector<FaultRow> faults;
  std::vector<InvariantRow> invariants;
  std::vector<AssertRow> asserts;
  std::vector<SlashRow> slashes;
  std::vector<RewardRow> rewards;
};

}  // namespace orrery::report
