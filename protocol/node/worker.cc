#include "protocol/node/worker.h"

#include "engine/base/codec.h"
#include "engine/base/hash_text.h"
#include "protocol/node/rare.h"
#include "protocol/types/trace_kinds.h"

namespace orrery::chain {

env::JobSpec job_of(const Task& task) {
  return {.model = task.model,
          .input = Buffer(task.prompt),
          .parameters = Buffer(task.params),
          .sampling_seed = task.sampling_seed,
          .numeric = env::NumericClass::kExact};
}

void Worker::rescan(env::Env& env) {
  // Open tasks are all under /due/; /tasks/ keeps every task there ever was.
  chain_.state().for_each("/due/", [&](std::string_view path, ByteView) {
    if (auto task = find_task(chain_.state(), hash_at_end(path))) take(env, *task);
    return true;
  });
}

void Worker::on_adopted(env::Env& env, const ChainEvents& events) {
  const Address me = wallet_.address();
  for (const ChainEvent& event : events) {
    if (event.kind != ChainEventKind::kTaskAssigned || event.who != me) continue;
    if (const auto task = find_task(chain_.state(), event.subject)) take(env, *task);
  }
}

void Worker::take(env::Env& env, const Task& task) {
  if (is_ended(task.state) || task.kind == TaskKind::kBackground) return;
  Task copy = task;
  if (!copy.assignment(wallet_.address())) return;
  Mine& mine = mine_[task.id];
  if (mine.job != 0 && mine.seed == task.sampling_seed) return;
  mine = {.seed = task.sampling_seed, .job = next_job_++, .result = std::nullopt};
  jobs_[mine.job] = task.id;
  env.compute.submit(job_of(task), {kCookieWork, mine.job});
}

void Worker::on_job(env::Env& env, const env::JobDone& event) {
  const auto job = jobs_.find(event.cookie.a);
  if (job == jobs_.end()) return;
  const Hash256 id = job->second;
  jobs_.erase(job);
  env.trace.emit({.kind = kTraceJobDone,
                  .n = {static_cast<std::uint64_t>(event.result.status), event.result.work_units},
                  .a = id});
  const auto mine = mine_.find(id);
  if (mine == mine_.end() || mine->second.job != event.cookie.a) return;
  auto result = gpu::InferenceResult::decode(event.result.output.view());
  if (event.result.status != env::JobStatus::kDone || !result) return;  // the deadline passes
  mine->second.result = std::move(*result);
  on_head(env);
}

Salt Worker::salt_of(const Hash256& task) const {
  Writer out;
  out.text("orrery/salt/1").raw(wallet_.key().secret_key().seed()).hash(task);
  return Salt{sha256(out.view()).bytes};
}

void Worker::on_head(env::Env& env) {
  const std::string& chain_id = chain_.params().id;
  const Address me = wallet_.address();
  for (auto it = mine_.begin(); it != mine_.end();) {
    auto task = find_task(chain_.state(), it->first);
    const Assignment* assignment = task ? task->assignment(me) : nullptr;
    if (!assignment || is_ended(task->state)) {
      it = mine_.erase(it);
      continue;
    }
    if (it->second.seed != task->sampling_seed) take(env, *task);
    const auto& result = it->second.result;
    if (result && rare(env, kWorkerWaits)) {
      ++it;
      continue;
    }
    if (result && task->state == TaskState::kAssigned && !assignment->commitment) {
      const Hash256 commitment =
          task_commitment(chain_id, task->id, me, *result, salt_of(task->id));
      wallet_.fulfil(env, kCommitTag, task->id,
                     encode(CommitPayload{task->id, task->sampling_seed, commitment}));
    }
    if (result && task->state == TaskState::kCommitted && assignment->commitment &&
        !assignment->reveal) {
      wallet_.fulfil(env, kRevealTag, task->id,
                     encode(RevealPayload{task->id, salt_of(task->id), result->encode()}));
    }
    ++it;
  }
}

}  // namespace orrery::chain
