#include "protocol/node/auditor.h"

#include <algorithm>

#include "engine/base/codec.h"
#include "gpu/api/inference.h"
#include "protocol/ledger/accounts.h"
#include "protocol/node/rare.h"
#include "protocol/node/worker.h"
#include "protocol/types/trace_kinds.h"

namespace orrery::chain {
namespace {

// What this validator says is right: the digest of its result. A block's proof states transcript,
// tokens and work beside the digest; where they are not those of the result, the claim is a digest
// that nobody has revealed, and every honest validator comes to the same one.
Hash256 judge(const Task& task, const gpu::InferenceResult& result) {
  const Hash256 digest = result.digest();
  for (const Assignment& a : task.assignments) {
    if (!a.reveal || a.reveal->result != digest) continue;
    if (a.reveal->transcript_root == result.transcript_root &&
        a.reveal->tokens == result.generated_tokens && a.reveal->work == result.work_units) {
      continue;
    }
    return sha256(Writer().text("orrery/false-statement/1").hash(digest).view());
  }
  return digest;
}

}  // namespace

bool Auditor::sampled(const Task& task) {
  const WorkParams& work = chain_.params().work;
  if (amount_at(chain_.state(), escrow_path(task.id)) > work.audit_all_above) return true;
  const std::uint64_t window = task.requested / kWindow;
  if (!secret_ || secret_->window != window) {
    Writer input;
    input.text("orrery/audit/2").text(chain_.params().id).u64(window);
    secret_ = Secret{window, vrf_evaluate(wallet_.key(), input.view())};
  }
  Writer draw;
  draw.text("orrery/audit/2").raw(secret_->output.view()).hash(task.id);
  return sha256(draw.view()).prefix() % 1'000'000 < work.audit_ppm;
}

void Auditor::on_adopted(env::Env& env, const ChainEvents& events) {
  for (const ChainEvent& event : events) {
    const bool revealed = event.kind == ChainEventKind::kTaskRevealed;
    const bool challenged = event.kind == ChainEventKind::kTaskChallenged;
    if (!revealed && !challenged) continue;
    const auto task = find_task(chain_.state(), event.subject);
    if (!task || is_ended(task->state)) continue;
    if (challenged || sampled(*task) || rare(env, kAuditMore)) compute(env, *task);
  }
}

void Auditor::compute(env::Env& env, const Task& task) {
  Audit& audit = audits_[task.id];
  if (audit.job != 0 && audit.seed == task.sampling_seed) return;
  audit = {.seed = task.sampling_seed, .job = next_job_++, .result = std::nullopt};
  jobs_[audit.job] = task.id;
  env.compute.submit(job_of(task), {kCookieAudit, audit.job});
}

void Auditor::on_job(env::Env& env, const env::JobDone& event) {
  const auto job = jobs_.find(event.cookie.a);
  if (job == jobs_.end()) return;
  const Hash256 id = job->second;
  jobs_.erase(job);
  env.trace.emit({.kind = kTraceJobDone,
                  .n = {static_cast<std::uint64_t>(event.result.status), event.result.work_units},
                  .a = id});
  const auto audit = audits_.find(id);
  if (audit == audits_.end() || audit->second.job != event.cookie.a) return;
  auto result = gpu::InferenceResult::decode(event.result.output.view());
  if (event.result.status != env::JobStatus::kDone || !result) return;
  audit->second.result = std::move(*result);
  on_head(env);
}

void Auditor::act(env::Env& env, const Task& task, const gpu::InferenceResult& mine) {
  const Hash256 result = judge(task, mine);
  Bytes claim = encode(ResultClaim{task.id, task.sampling_seed, result});
  if (task.state == TaskState::kRevealed) {
    const bool wrong =
        std::any_of(task.assignments.begin(), task.assignments.end(), [&](const Assignment& a) {
          return a.reveal && a.reveal->result != result;
        });
    const bool rash = has_bug(chain_.params().seeded_bug, SeededBug::kChallengeRight);
    if (rash) claim = encode(ResultClaim{task.id, task.sampling_seed, task.id});
    if (wrong || rash) wallet_.fulfil(env, kChallengeTag, task.id, claim);
    return;
  }
  const bool judged =
      std::any_of(task.verdicts.begin(), task.verdicts.end(),
                  [&](const Verdict& v) { return v.validator == wallet_.address(); });
  if (!judged) wallet_.fulfil(env, kVerdictTag, task.id, claim);
}

void Auditor::on_head(env::Env& env) {
  for (auto it = audits_.begin(); it != audits_.end();) {
    const auto task = find_task(chain_.state(), it->first);
    // A task of an abandoned block comes back, if it does, with the block that reveals it.
    if (!task || is_ended(task->state)) {
      it = audits_.erase(it);
      continue;
    }
    const bool open =
        task->state == TaskState::kRevealed || task->state == TaskState::kChallenged;
    if (open && (task->state == TaskState::kChallenged || it->second.seed != task->sampling_seed)) {
      compute(env, *task);
    }
    if (open && it->second.result) act(env, *task, *it->second.result);
    ++it;
  }
}

}  // namespace orrery::chain
