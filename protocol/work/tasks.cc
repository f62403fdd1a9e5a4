#include "protocol/work/tasks.h"

#include <algorithm>
#include <map>

#include "protocol/consensus/lottery.h"
#include "protocol/ledger/accounts.h"
#include "protocol/ledger/staking.h"
#include "protocol/models/registry.h"
#include "protocol/work/schedule.h"
#include "protocol/work/settle.h"

namespace orrery::chain {
namespace {

Status refuse(const char* why) { return fail(ErrorCode::kRefused, why); }

Result<Task> open_task(const ExecContext& ctx, const Hash256& id, TaskState expected) {
  auto task = find_task(ctx.state, id);
  if (!task) return fail(ErrorCode::kRefused, "unknown task");
  if (task->state != expected) {
    return fail(ErrorCode::kRefused, std::string("the task is ") + to_string(task->state));
  }
  return std::move(*task);
}

Status execute_request(ExecContext& ctx, const Transaction& tx) {
  ASSIGN_OR_RETURN(RequestPayload p, decode_request(tx.payload));
  ASSIGN_OR_RETURN(const gpu::SamplingParams sampling, gpu::SamplingParams::decode(p.params));
  const WorkParams& work = ctx.params.work;
  if (p.prompt.size() > work.max_prompt_bytes) return refuse("the prompt is too long");
  if (sampling.max_tokens > work.max_output_tokens) return refuse("too many tokens asked for");
  if (!model_record(ctx.state, p.model)) return refuse("unknown model");
  if (queued_tasks(ctx.state) >= kMaxQueuedTasks) return refuse("the queue is full");
  Task task{.id = task_id(ctx.params.id, tx.sender, tx.nonce),
            .kind = p.kind,
            .priority = p.priority,
            .requester = tx.sender,
            .model = p.model,
            .prompt = std::move(p.prompt),
            .input_digest = {},
            .params = std::move(p.params),
            .requested = ctx.height()};
  task.input_digest = sha256(task.prompt);
  const Amount escrow = charge_for(ctx.params.fees, sampling.max_tokens);
  TRY(move_money(ctx.state, balance_path(tx.sender), escrow_path(task.id), escrow));
  enqueue_task(ctx, task);
  ctx.emit({.kind = ChainEventKind::kTaskRequested,
            .subject = task.id,
            .who = tx.sender,
            .amount = escrow,
            .number = static_cast<std::uint64_t>(p.kind)});
  return {};
}

Status execute_commit(ExecContext& ctx, const Transaction& tx) {
  ASSIGN_OR_RETURN(const CommitPayload p, decode_commit(tx.payload));
  ASSIGN_OR_RETURN(Task task, open_task(ctx, p.task, TaskState::kAssigned));
  if (p.seed != task.sampling_seed) return refuse("the commitment is of another assignment");
  Assignment* mine = task.assignment(tx.sender);
  if (!mine) return refuse("the task is assigned to others");
  if (mine->commitment) return refuse("the worker has committed");
  mine->commitment = p.commitment;
  ctx.emit({.kind = ChainEventKind::kTaskCommitted, .subject = task.id, .who = tx.sender});
  const bool all = std::all_of(task.assignments.begin(), task.assignments.end(),
                               [](const Assignment& a) { return a.commitment.has_value(); });
  if (!all) {
    store_task(ctx.state, task);
    return {};
  }
  task.state = TaskState::kCommitted;
  set_due(ctx, task, ctx.height() + ctx.params.work.reveal_blocks);
  return {};
}

Status execute_reveal(ExecContext& ctx, const Transaction& tx) {
  ASSIGN_OR_RETURN(const RevealPayload p, decode_reveal(tx.payload));
  ASSIGN_OR_RETURN(Task task, open_task(ctx, p.task, TaskState::kCommitted));
  Assignment* mine = task.assignment(tx.sender);
  if (!mine || !mine->commitment) return refuse("the sender has not committed");
  if (mine->reveal) return refuse("the worker has revealed");
  ASSIGN_OR_RETURN(const gpu::InferenceResult result, gpu::InferenceResult::decode(p.result));
  if (task_commitment(ctx.params.id, task.id, tx.sender, result, p.salt) != *mine->commitment) {
    return refuse("the result does not open the commitment");
  }
  ASSIGN_OR_RETURN(const gpu::SamplingParams sampling, gpu::SamplingParams::decode(task.params));
  if (result.generated_tokens > sampling.max_tokens) return refuse("more tokens than asked for");
  mine->reveal = Reveal{.result = result.digest(),
                        .transcript_root = result.transcript_root,
                        .tokens = result.generated_tokens,
                        .work = result.work_units,
                        .height = ctx.height()};
  if (auto record = stake_record(ctx.state, tx.sender)) {
    ++record->delivered;
    set_stake_record(ctx.state, tx.sender, *record);
  }
  ctx.emit({.kind = ChainEventKind::kTaskRevealed,
            .subject = task.id,
            .who = tx.sender,
            .number = result.generated_tokens});
  const bool all = std::all_of(task.assignments.begin(), task.assignments.end(),
                               [](const Assignment& a) { return a.reveal.has_value(); });
  if (all) {
    enter_revealed(ctx, task);
  } else {
    store_task(ctx.state, task);
  }
  return {};
}

bool is_validator(const ExecContext& ctx, const Address& who) {
  const auto record = stake_record(ctx.state, who);
  return record && record->validator &&
         amount_at(ctx.state, stake_path(who)) >= ctx.params.stake.minimum;
}

// The bond of a challenge is the challenger's stake: losing costs slash_lost_challenge_ppm of it.
Status execute_challenge(ExecContext& ctx, const Transaction& tx) {
  ASSIGN_OR_RETURN(const ResultClaim p, decode_claim(tx.payload));
  ASSIGN_OR_RETURN(Task task, open_task(ctx, p.task, TaskState::kRevealed));
  if (p.seed != task.sampling_seed) return refuse("the challenge is of another assignment");
  if (!is_validator(ctx, tx.sender)) return refuse("only bonded validators challenge");
  // Or it would earn back the challenger's share of its own slash.
  if (task.assignment(tx.sender)) return refuse("a worker does not challenge its own task");
  // A worker that lied on one branch and not on another must not cost the challenger its bond.
  const bool disputed =
      std::any_of(task.assignments.begin(), task.assignments.end(),
                  [&](const Assignment& a) { return a.reveal && a.reveal->result != p.result; });
  if (!disputed) return refuse("the challenge disputes no result");
  task.state = TaskState::kChallenged;
  task.challenger = tx.sender;
  ctx.emit({.kind = ChainEventKind::kTaskChallenged, .subject = task.id, .who = tx.sender});
  set_due(ctx, task, ctx.height() + ctx.params.work.verdict_blocks);
  return {};
}

Status execute_verdict(ExecContext& ctx, const Transaction& tx) {
  ASSIGN_OR_RETURN(const ResultClaim p, decode_claim(tx.payload));
  ASSIGN_OR_RETURN(Task task, open_task(ctx, p.task, TaskState::kChallenged));
  if (p.seed != task.sampling_seed) return refuse("the verdict is of another assignment");
  if (!is_validator(ctx, tx.sender)) return refuse("only bonded validators judge");
  if (task.verdicts.size() >= kMaxVerdicts) return refuse("the task has all its verdicts");
  for (const Verdict& v : task.verdicts) {
    if (v.validator == tx.sender) return refuse("the validator has judged");
  }
  task.verdicts.push_back({tx.sender, p.result});
  ctx.emit({.kind = ChainEventKind::kTaskVerdict, .subject = task.id, .who = tx.sender});
  std::map<Address, Amount> stakes;
  Amount total = 0;
  for (const Stake& stake : active_stakes(ctx.state, ctx.params)) {
    if (!stake.record.validator) continue;
    stakes[stake.who] = stake.amount;
    total += stake.amount;
  }
  Amount agreeing = 0;
  for (const Verdict& v : task.verdicts) {
    if (v.result == p.result) agreeing += stakes[v.validator];
  }
  if (3 * agreeing > 2 * total) {
    decide_task(ctx, task, p.result);
  } else {
    store_task(ctx.state, task);
  }
  return {};
}

Status carry_task(ExecContext& ctx, const InferenceProof& proof) {
  auto task = find_task(ctx.state, proof.task);
  Assignment* mine = task ? task->assignment(ctx.proposer) : nullptr;
  if (!mine || !mine->reveal) return refuse("a proof names a task its producer did not reveal");
  if (mine->carried) return refuse("a task is carried once");
  if (task->state == TaskState::kSlashed || task->state == TaskState::kRefunded) {
    return refuse("the result was wrong or never decided on");
  }
  const Reveal& r = *mine->reveal;
  if (proof.output_digest != r.result || proof.transcript_root != r.transcript_root ||
      proof.tokens != r.tokens || proof.work != r.work || proof.nonce != task->sampling_seed ||
      proof.input_digest != task->input_digest) {
    return refuse("a proof differs from what was revealed");
  }
  mine->carried = true;
  store_task(ctx.state, *task);
  count_user_work(ctx, proof.work);
  return {};
}

Status open_background(ExecContext& ctx, const InferenceProof& proof, std::uint64_t index) {
  const Hash256 id =
      background_id(ctx.params.id, ctx.header.parent, ctx.header.proposer, index);
  if (proof.task != id) return refuse("a background task is not the one derived from the parent");
  ASSIGN_OR_RETURN(Task task, background_task(ctx.params, ctx.state, id));
  if (proof.nonce != task.sampling_seed || proof.input_digest != task.input_digest ||
      proof.tokens != ctx.params.work.background_tokens) {
    return refuse("a background proof has the wrong input");
  }
  if (find_task(ctx.state, id)) return refuse("a background task is proved once");
  task.requester = ctx.proposer;
  task.requested = ctx.height();
  task.assignments.push_back({.worker = ctx.proposer,
                              .height = ctx.height(),
                              .commitment = std::nullopt,
                              .reveal = Reveal{.result = proof.output_digest,
                                               .transcript_root = proof.transcript_root,
                                               .tokens = proof.tokens,
                                               .work = proof.work,
                                               .height = ctx.height()},
                              .carried = true});
  ctx.emit({.kind = ChainEventKind::kTaskRevealed,
            .subject = id,
            .who = ctx.proposer,
            .number = proof.tokens});
  enter_revealed(ctx, task);
  return {};
}

// P-2: the proofs of a block are its producer's and bring at least D work units.
Status apply_proofs(ExecContext& ctx, const Block& block) {
  if (block.proofs.size() > kMaxBlockProofs) return refuse("too many proofs in a block");
  std::uint64_t work = 0;
  std::uint64_t background = 0;
  for (const InferenceProof& proof : block.proofs) {
    if (proof.timestamp_ns != ctx.header.timestamp_ns) return refuse("a proof of another time");
    if (proof.kind == ProofKind::kTask) {
      TRY(carry_task(ctx, proof));
    } else {
      TRY(open_background(ctx, proof, background++));
    }
    const std::uint64_t sum = work + proof.work;
    if (sum < work) return refuse("work overflows");
    work = sum;
    ctx.emit({.kind = ChainEventKind::kProofCarried,
              .subject = proof.task,
              .who = ctx.proposer,
              .number = proof.work});
  }
  if (work < ctx.header.work) return refuse("the proofs bring less work than the block needs");
  return {};
}

void end_block(ExecContext& ctx) {
  expire_tasks(ctx);
  assign_tasks(ctx);
}

template <auto Decode>
Status check(ByteView body) {
  auto decoded = Decode(body);
  if (!decoded) return tl::unexpected<Error>(decoded.error());
  return {};
}

}  // namespace

Module tasks_module() {
  return {.name = "tasks",
          .payloads = {{kRequestTag, "request", 50'000, check<decode_request>, execute_request},
                       {kCommitTag, "commit", 20'000, check<decode_commit>, execute_commit},
                       {kRevealTag, "reveal", 30'000, check<decode_reveal>, execute_reveal},
                       {kChallengeTag, "challenge", 50'000, check<decode_claim>, execute_challenge},
                       {kVerdictTag, "verdict", 30'000, check<decode_claim>, execute_verdict}},
          .state_paths = {"/tasks/", "/queue/", "/due/", "/escrow/"},
          .money = {{"/escrow/", "", "escrow"}},
          .invariants = {"escrow-matches-open-tasks", "task-automaton", "task-settles-once",
                         "pay-needs-assignment", "wrong-inference-never-settles",
                         "tasks-end-in-time"},
          .body = apply_proofs,
          .end_block = end_block};
}

}  // namespace orrery::chain
