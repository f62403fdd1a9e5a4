// A validator's watch over inference (T-6): re-executes a private sample of revealed results, and
// all above a value; challenges what differs; judges what others challenged.
#pragma once

#include <map>
#include <optional>

#include "protocol/crypto/vrf.h"
#include "protocol/node/wallet.h"
#include "protocol/work/task.h"

namespace orrery::chain {

class Auditor {
 public:
  Auditor(Chain& chain, Wallet& wallet) : chain_(chain), wallet_(wallet) {}

  void on_adopted(env::Env& env, const ChainEvents& events);
  // Challenges and verdicts that the present state still waits for.
  void on_head(env::Env& env);
  void on_job(env::Env& env, const env::JobDone& event);

 private:
  // For one sampling seed: a reorganisation may give the task another.
  struct Audit {
    std::uint64_t seed = 0;
    std::uint64_t job = 0;          // the one whose answer counts
    std::optional<gpu::InferenceResult> result;  // what this validator computed
  };

  // Blocks of requests whose samples hang on one VRF output: an evaluation costs as much as all the
  // hashing of a block.
  static constexpr std::uint64_t kWindow = 32;
  struct Secret {
    std::uint64_t window = 0;
    VrfOutput output;
  };

  // By the VRF of this validator on the window of the request, hashed with the task: nobody else
  // can tell what will be audited.
  bool sampled(const Task& task);
  void compute(env::Env& env, const Task& task);
  void act(env::Env& env, const Task& task, const gpu::InferenceResult& result);

  Chain& chain_;
  Wallet& wallet_;
  std::map<Hash256, Audit> audits_;
  std::map<std::uint64_t, Hash256> jobs_;  // by cookie number
  std::uint64_t next_job_ = 1;
  std::optional<Secret> secret_;  // of the last window
};

}  // namespace orrery::chain
