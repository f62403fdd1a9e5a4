// Works on assigned tasks (T-1 to T-5): executes, commits, reveals. What it owes is read from the
// chain's state, so it survives reorganisations and restarts.
#pragma once

#include <map>

#include "gpu/api/inference.h"
#include "protocol/node/wallet.h"
#include "protocol/work/task.h"

namespace orrery::chain {

// The job that executes a task: what any node must submit to get the task's one right result.
env::JobSpec job_of(const Task& task);

class Worker {
 public:
  Worker(Chain& chain, Wallet& wallet) : chain_(chain), wallet_(wallet) {}

  // After boot and after blocks were abandoned: looks through all open tasks.
  void rescan(env::Env& env);
  void on_adopted(env::Env& env, const ChainEvents& events);
  // After the head changed: sends what the present state asks for.
  void on_head(env::Env& env);
  void on_job(env::Env& env, const env::JobDone& event);

 private:
  // A reorganisation may assign the same task again with another sampling seed: then what was
  // computed for the old one is worth nothing.
  struct Mine {
    std::uint64_t seed = 0;
    std::uint64_t job = 0;  // the one whose answer counts
    std::optional<gpu::InferenceResult> result;
  };

  void take(env::Env& env, const Task& task);
  // Derived, so that a restarted worker opens the commitment it made before.
  Salt salt_of(const Hash256& task) const;

  Chain& chain_;
  Wallet& wallet_;
  std::map<Hash256, Mine> mine_;
  std::map<std::uint64_t, Hash256> jobs_;  // by cookie number
  std::uint64_t next_job_ = 1;
};

}  // namespace orrery::chain
