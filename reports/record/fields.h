// The members of each row of a RunRecord, named once. JSON, CSV and the reader visit these lists,
// so a member added to a row and to its list here appears everywhere. `visit(name, member)` is
// called in the order of the columns. A row type that is const is visited for reading, else for
// filling in.
#pragma once

#include <concepts>
#include <type_traits>

#include "reports/record/run_record.h"

namespace orrery::report {

template <class Row, class Type>
concept RowOf = std::same_as<std::remove_const_t<Row>, Type>;

template <RowOf<NodeRow> Row, class Visit>
void fields(Row& row, Visit&& visit) {
  visit("name", row.name);
  visit("group", row.group);
  visit("role", row.role);
  visit("region", row.region);
  visit("height", row.height);
  visit("finalized_height", row.finalized_height);
  visit("digest", row.digest);
  visit("peers", row.peers);
  visit("messages_sent", row.messages_sent);
  visit("bytes_sent", row.bytes_sent);
  visit("boots", row.boots);
  visit("stake", row.stake);
  visit("slashed", row.slashed);
  visit("behaviour", row.behaviour);
}

template <RowOf<BlockRow> Row, class Visit>
void fields(Row& row, Visit&& visit) {
  visit("height", row.height);
  visit("slot", row.slot);
  visit("time_s", row.time_s);
  visit("hash", row.hash);
  visit("parent", row.parent);
  visit("proposer", row.proposer);
  visit("transactions", row.transactions);
  visit("proofs", row.proofs);
  visit("evidence", row.evidence);
  visit("bytes", row.bytes);
  visit("work", row.work);
  visit("finalized", row.finalized);
  visit("finalized_time_s", row.finalized_time_s);
  visit("reward_producer", row.reward_producer);
  visit("reward_models", row.reward_models);
  visit("reward_fund", row.reward_fund);
  visit("reward_treasury", row.reward_treasury);
  visit("fees", row.fees);
}

template <RowOf<TaskRow> Row, class Visit>
void fields(Row& row, Visit&& visit) {
  visit("id", row.id);
  visit("kind", row.kind);
  visit("requester", row.requester);
  visit("workers", row.workers);
  visit("state", row.state);
  visit("requested_height", row.requested_height);
  visit("ended_height", row.ended_height);
  visit("requested_s", row.requested_s);
  visit("ended_s", row.ended_s);
  visit("tokens", row.tokens);
  visit("work", row.work);
  visit("escrow", row.escrow);
  visit("paid", row.paid);
  visit("prompt", row.prompt);
  visit("answer", row.answer);
}

template <RowOf<LedgerRow> Row, class Visit>
void fields(Row& row, Visit&& visit) {
  visit("time_s", row.time_s);
  visit("height", row.height);
  visit("pool", row.pool);
  visit("amount", row.amount);
}

template <RowOf<MetricRow> Row, class Visit>
void fields(Row& row, Visit&& visit) {
  visit("time_s", row.time_s);
  visit("metric", row.metric);
  visit("value", row.value);
}

template <RowOf<FaultRow> Row, class Visit>
void fields(Row& row, Visit&& visit) {
  visit("id", row.id);
  visit("name", row.name);
  visit("kind", row.kind);
  visit("targets", row.targets);
  visit("detail", row.detail);
  visit("begin_s", row.begin_s);
  visit("end_s", row.end_s);
}

template <RowOf<InvariantRow> Row, class Visit>
void fields(Row& row, Visit&& visit) {
  visit("name", row.name);
  visit("about", row.about);
  visit("checks", row.checks);
  visit("violations", row.violations);
  visit("first_violation", row.first_violation);
  visit("first_violation_s", row.first_violation_s);
}

template <RowOf<AssertRow> Row, class Visit>
void fields(Row& row, Visit&& visit) {
  visit("name", row.name);
  visit("text", row.text);
  visit("ok", row.ok);
  visit("decided", row.decided);
  visit("seen", row.seen);
}

template <RowOf<SlashRow> Row, class Visit>
void fields(Row& row, Visit&& visit) {
  visit("time_s", row.time_s);
  visit("height", row.height);
  visit("node", row.node);
  visit("cause", row.cause);
  visit("amount", row.amount);
  visit("evidence", row.evidence);
}

template <RowOf<RewardRow> Row, class Visit>
void fields(Row& row, Visit&& visit) {
  visit("role", row.role);
  visit("amount", row.amount);
}

// The members of the record that are single values.
template <RowOf<RunRecord> Record, class Visit>
void scalar_fields(Record& record, Visit&& visit) {
  visit("scenario_name", record.scenario_name);
  visit("scenario_about", record.scenario_about);
  visit("scenario_path", record.scenario_path);
  visit("scenario_hash", record.scenario_hash);
  visit("command", record.command);
  visit("commit", record.commit);
  visit("machine", record.machine);
  visit("compiler", record.compiler);
  visit("version", record.version);
  visit("seed", record.seed);
  visit("digest", record.digest);
  visit("virtual_seconds", record.virtual_seconds);
  visit("wall_seconds", record.wall_seconds);
  visit("events", record.events);
  visit("height", record.height);
  visit("finalized_height", record.finalized_height);
  visit("run_dir", record.run_dir);
  visit("partial", record.partial);
  visit("exit", record.exit);
  visit("token_symbol", record.token_symbol);
  visit("token_decimals", record.token_decimals);
  visit("tasks", record.tasks);
  visit("supply", record.supply);
}

// The members of the record that are tables of rows.
template <RowOf<RunRecord> Record, class Visit>
void table_fields(Record& record, Visit&& visit) {
  visit("nodes", record.nodes);
  visit("blocks", record.blocks);
  visit("task_rows", record.task_rows);
  visit("ledger", record.ledger);
  visit("metrics", record.metrics);
  visit("faults", record.faults);
  visit("invariants", record.invariants);
  visit("asserts", record.asserts);
  visit("slashes", record.slashes);
  visit("rewards", record.rewards);
}

}  // namespace orrery::report
