// Inference tasks (T-1): the record on the state tree, its payloads, and the digests that bind a
// result to its task and worker.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "engine/base/codec.h"
#include "gpu/api/inference.h"
#include "protocol/crypto/commit.h"
#include "protocol/ledger/module.h"

namespace orrery::chain {

inline constexpr PayloadTag kRequestTag = 16;
inline constexpr PayloadTag kCommitTag = 17;
inline constexpr PayloadTag kRevealTag = 18;
inline constexpr PayloadTag kChallengeTag = 19;
inline constexpr PayloadTag kVerdictTag = 20;

inline constexpr std::uint32_t kMaxReplicas = 5;
inline constexpr std::uint32_t kMaxVerdicts = 4096;  // one a validator
inline constexpr std::uint32_t kMaxParamsBytes = 64;

enum class TaskKind : std::uint8_t {
  kChat, kCode, kAnalysis, kTranslation, kClassification,
  kBackground,  // derived from a block, paid with credits only (P-2)
};
enum class Priority : std::uint8_t { kHigh, kMedium, kLow, kBackground };  // T-2

enum class TaskState : std::uint8_t {
  kQueued, kAssigned, kCommitted, kRevealed, kChallenged,
  kSettled, kRefunded, kSlashed,  // ended
};
inline bool is_ended(TaskState s) { return s >= TaskState::kSettled; }
const char* to_string(TaskState state);

struct Reveal {
  Hash256 result;      // gpu::InferenceResult::digest: output, counts, transcript root
  Hash256 transcript_root;
  std::uint32_t tokens = 0;
  std::uint64_t work = 0;
  std::uint64_t height = 0;
};
struct Assignment {
  Address worker;
  std::uint64_t height = 0;
  std::optional<Hash256> commitment;
  std::optional<Reveal> reveal;
  bool carried = false;  // its worker's block has counted it (P-2)
};
struct Verdict {
  Address validator;
  Hash256 result;
};

struct Task {
  Hash256 id;
  TaskKind kind = TaskKind::kChat;
  TaskState state = TaskState::kQueued;
  Priority priority = Priority::kHigh;
  Address requester;
  Hash256 model;
  Bytes prompt;          // emptied when the task ends
  Hash256 input_digest;  // SHA-256 of the prompt
  Bytes params;        // encoded gpu::SamplingParams
  std::uint64_t requested = 0;  // height
  std::uint64_t due = 0;        // height at which the present state times out
  std::uint64_t sampling_seed = 0;  // T-5: from task id and assignment beacon
  std::vector<Assignment> assignments;
  std::optional<Address> challenger;
  std::vector<Verdict> verdicts;

  Assignment* assignment(const Address& worker);
};

std::optional<Task> find_task(const StateTree& state, const Hash256& id);
void store_task(StateTree& state, const Task& task);
std::string task_path(const Hash256& id);

struct RequestPayload {
  TaskKind kind = TaskKind::kChat;
  Priority priority = Priority::kHigh;
  Hash256 model;
  Bytes prompt;
  Bytes params;
};
// The seed names the assignment: a transaction may outlive it in pools, when the task is assigned
// again after a missed deadline or on another branch, and must not speak for the next one.
struct CommitPayload {
  Hash256 task;
  std::uint64_t seed = 0;  // Task::sampling_seed
  Hash256 commitment;
};
struct RevealPayload {
  Hash256 task;
  Salt salt;
  Bytes result;  // encoded gpu::InferenceResult
};
// Challenge and verdict say which result is right.
struct ResultClaim {
  Hash256 task;
  std::uint64_t seed = 0;  // as in CommitPayload
  Hash256 result;
};
Bytes encode(const RequestPayload& p);
Bytes encode(const CommitPayload& p);
Bytes encode(const RevealPayload& p);
Bytes encode(const ResultClaim& p);
Result<RequestPayload> decode_request(ByteView bytes);
Result<CommitPayload> decode_commit(ByteView bytes);
Result<RevealPayload> decode_reveal(ByteView bytes);
Result<ResultClaim> decode_claim(ByteView bytes);

Hash256 task_id(std::string_view chain_id, const Address& requester, std::uint64_t nonce);
// T-4: binds task, worker and result; a copied commitment opens for nobody else.
Hash256 task_commitment(std::string_view chain_id, const Hash256& task, const Address& worker,
                        const gpu::InferenceResult& result, const Salt& salt);

// P-2: the i-th background task of a producer on a parent, its prompt and parameters.
Hash256 background_id(std::string_view chain_id, const Hash256& parent, const PublicKey& producer,
                      std::uint64_t index);
// kRefused if the chain has no model.
Result<Task> background_task(const ChainParams& params, const StateTree& state, const Hash256& id);

// A6: what `tokens` cost, rounded up.
Amount charge_for(const FeeParams& fees, std::uint64_t tokens);

}  // namespace orrery::chain
